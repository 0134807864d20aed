"""Deleting softly and restoring: the row stays, with its id, its history and what refers to it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from etl_models.db.bases import table_of
from etl_models.domain.naming import Reference
from etl_models.errors import ConflictError
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.component import users_of
from etl_models.repositories.definition import not_found

SHOWN_USERS = 10
"""Users of a definition that a refusal names; there may be thousands."""


def lock_row(session: Session, model: type[SQLModel], kind: str, reference: Reference) -> sa.Row[Any]:
    """Return the row, deleted or not, held until the transaction ends. Raises :class:`NotFoundError`."""
    table = table_of(model)
    query = sa.select(table).where(table.c.namespace == reference.namespace, table.c.name == reference.name)
    row = session.execute(query.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise not_found(session, table, kind, reference)
    return row


def hide(session: Session, model: type[SQLModel], kind: str, row: sa.Row[Any]) -> RegistrationChange:
    """Mark the row as deleted; one that is deleted already is left as it is."""
    if row.is_deleted:
        return change(kind, row, Action.UNCHANGED)
    writes = Writes()
    writes.update(model, row.id, is_deleted=True, deleted_at=writes.now)
    writes.flush(session)
    return change(kind, row, Action.DELETED)


def show(session: Session, model: type[SQLModel], kind: str, row: sa.Row[Any]) -> RegistrationChange:
    """Take the mark away; a row without one is left as it is."""
    if not row.is_deleted:
        return change(kind, row, Action.UNCHANGED)
    writes = Writes()
    writes.update(model, row.id, is_deleted=False, deleted_at=None)
    writes.flush(session)
    return change(kind, row, Action.RESTORED)


def change(kind: str, row: sa.Row[Any], action: Action) -> RegistrationChange:
    """Say what was done to a job, a dataclass or a metric."""
    return RegistrationChange(
        kind=kind,
        namespace=row.namespace,
        name=row.name,
        action=action,
        version=getattr(row, "version", None),
        id=row.id,
    )


def refuse_in_use(session: Session, link: sa.Table, column: str, kind: str, row: sa.Row[Any]) -> None:
    """Raise :class:`ConflictError` naming the components of living jobs that use the row."""
    users = users_of(session, link, column, row.id, limit=SHOWN_USERS + 1)
    names = list(dict.fromkeys(f"{user.namespace}/{user.job}.{user.component}" for user in users))
    if not names:
        return
    more = "" if len(names) <= SHOWN_USERS else " and more"
    label = str(Reference(row.namespace, row.name))
    raise ConflictError(
        f"the {kind} {label!r} is used by {', '.join(names[:SHOWN_USERS])}{more}; change or delete these jobs first",
        kind=kind,
        name=label,
        used_by=names[:SHOWN_USERS],
    )
