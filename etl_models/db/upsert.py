"""INSERT that updates where a row already has the key: one statement, spelt three ways."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

_MYSQL = ("mysql", "mariadb")


def upsert(
    dialect: str, table: sa.Table, match: Collection[str], update: Collection[str], *, bump: str | None = None
) -> Any:
    """Return a statement for executemany: rows are inserted, or on a conflict over ``match`` update ``update``.

    All names are column keys; ``bump`` is a column that counts the updates. Columns with ``onupdate`` take the
    default of the row that was to be inserted: it is as fresh. On MySQL and MariaDB, where a conflict over any key
    leads to the update, a row that differs in ``match`` is left as it is.
    """
    touched = [column.key for column in table.c if column.onupdate is not None and column.key not in match]
    names = [*dict.fromkeys((*update, *touched))] if update else []
    if dialect in _MYSQL:
        return _on_duplicate_key(table, match, names, bump)
    statement = _insert(dialect, table)
    if not names:
        return statement.on_conflict_do_nothing(index_elements=[table.c[name] for name in match])
    values = {name: statement.excluded[name] for name in names}
    if bump is not None:
        values[bump] = table.c[bump] + 1
    return statement.on_conflict_do_update(index_elements=[table.c[name] for name in match], set_=values)


def _insert(dialect: str, table: sa.Table) -> Any:
    # Importing a dialect imports all its drivers.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    return insert(table)


def _on_duplicate_key(table: sa.Table, match: Collection[str], names: list[str], bump: str | None) -> Any:
    from sqlalchemy.dialects.mysql import insert

    statement = insert(table)
    same = sa.and_(*(table.c[name] == statement.inserted[name] for name in match))
    values: dict[str, Any] = {
        name: sa.func.IF(same, statement.inserted[name], table.c[name], type_=table.c[name].type) for name in names
    }
    if bump is not None and names:
        # Not a parameter: PyMySQL takes none behind VALUES when it is given several rows.
        values[bump] = sa.case((same, table.c[bump] + sa.literal_column("1")), else_=table.c[bump])
    if not values:
        first = next(iter(table.primary_key))
        values[first.key] = first  # an update that changes nothing
    return statement.on_duplicate_key_update(values)


def unique_keys(table: sa.Table) -> list[frozenset[str]]:
    """Return the sets of column keys that are unique: primary key, unique constraints, unique indexes."""
    constraints = [
        frozenset(column.key for column in item.columns)
        for item in table.constraints
        if isinstance(item, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ]
    return [*constraints, *(frozenset(column.key for column in item.columns) for item in table.indexes if item.unique)]
