"""Tags of jobs: rows are shared, so they are made once and used again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import pairs_in
from etl_models.domain.ids import uuid7
from etl_models.models.tag import Tag
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.tag import TagName

_tag = table_of(Tag)


def tags_for(session: Session, names: Iterable[TagName]) -> tuple[dict[TagName, UUID], list[RegistrationChange]]:
    """Return the id of every tag, and which deleted ones were restored because a job carries them again."""
    wanted = sorted(set(names))
    stored = _find(session, wanted)
    writes = Writes()
    ids: dict[TagName, UUID] = {}
    changes = []
    for key, value in wanted:
        id_, is_deleted = stored.get((key, value), (None, False))
        ids[key, value] = id_ or uuid7()
        if id_ is None:
            writes.insert(Tag, id=ids[key, value], key=key, value=value)
        elif is_deleted:
            writes.update(Tag, id_, is_deleted=False, deleted_at=None)
            label = f"{key}={value}" if value else key
            changes.append(
                RegistrationChange(kind="tag", namespace="", name=label, action=Action.RESTORED, version=None, id=id_)
            )
    writes.flush(session)
    return ids, changes


def _find(session: Session, names: list[TagName]) -> dict[TagName, tuple[UUID, bool]]:
    found: dict[TagName, tuple[UUID, bool]] = {}
    for condition in pairs_in(_tag.c.key, _tag.c.value, names):
        query = sa.select(_tag.c.key, _tag.c.value, _tag.c.id, _tag.c.is_deleted).where(condition)
        found.update({(key, value): (id_, is_deleted) for key, value, id_, is_deleted in session.execute(query)})
    return found
