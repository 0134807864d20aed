"""Matching names with ``*`` and ``?``: case-sensitive and by characters, the same on every database.

LIKE alone will not do: SQLite's ignores the case of ASCII letters.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement, FunctionElement

_LIKE = str.maketrans({"!": "!!", "%": "!%", "_": "!_", "*": "%", "?": "_"})
_GLOB = str.maketrans({"[": "[[]"})
_LITERAL_LIKE = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})
_LITERAL_GLOB = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})


class _matches(FunctionElement[bool]):  # noqa: N801 - SQL functions are lower case
    """Column, GLOB pattern, LIKE pattern: each database takes the one it can use."""

    type = sa.Boolean()
    name = "matches"
    inherit_cache = True


def matches(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Return the condition that ``column`` is like ``pattern``: ``*`` any text, ``?`` one character.

    A pattern with neither is looked for anywhere in the column.
    """
    whole = pattern if "*" in pattern or "?" in pattern else f"*{pattern}*"
    return _matches(column, sa.literal(whole.translate(_GLOB)), sa.literal(whole.translate(_LIKE)))


def holds(
    column: ColumnElement[str], text: str, *, at_start: bool = False, at_end: bool = False
) -> ColumnElement[bool]:
    """Return the condition that ``column`` holds ``text``, in which no character stands for others."""
    before, after = ("" if at_start else "*"), ("" if at_end else "*")
    glob = f"{before}{text.translate(_LITERAL_GLOB)}{after}"
    like = f"{before.translate(_LIKE)}{text.translate(_LITERAL_LIKE)}{after.translate(_LIKE)}"
    return _matches(column, sa.literal(glob), sa.literal(like))


@compiles(_matches)
def _with_like(element: FunctionElement[bool], compiler: SQLCompiler, **kw: Any) -> str:
    column, _, like = element.clauses
    return f"({compiler.process(column, **kw)} LIKE {compiler.process(like, **kw)} ESCAPE '!')"


@compiles(_matches, "sqlite")
def _with_glob(element: FunctionElement[bool], compiler: SQLCompiler, **kw: Any) -> str:
    column, glob, _ = element.clauses
    return f"({compiler.process(column, **kw)} GLOB {compiler.process(glob, **kw)})"
