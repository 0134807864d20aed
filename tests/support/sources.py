"""The project's own Python files as syntax trees, for tests that judge the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("etl_models", "cli/etl_models_cli", "migrations")
"""What a user installs."""


@dataclass(frozen=True)
class Source:
    """One Python file of the project."""

    path: Path

    @property
    def name(self) -> str:
        """Its path inside the project."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def tree(self) -> ast.Module:
        """What it says."""
        return ast.parse(self.path.read_text("utf-8"), self.name)

    def at(self, node: ast.AST) -> str:
        """``file:line`` of a node, for messages."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every imported module with its statement; ``from a import b`` counts as ``a``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node, node.module or ""

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name it is written with; empty for computed ones."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, dotted_name(node.func)


def dotted_name(node: ast.expr) -> str:
    """``a.b.c`` of such an expression, with ``?`` for a part that is computed."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return "?"


def sources(*folders: str) -> list[Source]:
    """The Python files below these folders of the project, in order."""
    return [Source(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
