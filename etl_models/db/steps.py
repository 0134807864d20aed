"""Schema changes that can be run again after they were interrupted.

PostgreSQL and SQLite roll a broken migration back as a whole. MariaDB and MySQL commit after every statement, so a
migration that was killed there has done the first half for good. ``Steps`` makes its next run heal it: each step
looks first whether it has been done. Where a rollback does that, nothing is looked at and a surprise stays an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from etl_models.db.dialects import dialect_of
from etl_models.errors import SchemaVersionError


class Operations(Protocol):
    """The part of ``alembic.op`` that is used here."""

    def get_context(self) -> Any: ...  # noqa: D102
    def create_table(self, table_name: str, *columns: Any, **kw: Any) -> sa.Table: ...  # noqa: D102
    def drop_table(self, table_name: str) -> None: ...  # noqa: D102
    def create_index(self, index_name: str | None, table_name: str, columns: Any, *, unique: bool = False) -> None: ...  # noqa: D102
    def drop_index(self, index_name: str, table_name: str | None = None) -> None: ...  # noqa: D102
    def add_column(self, table_name: str, column: sa.Column[Any]) -> None: ...  # noqa: D102
    def drop_column(self, table_name: str, column_name: str) -> None: ...  # noqa: D102


class Steps:
    """``alembic.op`` with a memory: the database itself."""

    def __init__(self, operations: Operations) -> None:
        self._op = operations
        context = operations.get_context()
        dialect = dialect_of(context.dialect.name)
        self._looks = not context.as_sql and dialect is not None and not dialect.ddl_rolls_back
        self._context = context

    def create_table(self, name: str, *items: Any, **options: Any) -> None:
        """Create a table. One that is there already must have the same columns; raises SchemaVersionError otherwise."""
        if self._looks and self._inspector.has_table(name):
            self._check_columns(name, items)
            return
        self._op.create_table(name, *items, **options)

    def drop_table(self, name: str) -> None:
        """Drop a table, its indexes with it."""
        if not self._looks or self._inspector.has_table(name):
            self._op.drop_table(name)

    def create_index(self, name: str, table_name: str, columns: Sequence[str], *, unique: bool = False) -> None:
        """Create an index."""
        if not self._looks or name not in self._indexes(table_name):
            self._op.create_index(name, table_name, list(columns), unique=unique)

    def drop_index(self, name: str, table_name: str) -> None:
        """Drop an index."""
        if not self._looks or name in self._indexes(table_name):
            self._op.drop_index(name, table_name)

    def add_column(self, table: str, column: sa.Column[Any]) -> None:
        """Add a column."""
        if not self._looks or column.name not in self._columns(table):
            self._op.add_column(table, column)

    def drop_column(self, table: str, name: str) -> None:
        """Drop a column."""
        if not self._looks or name in self._columns(table):
            self._op.drop_column(table, name)

    @property
    def _inspector(self) -> sa.Inspector:
        return sa.inspect(self._context.connection)  # type: ignore[no-any-return]  # a new one: the old one remembers

    def _columns(self, table: str) -> set[str]:
        return {column["name"] for column in self._inspector.get_columns(table)}

    def _indexes(self, table: str) -> set[str | None]:
        return {index["name"] for index in self._inspector.get_indexes(table)}

    def _check_columns(self, name: str, items: tuple[Any, ...]) -> None:
        wanted = {item.name for item in items if isinstance(item, sa.Column)}
        if (found := self._columns(name)) != wanted:
            differing = ", ".join(sorted(found ^ wanted))
            raise SchemaVersionError(f"the table {name} exists already and differs in: {differing}; rename or drop it")
