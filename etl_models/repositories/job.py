"""Finders of jobs: as lists show them, and the ids that names stand for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.domain.naming import Reference
from etl_models.models.execution import Execution
from etl_models.models.job import Job, JobLatestExecution
from etl_models.models.tag import JobTag, Tag
from etl_models.reads.definition import JobSummary

job = table_of(Job)
_latest, _execution = table_of(JobLatestExecution), table_of(Execution)
_tag, _job_tag = table_of(Tag), table_of(JobTag)


def summary_query() -> sa.Select[Any]:
    """Select jobs with their latest execution; :func:`to_summaries` completes the rows."""
    return (
        sa.select(
            job,
            _execution.c.id.label("latest_execution_id"),
            _execution.c.state.label("latest_execution_state"),
            _execution.c.created_at.label("latest_execution_at"),
        )
        .outerjoin(_latest, _latest.c.job_id == job.c.id)
        .outerjoin(_execution, _execution.c.id == _latest.c.execution_id)
    )


def to_summaries(session: Session, rows: Sequence[sa.Row[Any]]) -> list[JobSummary]:
    """Complete rows of :func:`summary_query` with their tags: one statement for a chunk of rows."""
    tags = tags_of(session, [row.id for row in rows])
    return [JobSummary(**row._asdict(), tags=tags[row.id]) for row in rows]


def find_summary(session: Session, reference: Reference) -> JobSummary | None:
    """Return the job, deleted or not."""
    query = summary_query().where(job.c.namespace == reference.namespace, job.c.name == reference.name)
    found = to_summaries(session, session.execute(query).all())
    return found[0] if found else None


def tags_of(session: Session, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, str | None]]:
    """Return the tags of each job by key; a deleted tag is hidden, one without a value has None."""
    found: dict[UUID, dict[str, str | None]] = defaultdict(dict)
    for chunk in in_chunks(job_ids):
        query = (
            sa.select(_job_tag.c.job_id, _tag.c.key, _tag.c.value)
            .join(_tag, _tag.c.id == _job_tag.c.tag_id)
            .where(_job_tag.c.job_id.in_(chunk), _tag.c.is_deleted.is_(False))
            .order_by(_tag.c.key)
        )
        for job_id, key, value in session.execute(query):
            found[job_id][key] = value or None
    return found


def carries(key: str, value: str | None) -> sa.ColumnElement[bool]:
    """Return the condition that a job carries the tag; ``value`` None: with any value or none."""
    query = (
        sa.select(_job_tag.c.job_id)
        .join(_tag, _tag.c.id == _job_tag.c.tag_id)
        .where(_tag.c.key == key, _tag.c.is_deleted.is_(False))
    )
    return job.c.id.in_(query if value is None else query.where(_tag.c.value == value))
