"""Ending an attempt, asking it to end, and noting an error: the execution follows its newest attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.domain.clock import as_utc
from etl_models.domain.states import TERMINAL_EXECUTION_STATES, ExecutionState, execution_may_go
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.operations.recording.cleaning import recorded_reason
from etl_models.operations.recording.closing import close_components
from etl_models.operations.recording.component_rows import component_execution_table
from etl_models.operations.recording.facts import write_facts
from etl_models.operations.recording.locking import Subject, attempt_table, execution_table, lock_attempt
from etl_models.operations.recording.transitions import Change, Requested, compare_and_set, keep_applied, keep_lost
from etl_models.operations.recording.values import NOTHING, Facts, Failure, Outcome, Owner

_E = ExecutionState

FINISHING_STATES = TERMINAL_EXECUTION_STATES | {_E.QUEUED}
"""States an attempt can end in; queued means that it failed and waits to be retried by the next start."""


def finish_execution(
    session: Session,
    execution_id: UUID,
    *,
    state: ExecutionState | str,
    occurred_at: datetime,
    reason: str | None = None,
    error: Failure | None = None,
    attempt_id: UUID | None = None,
    lease: UUID | None = None,
    facts: Facts = NOTHING,
) -> Outcome:
    """End an attempt, by default the newest, with everything it leaves open; ``facts`` are added in any case.

    A forbidden change loses and is kept as such: look at the :class:`Outcome`, or let it raise with ``require()``.
    One that was taken for lost is won back only with its ``lease`` (the ``attempt_id`` proposed when it was started)
    and while no later attempt exists. Raises :class:`NotFoundError`, and :class:`InvalidInputError` for a state that
    ends nothing.
    """
    target = finishing_state(state)
    moment = as_utc(occurred_at, "occurred_at")
    subject = lock_attempt(session, execution_id, attempt_id)
    write_facts(session, Owner(execution_id, subject.attempt.id), facts, moment)
    return move_attempt(session, subject, Change(target, moment, recorded_reason(reason), error, lease))


def cancel_execution(
    session: Session, execution_id: UUID, *, occurred_at: datetime, reason: str | None = None
) -> Outcome:
    """Ask the newest attempt to end: one that runs becomes cancelling, one that has not begun is cancelled at once.

    Loses against an attempt that is over. Raises :class:`NotFoundError`.
    """
    subject = lock_attempt(session, execution_id, None)
    waits = subject.state in (_E.SCHEDULED, _E.QUEUED, _E.CANCELLED)
    target = _E.CANCELLED if waits else _E.CANCELLING
    return move_attempt(session, subject, Change(target, as_utc(occurred_at, "occurred_at"), recorded_reason(reason)))


def record_error(
    session: Session,
    execution_id: UUID,
    error: Failure,
    *,
    attempt_id: UUID | None = None,
    component_execution_id: UUID | None = None,
) -> None:
    """Note an error of an attempt, or of one of its component executions, without changing any state.

    Raises :class:`NotFoundError`.
    """
    attempt = lock_attempt(session, execution_id, attempt_id).attempt
    table, where = attempt_table, [attempt_table.c.id == attempt.id]
    if component_execution_id is not None:
        table = component_execution_table
        where = [table.c.id == component_execution_id, table.c.attempt_id == attempt.id]
    if session.connection().execute(sa.update(table).where(*where).values(error_columns(error))).rowcount == 0:
        raise NotFoundError(f"no component execution {component_execution_id} in attempt {attempt.number}")


def finishing_state(state: ExecutionState | str) -> ExecutionState:
    """Return the state if an attempt can end in it; raises :class:`InvalidInputError`."""
    if state not in FINISHING_STATES:
        names = ", ".join(sorted(FINISHING_STATES))
        raise InvalidInputError(f"an execution cannot end in this state; it may be {names}", field="state")
    return ExecutionState(state)


def move_attempt(session: Session, subject: Subject, change: Change[ExecutionState]) -> Outcome:
    """Change the state of a locked attempt where the table allows it. The one place where an attempt ends."""
    if subject.state is change.to:
        return Outcome(applied=False, state=change.to)
    refusal = _refusal(subject, change)
    if refusal is None:
        if _apply(session, subject, change):
            return Outcome(applied=True, state=change.to)
        refusal = f"attempt {subject.attempt.number} changed at the same moment; {change.to.value} was refused"
    keep_lost(session, _requested(subject, change, change.refused_because(refusal)))
    return Outcome(applied=False, state=subject.state, reason=refusal)


def _refusal(subject: Subject, change: Change[ExecutionState]) -> str | None:
    """Say why the change is forbidden, None when it is not."""
    state, number = subject.state, subject.attempt.number
    if not execution_may_go(state, change.to):
        return f"attempt {number} is {state.value}, which cannot become {change.to.value}"
    if state is not _E.LOST:
        return None
    if not subject.is_newest:
        return f"attempt {number} was lost, and a later attempt was opened since"
    if change.lease is None or change.lease != subject.attempt.lease_token:
        return f"attempt {number} was lost, and only its own worker can say otherwise"
    return None


def _apply(session: Session, subject: Subject, change: Change[ExecutionState]) -> bool:
    execution, attempt = subject
    is_over = change.to in TERMINAL_EXECUTION_STATES or (change.to is _E.QUEUED and subject.state is _E.RUNNING)
    ended_at = change.ended_at(attempt.started_at) if is_over else None
    values: dict[str, Any] = {"state": change.to, "reason": change.reason, "ended_at": ended_at}
    if change.error is not None or subject.state is _E.LOST:
        values |= error_columns(change.error or Failure())
    if not compare_and_set(session, attempt_table, attempt.id, subject.state, values):
        return False
    keep_applied(session, [_requested(subject, change, change.reason)])
    if subject.is_newest:
        # Queued again, the attempt is over and the execution is not.
        ends = None if change.to is _E.QUEUED else ended_at
        statement = sa.update(execution_table).where(execution_table.c.id == execution.id)
        session.connection().execute(statement.values(state=change.to, reason=change.reason, ended_at=ends))
    if ended_at is not None:
        close_components(session, subject, change.to, ended_at)
    return True


def _requested(subject: Subject, change: Change[ExecutionState], reason: str | None) -> Requested:
    execution, attempt = subject
    return Requested(execution.id, attempt.id, change.to, change.occurred_at, from_state=subject.state, reason=reason)


def error_columns(error: Failure) -> dict[str, str | None]:
    """Return the columns of an error."""
    return {"error_type": error.type, "error_message": error.message, "error_traceback": error.traceback}
