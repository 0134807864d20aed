"""Rows for every table, made from the models themselves, so that no table is forgotten when one is added."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

import etl_models.models  # noqa: F401 - registers the tables
from etl_models.db.bases import metadata
from etl_models.db.types import SmartJSON, UTCDateTime

_EMPTY = {("etl_metric_sample", "special")}
"""Columns that must be NULL where another column of the row is not."""

Rows = dict[str, list[dict[str, Any]]]


def seed(connection: sa.Connection, count: int = 6) -> None:
    """Insert ``count`` rows into each table, with references between them."""
    rows: Rows = {}
    for table in metadata.sorted_tables:
        rows[table.name] = []
        for number in range(count):
            values = {column.name: _value(column, number) for column in table.columns}
            _refer(table, number, rows, values)
            if table.autoincrement_column is not None:
                del values[table.autoincrement_column.name]
            connection.execute(table.insert().values(values))
            rows[table.name].append(values)


def dump(connection: sa.Connection) -> dict[str, list[str]]:
    """Every row of every table of ours, as text, in an order of its own."""
    return {
        table.name: sorted(repr(row) for row in connection.execute(sa.select(table)))
        for table in metadata.sorted_tables
    }


def _value(column: sa.Column[Any], number: int) -> Any:
    if (column.table.name, column.name) in _EMPTY:
        return None
    kind = column.type
    if isinstance(kind, sa.Enum):
        return next(iter(kind.enum_class or kind.enums))
    for type_, make in _VALUES.items():
        if isinstance(kind, type_):
            return make(number)
    return f"{column.name[:8]} 😀 {number}"


_VALUES: dict[type[Any], Callable[[int], Any]] = {
    UTCDateTime: lambda number: datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC) + timedelta(days=number),
    SmartJSON: lambda number: {"number": number, "text": "ünï 😀", "list": [1, None, {"a": True}]},
    sa.Uuid: lambda _: uuid.uuid4(),
    sa.Boolean: lambda number: number % 2 == 0,
    sa.Integer: lambda number: number + 1,
    sa.Float: lambda number: number + 0.1,
}


def _refer(table: sa.Table, number: int, rows: Rows, values: dict[str, Any]) -> None:
    """Let each foreign key point to a row that is there, and to another one than the key before it."""
    used: list[dict[str, Any]] = []
    keys = sorted(table.foreign_key_constraints, key=lambda key: (-len(key.elements), str(key.name)))
    for position, key in enumerate(keys):
        parents = rows[key.referred_table.name]
        pairs = [(element.parent.name, element.column.name) for element in key.elements]
        if key.referred_table is table:
            parents = []
        fitting = [row for row in parents if row not in used and _agrees(pairs, row, values, table, used)]
        if not fitting:
            values.update({mine: None for mine, _ in pairs if table.c[mine].nullable})
            continue
        alone = any({mine for mine, _ in pairs} >= unique for unique in _uniques(table))
        index = number if alone or position else number // 2
        row = fitting[index % len(fitting)]
        used.append(row)
        values.update({mine: row[theirs] for mine, theirs in pairs})


def _uniques(table: sa.Table) -> list[set[str]]:
    constraints = [
        item for item in table.constraints if isinstance(item, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ]
    return [{column.name for column in item.columns} for item in constraints]


def _agrees(
    pairs: list[tuple[str, str]],
    row: dict[str, Any],
    values: dict[str, Any],
    table: sa.Table,
    used: list[dict[str, Any]],
) -> bool:
    """Whether the columns that an earlier key has set already are those of this row."""
    set_already = {mine for mine, _ in pairs if used and _is_shared(mine, table)}
    return all(row[theirs] == values[mine] for mine, theirs in pairs if mine in set_already)


def _is_shared(column: str, table: sa.Table) -> bool:
    return sum(column in {element.parent.name for element in key.elements} for key in table.foreign_key_constraints) > 1
