"""From rows to reads: the columns of a summary, and what belongs to many executions fetched in one query each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.models.execution import Attempt, Execution, ExecutionTag
from etl_models.models.job import Job
from etl_models.models.metric import MetricSample
from etl_models.models.version import JobVersion
from etl_models.reads.execution import ErrorRead, ExecutionSummary, MetricValue

_execution, _job, _version = table_of(Execution), table_of(Job), table_of(JobVersion)
_attempt, _tag, _sample = table_of(Attempt), table_of(ExecutionTag), table_of(MetricSample)

_EXACT_INTEGER = 2**53
_COPIED = (
    *("id", "key", "state", "reason", "parameters", "attempt_count", "trigger", "nominal_time"),
    *("parent_id", "root_id", "rerun_of_id", "created_at", "started_at", "ended_at"),
)


def summary_query(*, traceback: bool = False) -> sa.Select[Any]:
    """Select what :func:`to_summary` needs: the execution, its job, its version and its newest attempt.

    Tracebacks are left out of lists: a page of them would be megabytes.
    """
    last_words = _attempt.c.error_traceback if traceback else sa.null()
    newest = sa.and_(_attempt.c.execution_id == _execution.c.id, _attempt.c.number == _execution.c.attempt_count)
    return (
        sa.select(
            *(_execution.c[name] for name in _COPIED),
            _job.c.namespace,
            _job.c.name.label("job"),
            _version.c.version.label("definition_version"),
            _version.c.content_hash.label("definition_hash"),
            _attempt.c.id.label("attempt_id"),
            _attempt.c.worker,
            _attempt.c.error_type,
            _attempt.c.error_message,
            last_words.label("error_traceback"),
        )
        .join_from(_execution, _job, _job.c.id == _execution.c.job_id)
        .join(_version, _version.c.id == _execution.c.job_version_id)
        .join(_attempt, newest, isouter=True)
    )


def summary_fields(row: sa.Row[Any], tags: dict[str, str | None], metrics: dict[str, MetricValue]) -> dict[str, Any]:
    """Return the fields of an :class:`ExecutionSummary` from a row of :func:`summary_query`."""
    found = row._mapping  # noqa: SLF001  (SQLAlchemy's public name for a row as a mapping)
    return {
        **{name: found[name] for name in _COPIED},
        "namespace": found["namespace"],
        "job": found["job"],
        "tags": tags,
        "definition_version": found["definition_version"],
        "definition_hash": found["definition_hash"],
        "metrics": metrics,
        "duration_seconds": seconds_between(found["started_at"], found["ended_at"]),
        "error": error_of(row),
        "worker": found["worker"],
    }


def to_summaries(session: Session, rows: Sequence[sa.Row[Any]]) -> list[ExecutionSummary]:
    """Complete rows of :func:`summary_query` with tags and metrics: two queries, however many rows."""
    tags = tags_of(session, [row.id for row in rows])
    metrics = newest_samples(session, [row.attempt_id for row in rows if row.attempt_id], whole=True)
    return [ExecutionSummary(**summary_fields(row, tags[row.id], metrics[row.attempt_id, None])) for row in rows]


def tags_of(session: Session, execution_ids: Sequence[UUID]) -> dict[UUID, dict[str, str | None]]:
    """Return the tags of each execution, by key; a tag without value has None."""
    found: dict[UUID, dict[str, str | None]] = defaultdict(dict)
    for chunk in in_chunks(execution_ids):
        query = (
            sa.select(_tag.c.execution_id, _tag.c.key, _tag.c.value)
            .where(_tag.c.execution_id.in_(chunk))
            .order_by(_tag.c.key)
        )
        for execution_id, key, value in session.execute(query):
            found[execution_id][key] = value or None
    return found


def newest_samples(
    session: Session, attempt_ids: Sequence[UUID], *, whole: bool = False
) -> dict[tuple[UUID, UUID | None], dict[str, MetricValue]]:
    """Return the newest sample of each metric, by (attempt, component execution); ``whole``: of attempts only."""
    found: dict[tuple[UUID, UUID | None], dict[str, MetricValue]] = defaultdict(dict)
    for chunk in in_chunks(attempt_ids):
        for row in session.execute(_newest_samples_query(chunk, whole=whole)):
            found[row.attempt_id, row.component_execution_id][row.name] = metric_value(row.value, row.special)
    return found


def _newest_samples_query(attempt_ids: Sequence[UUID], *, whole: bool) -> sa.Select[Any]:
    rank = sa.func.row_number().over(
        partition_by=[_sample.c.attempt_id, _sample.c.component_execution_id, _sample.c.name],
        order_by=[_sample.c.sequence.desc(), _sample.c.id.desc()],
    )
    ranked = sa.select(_sample, rank.label("place")).where(_sample.c.attempt_id.in_(attempt_ids))
    if whole:
        ranked = ranked.where(_sample.c.component_execution_id.is_(None))
    newest = ranked.subquery()
    return sa.select(newest).where(newest.c.place == 1).order_by(newest.c.name)


def metric_value(value: float | None, special: str | None) -> MetricValue:
    """Return a sample's value as JSON can hold it: a whole number as int, NaN and infinities as text."""
    if value is None:
        return str(special)
    return int(value) if value.is_integer() and abs(value) <= _EXACT_INTEGER else value


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from ``start`` to ``end``, None when either is missing."""
    return None if start is None or end is None else (end - start).total_seconds()


def error_of(row: Any) -> ErrorRead | None:
    """Return the error a row of an attempt or a component execution holds, if it holds one."""
    if row.error_type is None and row.error_message is None:
        return None
    return ErrorRead(type=row.error_type, message=row.error_message, traceback=row.error_traceback)
