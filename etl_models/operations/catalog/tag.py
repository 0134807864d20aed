"""Tags: finding, listing, where they were carried, deleting and restoring."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import check_name
from etl_models.domain.paging import DEFAULT_LIMIT, Page, check_limit, fingerprint
from etl_models.domain.text import check_text
from etl_models.errors import ConflictError, NotFoundError
from etl_models.models.job import Job
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH, JobVersionTag, Tag
from etl_models.models.version import JobVersion
from etl_models.operations.catalog.listing import cursor_at, name_condition, sort_values, take_page
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange, TagRead, TagUseRead
from etl_models.repositories import tag as tags
from etl_models.repositories.tag import TagName, tag
from etl_models.specs.suggest import did_you_mean, quoted

_job, _version, _carried = table_of(Job), table_of(JobVersion), table_of(JobVersionTag)


def get_tag(session: Session, name: str, *, include_deleted: bool = False) -> TagRead:
    """Return the tag ``key`` or ``key=value``. Raises :class:`NotFoundError`."""
    found = find_tag(session, name, include_deleted=include_deleted)
    if found is None:
        raise _not_found(session, name)
    return found


def find_tag(session: Session, name: str, *, include_deleted: bool = False) -> TagRead | None:
    """Return the tag, or None when nothing carries it, or it is deleted and that was not asked for."""
    found = tags.find_tag(session, _parse(name))
    return None if found is None or (found.is_deleted and not include_deleted) else found


def list_tags(
    session: Session,
    *,
    name: str | None = None,
    include_deleted: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[TagRead]:
    """Return a page of the tags of jobs and executions by key and value; ``name`` is a part of the key or a pattern.

    Two statements.
    """
    check_limit(limit)
    if name is not None:
        name_condition(tag.c.key, name)  # refuses what cannot be a pattern
    question = fingerprint({"tags": [name, include_deleted]})
    start = None if cursor is None else sort_values(cursor, question, [str, str])
    found = tags.list_tags(
        session,
        start=None if start is None else (start[0], start[1]),
        limit=limit + 1,
        name=name,
        include_deleted=include_deleted,
    )
    if len(found) <= limit:
        return Page[TagRead](items=tuple(found))
    last = found[limit - 1]
    return Page[TagRead](items=tuple(found[:limit]), next_cursor=cursor_at([last.key, last.value or ""], question))


def tag_history(
    session: Session, name: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[TagUseRead]:
    """Return a page of the definition versions of jobs that carried the tag, newest first."""
    wanted = _parse(name)
    if tags.find_tag(session, wanted) is None:
        raise _not_found(session, name)
    query = (
        sa.select(
            _version.c.id,
            _version.c.version,
            _version.c.created_at,
            _version.c.created_by,
            _job.c.namespace,
            _job.c.name.label("job"),
        )
        .join_from(_carried, tag, tag.c.id == _carried.c.tag_id)
        .join(_version, _version.c.id == _carried.c.job_version_id)
        .join(_job, _job.c.id == _version.c.job_id)
        .where(tag.c.key == wanted[0], tag.c.value == wanted[1])
    )
    keys = {"created_at": SortKey(_version.c.created_at, datetime, descending=True), "id": SortKey(_version.c.id, UUID)}
    rows, next_cursor = take_page(session, query, keys, asked={"tag_history": list(wanted)}, limit=limit, cursor=cursor)
    uses = (TagUseRead(**{key: value for key, value in row._asdict().items() if key != "id"}) for row in rows)
    return Page[TagUseRead](items=tuple(uses), next_cursor=next_cursor)


def delete_tag(session: Session, name: str) -> RegistrationChange:
    """Hide a tag on every job that carries it; the jobs are not changed. Deleting it again changes nothing.

    Raises :class:`NotFoundError` for a tag nothing carries, and :class:`ConflictError` for one that only executions
    carry: what was recorded stays.
    """
    row = _lock(session, name)
    return _mark(session, row, is_deleted=True, action=Action.DELETED)


def restore_tag(session: Session, name: str) -> RegistrationChange:
    """Show a deleted tag again wherever it was; one that is not deleted is left as it is. Raises as delete_tag."""
    row = _lock(session, name)
    return _mark(session, row, is_deleted=False, action=Action.RESTORED)


def _lock(session: Session, name: str) -> sa.Row[Any]:
    wanted = _parse(name)
    query = sa.select(tag).where(tag.c.key == wanted[0], tag.c.value == wanted[1])
    row = session.execute(query.with_for_update(key_share=True)).one_or_none()
    if row is not None:
        return row
    if tags.find_tag(session, wanted) is None:
        raise _not_found(session, name)
    raise ConflictError(
        f"the tag {quoted(name)} is carried by executions only, and what was recorded stays", kind="tag", name=name
    )


def _mark(session: Session, row: sa.Row[Any], *, is_deleted: bool, action: Action) -> RegistrationChange:
    if row.is_deleted == is_deleted:
        action = Action.UNCHANGED
    else:
        writes = Writes()
        writes.update(Tag, row.id, is_deleted=is_deleted, deleted_at=writes.now if is_deleted else None)
        writes.flush(session)
    label = f"{row.key}={row.value}" if row.value else row.key
    return RegistrationChange(kind="tag", namespace="", name=label, action=action, version=None, id=row.id)


def _parse(name: str) -> TagName:
    """Read ``key`` or ``key=value``; keys hold no ``=``, values may."""
    key, _, value = check_text(name, "tag", limit=MAX_TAG_KEY_LENGTH + MAX_TAG_VALUE_LENGTH + 1).partition("=")
    check_name(key, "key of a tag", limit=MAX_TAG_KEY_LENGTH, slash=True)
    if value:
        check_name(value, "value of a tag", limit=MAX_TAG_VALUE_LENGTH, slash=True)
    return key, value


def _not_found(session: Session, name: str) -> NotFoundError:
    found = tags.find_tag(session, _parse(name))
    if found is not None and found.is_deleted:
        return NotFoundError(f"the tag {quoted(name)} is deleted; restore it first", kind="tag", name=name)
    labels = (
        f"{key}={value}" if value else key
        for key, value in session.execute(
            sa.select(tag.c.key, tag.c.value).where(tag.c.is_deleted.is_(False)).order_by(tag.c.key).limit(2000)
        )
    )
    return NotFoundError(f"there is no tag {quoted(name)}{did_you_mean(name, labels)}", kind="tag", name=name)
