"""Rules about the source that no linter knows: names, constructs that are refused, what a floor may do."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.sources import ROOT, SHIPPED, Source, sources

REFUSED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
REFUSED_MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal"}
REFUSED_CALLS = {
    "eval",
    "exec",
    "compile",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "os.popen",
}
WHOLE_PROJECT = (*SHIPPED, "tests", "examples", "benchmarks", "docs")


def _source(code: str) -> Source:
    """A source made of text, to show that a rule sees what it refuses."""
    source = Source(ROOT / "planted.py")
    source.__dict__["tree"] = ast.parse(code)
    return source


def refused_constructs(source: Source) -> Iterator[str]:
    """Ways to run text as code, or to load objects that run code."""
    for statement, module in source.imports():
        if module.split(".")[0] in REFUSED_MODULES:
            yield f"{source.at(statement)}: imports {module}"
    for call, name in source.calls():
        if name in REFUSED_CALLS:
            yield f"{source.at(call)}: calls {name}"
        if any(keyword.arg == "shell" and not _is_false(keyword.value) for keyword in call.keywords):
            yield f"{source.at(call)}: starts a shell"


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def root_imports(source: Source) -> Iterator[str]:
    """Imports of names from the package root, whose names are for users; its modules may be imported from there."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "etl_models":
            names = [alias.name for alias in node.names if not _is_module(alias.name)]
            if names and source.name != "etl_models/__init__.py":
                yield f"{source.at(node)}: imports {', '.join(names)} from the package root"


def _is_module(name: str) -> bool:
    return name == "_version" or any((ROOT / "etl_models" / place).exists() for place in (name, f"{name}.py"))


def side_effects(source: Source) -> Iterator[str]:
    """What only the executors may do: sleep, commit, wait, read files."""
    for call, name in source.calls():
        last = name.rpartition(".")[2]
        if name in {"open", "time.sleep", "sleep"} or (last in {"commit", "rollback"} and name != "?"):
            yield f"{source.at(call)}: calls {name}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"{source.at(node)}: is asynchronous"


def has_future_annotations(source: Source) -> bool:
    """Whether annotations of the file stay text."""
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in source.tree.body
    )


@pytest.mark.parametrize("code", ["import pickle", "eval('1')", "yaml.load(f)", "run('x', shell=True)"])
def test_the_rule_about_constructs_sees_them(code: str) -> None:
    """Each construct that is refused is found where it is planted."""
    assert list(refused_constructs(_source(code)))


@pytest.mark.parametrize("code", ["open('x')", "session.commit()", "async def f(): ...", "time.sleep(1)"])
def test_the_rule_about_side_effects_sees_them(code: str) -> None:
    """Each side effect that is refused below the executors is found where it is planted."""
    assert list(side_effects(_source(code)))


def test_nothing_runs_text_as_code() -> None:
    """No pickle, eval, exec, unsafe YAML and no shell in anything a user installs."""
    assert [found for source in sources(*SHIPPED) for found in refused_constructs(source)] == []


def test_no_module_is_named_after_nothing() -> None:
    """A module called utils or manager has no subject, so everything ends up in it."""
    assert [
        source.name
        for source in sources(*WHOLE_PROJECT)
        if set(source.path.relative_to(ROOT).with_suffix("").parts) & REFUSED_NAMES
    ] == []


def test_names_are_imported_from_where_they_are_defined() -> None:
    """The package root serves users; inside, it would hide the floors and close import cycles."""
    assert [found for source in sources(*SHIPPED) for found in root_imports(source)] == []


def test_only_the_executors_have_side_effects() -> None:
    """Models, repositories and operations never sleep, commit, wait or read files: a unit can be run again."""
    below = ("etl_models/models", "etl_models/repositories", "etl_models/operations")
    assert [found for source in sources(*below) for found in side_effects(source)] == []


def test_annotations_of_models_are_not_text() -> None:
    """SQLModel reads the annotations of relationships while the program runs; elsewhere ruff asks for the import."""
    assert [source.name for source in sources("etl_models/models") if has_future_annotations(source)] == []


def test_every_test_says_what_is_true() -> None:
    """The docstring of a test is the sentence that is broken when it fails."""
    silent = [
        source.at(node)
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_module_says_what_lives_in_it() -> None:
    """Each file that is installed opens with a docstring."""
    assert [source.name for source in sources(*SHIPPED) if not ast.get_docstring(source.tree)] == []
