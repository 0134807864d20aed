"""Finders of tags: rows of their own for those of jobs, plain key and value for those of executions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey, after
from etl_models.db.patterns import matches
from etl_models.models.execution import ExecutionTag
from etl_models.models.job import Job
from etl_models.models.tag import JobTag, Tag
from etl_models.reads.definition import TagRead

tag = table_of(Tag)
_job, _job_tag, _execution_tag = table_of(Job), table_of(JobTag), table_of(ExecutionTag)

TagName = tuple[str, str]
"""Key and value; the value is empty when there is none, as in the tables."""


def find_tag(session: Session, wanted: TagName) -> TagRead | None:
    """Return one tag, deleted or not, whoever carries it."""
    found = _merged(
        session.execute(_of_jobs().where(*_is(tag, wanted))).all(),
        session.execute(_of_executions().where(*_is(_execution_tag, wanted))).all(),
    )
    return found[0] if found else None


def list_tags(
    session: Session, *, start: TagName | None, limit: int, name: str | None, include_deleted: bool
) -> list[TagRead]:
    """Return up to ``limit`` tags after ``start``, by key and value; ``name`` is a pattern of the key.

    Both sources are asked for ``limit`` rows, so that merging them leaves no gap.
    """
    of_jobs, of_executions = _of_jobs(), _of_executions()
    if not include_deleted:
        of_jobs = of_jobs.where(tag.c.is_deleted.is_(False))
        of_executions = of_executions.where(~_is_deleted_tag())
    return _merged(
        session.execute(_narrowed(of_jobs, tag, start, limit, name)).all(),
        session.execute(_narrowed(of_executions, _execution_tag, start, limit, name)).all(),
    )[:limit]


def _of_jobs() -> sa.Select[Any]:
    carriers = (
        sa.select(sa.func.count())
        .select_from(_job_tag.join(_job, _job.c.id == _job_tag.c.job_id))
        .where(_job_tag.c.tag_id == tag.c.id, _job.c.is_deleted.is_(False))
        .scalar_subquery()
    )
    columns = (column for column in tag.c if column.name in TagRead.model_fields)
    return sa.select(*columns, carriers.label("jobs"))


def _of_executions() -> sa.Select[Any]:
    key, value = _execution_tag.c.key, _execution_tag.c.value
    return sa.select(key, value, sa.func.count().label("executions")).group_by(key, value)


def _is_deleted_tag() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        tag.c.key == _execution_tag.c.key, tag.c.value == _execution_tag.c.value, tag.c.is_deleted.is_(True)
    )


def _is(table: sa.Table, wanted: TagName) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.key == wanted[0], table.c.value == wanted[1]


def _narrowed(
    query: sa.Select[Any], table: sa.Table, start: TagName | None, limit: int, name: str | None
) -> sa.Select[Any]:
    if start is not None:
        query = query.where(after([SortKey(table.c.key), SortKey(table.c.value)], start))
    if name is not None:
        query = query.where(matches(table.c.key, name))
    return query.order_by(table.c.key, table.c.value).limit(limit)


def _merged(of_jobs: Sequence[sa.Row[Any]], of_executions: Sequence[sa.Row[Any]]) -> list[TagRead]:
    found: dict[TagName, dict[str, Any]] = {}
    for row in of_jobs:
        found[row.key, row.value] = {**row._asdict(), "executions": 0}
    for row in of_executions:
        known = found.setdefault((row.key, row.value), {"key": row.key, "value": row.value, "jobs": 0})
        known["executions"] = row.executions
    return [TagRead(**{**found[name], "value": name[1] or None}) for name in sorted(found)]
