"""JSON on SQLite as TEXT with a check; apart, because it needs SQLite's dialect, which others shall not load."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import TypeCompiler


class CheckedJSON(sqlite.JSON):
    """What a checked column is on SQLite. Declared as TEXT: a column called JSON would turn text into numbers."""


@compiles(CheckedJSON, "sqlite")
def _checked_json(
    type_: CheckedJSON,  # noqa: ARG001  (as the hook is called)
    compiler: TypeCompiler,
    *,
    type_expression: Any = None,
    **_: Any,
) -> str:
    if not isinstance(type_expression, sa.Column):
        return "TEXT"  # in a CAST
    name = compiler.dialect.identifier_preparer.format_column(type_expression)
    return f"TEXT CHECK ({name} IS NULL OR json_valid({name}))"  # of NULL, older versions say it is no valid JSON
