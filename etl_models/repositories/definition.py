"""What jobs, dataclasses and metrics share: they are found by namespace and name, and misspelt alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.chunks import pairs_in
from etl_models.domain.naming import Reference
from etl_models.domain.text import printable, short
from etl_models.errors import NotFoundError
from etl_models.specs.suggest import nearest, quoted

_MAX_CANDIDATES = 2000


class Stored(NamedTuple):
    """What registering compares a definition with."""

    id: UUID
    version: int
    content_hash: str
    is_deleted: bool


def references_in(table: sa.Table, references: Iterable[Reference]) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions, one for each statement to send, that together find the rows of ``references``."""
    return pairs_in(table.c.namespace, table.c.name, references)


def lock_definitions(
    session: Session, table: sa.Table, references: Iterable[Reference], *, shared: bool = False
) -> dict[Reference, Stored]:
    """Return the stored ones of ``references``, deleted or not, held until the transaction ends.

    ``shared``: nobody may change them meanwhile, but others may refer to them as well. The databases that lock rows
    do so in the order of the key, so that two registrations rarely meet head-on.
    """
    found: dict[Reference, Stored] = {}
    for condition in references_in(table, references):
        query = (
            sa.select(
                table.c.namespace, table.c.name, table.c.id, table.c.version, table.c.content_hash, table.c.is_deleted
            )
            .where(condition)
            .order_by(table.c.namespace, table.c.name)
            # key_share: an execution may be recorded for the job meanwhile, its foreign key only needs the row to stay.
            .with_for_update(read=shared, key_share=not shared)
        )
        for namespace, name, *rest in session.execute(query):
            found[Reference(namespace, name)] = Stored(*rest)
    return found


def find_id(session: Session, table: sa.Table, reference: Reference) -> UUID | None:
    """Return the id of the row, deleted or not."""
    found: UUID | None = session.scalar(
        sa.select(table.c.id).where(table.c.namespace == reference.namespace, table.c.name == reference.name)
    )
    return found


def hint_for(session: Session, table: sa.Table, wanted: Reference) -> str:
    """Return ``; did you mean ...?`` with the nearest name in the table, or nothing."""
    alive = table.c.is_deleted.is_(False)
    elsewhere = session.scalar(sa.select(table.c.namespace).where(table.c.name == wanted.name, alive).limit(1))
    if elsewhere is not None and elsewhere != wanted.namespace:
        return f"; did you mean {quoted(str(Reference(elsewhere, wanted.name)))}?"
    names = session.scalars(
        sa.select(table.c.name)
        .where(table.c.namespace == wanted.namespace, alive)
        .order_by(table.c.name)
        .limit(_MAX_CANDIDATES)
    )
    found = nearest(wanted.name, names)
    return f"; did you mean {quoted(str(Reference(wanted.namespace, found)))}?" if found is not None else ""


def not_found(session: Session, table: sa.Table, kind: str, wanted: Reference) -> NotFoundError:
    """Return the error for a definition that is not there, or is deleted, with the way on."""
    label = f"the {kind} '{printable(short(str(wanted), 120))}'"
    facts: dict[str, Any] = {"kind": kind, "name": str(wanted)}
    if find_id(session, table, wanted) is not None:
        return NotFoundError(f"{label} is deleted; restore it first", **facts)
    return NotFoundError(f"there is no {label.removeprefix('the ')}{hint_for(session, table, wanted)}", **facts)
