"""The rows one registration writes: collected first, then sent as few statements, parents before children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from etl_models.db.bases import metadata, table_of
from etl_models.db.chunks import in_chunks
from etl_models.domain.actor import current_actor
from etl_models.domain.clock import utcnow

ROWS = 1000
"""Rows sent at once: enough to be fast, few enough to stay far below the packet limits of servers."""


class Writes:
    """Rows to delete, update and insert; ``flush`` sends them in this order.

    Every row gets the same moment and actor in the audit columns its table has.
    """

    def __init__(self) -> None:
        self.now = utcnow()
        self.actor = current_actor()
        self._deletes: dict[sa.Column[Any], list[UUID]] = defaultdict(list)
        self._updates: dict[tuple[sa.Column[Any], tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        self._inserts: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)

    def delete(self, model: type[SQLModel], column: str, owners: Iterable[UUID]) -> None:
        """Delete the rows whose ``column`` is one of ``owners``."""
        self._deletes[table_of(model).c[column]].extend(owners)

    def update(self, model: type[SQLModel], key: Any, **values: Any) -> None:
        """Set ``values`` in the row with this primary key."""
        table = table_of(model)
        (identity,) = table.primary_key.columns
        row = {**self._stamps(table, created=False), **values}
        self._updates[identity, tuple(sorted(row))].append({**row, "_key": key})

    def insert(self, model: type[SQLModel], **values: Any) -> None:
        """Add a row; the rows of one table must all name the same columns."""
        table = table_of(model)
        self._inserts[table].append({**self._stamps(table, created=True), **values})

    def flush(self, session: Session) -> None:
        """Send everything and begin anew."""
        for column, owners in self._deletes.items():
            for some in in_chunks(owners):
                session.execute(sa.delete(column.table).where(column.in_(some)))
        for (identity, columns), rows in self._updates.items():
            statement = (
                sa.update(identity.table)
                .where(identity == sa.bindparam("_key", type_=identity.type))
                .values({name: sa.bindparam(name) for name in columns})
            )
            for chunk in in_chunks(rows, ROWS):
                session.connection().execute(statement, chunk)
        for table in metadata.sorted_tables:
            for chunk in in_chunks(self._inserts.get(table, ()), ROWS):
                session.connection().execute(sa.insert(table), chunk)
        self._deletes.clear()
        self._updates.clear()
        self._inserts.clear()

    def _stamps(self, table: sa.Table, *, created: bool) -> dict[str, Any]:
        stamps = {"updated_at": self.now, "updated_by": self.actor}
        if created:
            stamps |= {"created_at": self.now, "created_by": self.actor}
        return {name: value for name, value in stamps.items() if name in table.c}
