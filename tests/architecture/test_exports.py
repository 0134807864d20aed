"""What packages export: by hand and complete; ruff keeps the lists sorted."""

from __future__ import annotations

import ast
import importlib

import pytest

import etl_models
from tests.support.sources import ROOT, Source, sources


def _defines_exports(source: Source) -> bool:
    return any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__" for node in source.tree.body)


PACKAGES = sorted(
    ".".join(source.path.parent.relative_to(ROOT).parts)
    for source in sources("etl_models")
    if source.path.name == "__init__.py" and _defines_exports(source)
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_exists(package: str) -> None:
    """Each name of ``__all__`` can be imported; none is there twice."""
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_type_checkers_see_the_names_that_programs_see() -> None:
    """The imports for type checkers, the table of lazy imports and ``__all__`` name the same things."""
    tree = Source(ROOT / "etl_models" / "__init__.py").tree
    for_checkers = {
        alias.asname or alias.name: statement.module
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    lazily = {name: f"etl_models.{place}" for name, place in etl_models._WHERE.items()}
    assert for_checkers == lazily
    assert set(etl_models.__all__) == {*lazily, "__version__"}


def test_exports_are_the_objects_of_their_modules() -> None:
    """A lazy name is the very object of the module that defines it."""
    for name, place in etl_models._WHERE.items():
        assert getattr(etl_models, name) is getattr(importlib.import_module(f"etl_models.{place}"), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt import fails as it does everywhere in Python."""
    with pytest.raises(AttributeError, match="Stroe"):
        _ = etl_models.Stroe
