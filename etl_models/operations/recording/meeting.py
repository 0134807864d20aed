"""Starting an execution that exists already: whose request it is and what the newest attempt does decide."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.states import ExecutionState, execution_may_go
from etl_models.errors import ConflictError
from etl_models.models.job import Job
from etl_models.models.version import JobVersion
from etl_models.operations.catalog.pins import PinnedJob
from etl_models.operations.recording.closing import forget_inferred
from etl_models.operations.recording.facts import write_tags
from etl_models.operations.recording.locking import (
    Subject,
    attempt_table,
    execution_table,
    lock_execution,
    newest_attempt,
)
from etl_models.operations.recording.opening import insert_attempt
from etl_models.operations.recording.start_request import Start
from etl_models.operations.recording.transitions import (
    Requested,
    compare_and_set,
    keep_applied,
    keep_lost,
    lost_before,
)
from etl_models.reads.execution import StartRead

_E = ExecutionState
_job, _version = table_of(Job), table_of(JobVersion)


class Meeting(Enum):
    """What a start does to the newest attempt."""

    REPEAT = auto()
    """The same request again: nothing."""
    BEGIN = auto()
    """The attempt waits, or was taken for lost: it goes on in the wanted state."""
    JOIN = auto()
    """The attempt is in other hands: the caller records to it as well."""
    NEXT = auto()
    """The attempt is over: the next is opened."""


def decide(state: ExecutionState, *, has_run: bool, is_mine: bool, wanted: ExecutionState) -> Meeting:
    """Say what a start that wants ``wanted`` does. Queued after having run means: over, waiting to be retried."""
    waits = state in (_E.SCHEDULED, _E.QUEUED) and not has_run
    is_won_back = is_mine and state is _E.LOST and wanted is _E.RUNNING
    if is_won_back or (waits and execution_may_go(state, wanted)):
        return Meeting.BEGIN
    if is_mine:
        return Meeting.REPEAT
    return Meeting.JOIN if waits or state in (_E.RUNNING, _E.CANCELLING) else Meeting.NEXT


def meet(session: Session, job: PinnedJob, start: Start, execution_id: UUID) -> StartRead:
    """Apply a start to the execution that is there. Raises :class:`ConflictError` when it is another one's."""
    execution = lock_execution(session, execution_id)
    if execution.job_id != job.job_id or (start.key is not None and execution.key != start.key):
        raise ConflictError(
            f"execution {execution_id} belongs to another job or has another key", execution_id=str(execution_id)
        )
    mine, newest = _find_mine(session, start, execution_id), newest_attempt(session, execution)
    if mine is not None and mine.id != newest.id:
        return read_start(session, execution, mine, opened=True)
    subject = Subject(execution, newest)
    meeting = decide(newest.state, has_run=newest.started_at is not None, is_mine=mine is not None, wanted=start.state)
    match meeting:
        case Meeting.BEGIN:
            return _begin(session, start, subject)
        case Meeting.REPEAT:
            return _repeat(session, start, subject)
        case _:
            return _join_or_open(session, start, subject, meeting)


def _join_or_open(session: Session, start: Start, subject: Subject, meeting: Meeting) -> StartRead:
    execution, newest = subject
    request = Requested(
        execution.id,
        newest.id,
        start.state,
        start.occurred_at,
        from_state=newest.state,
        reason=f"attempt {newest.number} is {newest.state.value} already",
    )
    joined = lost_before(session, request)
    if joined is not None:  # the same request again, and what it joined may be over by now
        return read_start(session, execution, read_attempt(session, joined), opened=False)
    if meeting is Meeting.JOIN:
        keep_lost(session, request)
        return read_start(session, execution, newest, opened=False)
    return _open_next(session, start, execution)


def _begin(session: Session, start: Start, subject: Subject) -> StartRead:
    execution, attempt = subject
    values: dict[str, Any] = {"state": start.state, "reason": None, "ended_at": None}
    if start.state is _E.RUNNING:
        values |= {"lease_token": start.lease, "started_at": _earlier(attempt.started_at, start.ran_from)}
        values |= {} if start.worker is None else {"worker": start.worker}
    opened = compare_and_set(session, attempt_table, attempt.id, attempt.state, values)
    if opened:
        keep_applied(
            session,
            [Requested(execution.id, attempt.id, start.state, start.occurred_at, from_state=attempt.state)],
        )
        parameters = {"parameters": start.parameters} if start.parameters and not execution.parameters else {}
        _follow(session, start, execution, **parameters)
        forget_inferred(session, attempt.id)
    return read_start(session, execution, read_attempt(session, attempt.id), opened=opened)


def _repeat(session: Session, start: Start, subject: Subject) -> StartRead:
    """Nothing changes but the time of the start, if this report of it is earlier."""
    execution, attempt = subject
    began = _earlier(attempt.started_at, start.ran_from)
    if began != attempt.started_at:
        _update(session, attempt_table, attempt.id, started_at=began)
        _update(session, execution_table, execution.id, started_at=_earlier(execution.started_at, began))
    return read_start(session, execution, attempt, opened=True)


def _open_next(session: Session, start: Start, execution: sa.Row[Any]) -> StartRead:
    number = execution.attempt_count + 1
    insert_attempt(session, start, execution.id, number=number)
    _follow(session, start, execution, attempt_count=number)
    return read_start(session, execution, read_attempt(session, start.attempt_id), opened=True)


def _follow(session: Session, start: Start, execution: sa.Row[Any], **values: Any) -> None:
    """Let the execution follow its newest attempt, and add the tags of this start."""
    values |= {"state": start.state, "reason": None, "ended_at": None}
    values["started_at"] = _earlier(execution.started_at, start.ran_from)
    _update(session, execution_table, execution.id, **values)
    write_tags(session, execution.id, start.tags)


# ----------------------------------------------------------------------------------------------------------- statements


def _find_mine(session: Session, start: Start, execution_id: UUID) -> sa.Row[Any] | None:
    """Return the attempt that this very start, or an earlier one of the same worker, opened or began."""
    query = sa.select(attempt_table).where(
        attempt_table.c.execution_id == execution_id,
        sa.or_(attempt_table.c.id == start.attempt_id, attempt_table.c.lease_token == start.attempt_id),
    )
    return session.connection().execute(query.order_by(attempt_table.c.number.desc()).limit(1)).one_or_none()


def read_attempt(session: Session, attempt_id: UUID) -> sa.Row[Any]:
    """Read one attempt of a locked execution."""
    return session.connection().execute(sa.select(attempt_table).where(attempt_table.c.id == attempt_id)).one()


def _update(session: Session, table: sa.Table, row_id: UUID, **values: Any) -> None:
    session.connection().execute(sa.update(table).where(table.c.id == row_id).values(values))


def _earlier(known: datetime | None, told: datetime | None) -> datetime | None:
    return min((moment for moment in (known, told) if moment is not None), default=None)


def read_start(session: Session, execution: sa.Row[Any], attempt: sa.Row[Any], *, opened: bool) -> StartRead:
    """Return what a worker needs to record to ``attempt``."""
    query = (
        sa.select(_job.c.namespace, _job.c.name, _version.c.version)
        .join_from(_version, _job, _job.c.id == _version.c.job_id)
        .where(_version.c.id == execution.job_version_id)
    )
    job = session.connection().execute(query).one()
    return StartRead(
        execution_id=execution.id,
        attempt_id=attempt.id,
        attempt=attempt.number,
        state=attempt.state,
        namespace=job.namespace,
        job=job.name,
        key=execution.key,
        definition_version=job.version,
        opened=opened,
    )
