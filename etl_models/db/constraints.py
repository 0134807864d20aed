"""Broken constraints: what a driver says of one, completed from the metadata.

PostgreSQL and MariaDB name the constraint, SQLite names the columns; either is enough to find the other here, so
that an error carries the same facts on every database.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import sqlalchemy as sa


class ViolationKind(StrEnum):
    """What a value did wrong."""

    UNIQUE = "unique"
    FOREIGN_KEY = "foreign_key"
    CHECK = "check"
    NOT_NULL = "not_null"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint; what the database did not tell is None or empty."""

    kind: ViolationKind
    constraint: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()


def complete(violation: Violation, metadata: sa.MetaData) -> Violation:
    """Return ``violation`` with name, table and columns filled in as far as ``metadata`` knows them."""
    if violation.constraint is not None:
        return _from_name(violation, metadata)
    table = metadata.tables.get(violation.table or "")
    if violation.kind is ViolationKind.UNIQUE and table is not None:
        return replace(violation, constraint=_unique_name(table, violation.columns))
    return violation


def _from_name(violation: Violation, metadata: sa.MetaData) -> Violation:
    # MySQL calls every primary key PRIMARY; then only a table it names can tell which one is meant.
    for table in metadata.tables.values():
        if violation.table is not None and table.name != violation.table:
            continue
        if violation.constraint == "PRIMARY" and violation.table is not None:
            key = table.primary_key
            return replace(violation, constraint=str(key.name), columns=tuple(column.name for column in key.columns))
        for name, columns in _named(table):
            if name == violation.constraint:
                return replace(violation, table=table.name, columns=violation.columns or columns)
    return violation


def _unique_name(table: sa.Table, columns: tuple[str, ...]) -> str | None:
    wanted = set(columns)
    for name, found in _uniques(table):
        if set(found) == wanted:
            return name
    return None


def _named(table: sa.Table) -> list[tuple[str, tuple[str, ...]]]:
    checks = [(str(item.name), ()) for item in table.constraints if isinstance(item, sa.CheckConstraint)]
    foreign = [
        (str(item.name), tuple(column.name for column in item.columns)) for item in table.foreign_key_constraints
    ]
    return [*_uniques(table), *foreign, *checks]


def _uniques(table: sa.Table) -> list[tuple[str, tuple[str, ...]]]:
    constraints = [
        (str(item.name), tuple(column.name for column in item.columns))
        for item in table.constraints
        if isinstance(item, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ]
    indexes = [(str(item.name), tuple(column.name for column in item.columns)) for item in table.indexes if item.unique]
    return [*constraints, *indexes]
