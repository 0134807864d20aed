"""Component executions: opening and ending the runs of components inside an attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.domain.clock import as_utc
from etl_models.domain.states import (
    INITIAL_COMPONENT_STATES,
    TERMINAL_COMPONENT_STATES,
    ComponentState,
    component_may_go,
)
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.cleaning import recorded_name, recorded_reason
from etl_models.operations.recording.closing import closed_state, infer_again
from etl_models.operations.recording.component_rows import (
    INSERT_COMPONENT_EXECUTION,
    ComponentRow,
    component_execution_table,
    runs_of,
)
from etl_models.operations.recording.facts import write_facts
from etl_models.operations.recording.finishing import error_columns
from etl_models.operations.recording.locking import Subject, lock_attempt
from etl_models.operations.recording.transitions import Change, Requested, compare_and_set, keep_applied, keep_lost
from etl_models.operations.recording.values import NOTHING, ComponentStartRead, Facts, Failure, Outcome, Owner

_C = ComponentState
_table = component_execution_table


@dataclass(frozen=True, slots=True)
class ComponentRun:
    """Which run of which component: enough to make its row, should the report of its start have been lost.

    ``id`` is a proposal, made once for each run; ``ordinal`` counts the runs of one name in the attempt from 1. With
    ``by_name`` the run is known by name and ordinal alone, for callers that keep no ids; without it a run with
    another id that has the ordinal already pushes this one to the next free ordinal.
    """

    id: UUID
    name: str
    ordinal: int = 1
    started_at: datetime | None = None
    by_name: bool = False

    def checked(self) -> ComponentRun:
        """Return the run with a name and an ordinal that can be stored; raises :class:`InvalidInputError`."""
        name = recorded_name(self.name, "name of a component")
        if not 1 <= self.ordinal <= 2**31 - 1:
            raise InvalidInputError("ordinal of a component counts from 1", field="ordinal")
        return replace(self, name=name)


def start_component(
    session: Session,
    execution_id: UUID,
    run: ComponentRun,
    *,
    occurred_at: datetime,
    attempt_id: UUID | None = None,
    state: ComponentState | str = ComponentState.RUNNING,
) -> ComponentStartRead:
    """Open a run of a component in an attempt, by default the newest, or meet the one that is open already.

    Only a component that the execution's job defines is linked to it; any other is recorded all the same. A start
    that comes after its attempt was closed is recorded as closed with it. Raises :class:`NotFoundError`, and
    :class:`InvalidInputError` for a bad name or a state that no component begins in.
    """
    if state not in INITIAL_COMPONENT_STATES:
        names = ", ".join(sorted(INITIAL_COMPONENT_STATES))
        raise InvalidInputError(f"a component cannot start in this state; it may be {names}", field="state")
    moment = as_utc(occurred_at, "occurred_at")
    subject = lock_attempt(session, execution_id, attempt_id)
    row, opened = _open(session, subject, run.checked(), ComponentState(state), moment)
    return ComponentStartRead(
        id=row.id, attempt_id=subject.attempt.id, name=row.name, ordinal=row.ordinal, state=row.state, opened=opened
    )


def finish_component(
    session: Session,
    execution_id: UUID,
    run: ComponentRun,
    *,
    state: ComponentState | str,
    occurred_at: datetime,
    reason: str | None = None,
    error: Failure | None = None,
    attempt_id: UUID | None = None,
    facts: Facts = NOTHING,
) -> Outcome:
    """End a run of a component; ``facts`` about it are added in any case. A run that is not known yet is opened first.

    A forbidden change loses and is kept as such, see :class:`Outcome`. A state that was only inferred when the attempt
    closed gives way to this report. Raises as :func:`start_component`.
    """
    target = finishing_component_state(state)
    moment = as_utc(occurred_at, "occurred_at")
    subject = lock_attempt(session, execution_id, attempt_id)
    began = moment if run.started_at is None else min(as_utc(run.started_at, "started_at"), moment)
    row, _ = _open(session, subject, run.checked(), _C.RUNNING, began, is_report=False)
    write_facts(session, Owner(execution_id, subject.attempt.id, row.id), facts, moment)
    return _move(session, subject, row, Change(target, moment, recorded_reason(reason), error))


def finishing_component_state(state: ComponentState | str) -> ComponentState:
    """Return the state if a component can end in it; raises :class:`InvalidInputError`."""
    if state not in TERMINAL_COMPONENT_STATES:
        names = ", ".join(sorted(TERMINAL_COMPONENT_STATES))
        raise InvalidInputError(f"a component cannot end in this state; it may be {names}", field="state")
    return ComponentState(state)


# -------------------------------------------------------------------------------------------------------------- opening


def _open(
    session: Session,
    subject: Subject,
    run: ComponentRun,
    state: ComponentState,
    moment: datetime,
    *,
    is_report: bool = True,
) -> tuple[ComponentRow, bool]:
    """Return the row of a run and whether this call made it. ``is_report``: a start was reported, not only implied."""
    siblings = runs_of(session, subject.attempt.id, run.name)
    known = _known(siblings, run)
    if known is not None:
        return (_met(session, subject, known, state, moment) if is_report else known), False
    taken = {row.ordinal for row in siblings if not row.is_placeholder}
    for row in siblings:
        if row.is_placeholder:
            session.connection().execute(sa.delete(_table).where(_table.c.id == row.id))
    free = run.ordinal if run.ordinal not in taken else max(taken) + 1
    row = _insert(session, subject, replace(run, ordinal=free), state, moment)
    if subject.attempt.ended_at is not None:
        infer_again(session, subject)
    return row, True


def _known(siblings: list[ComponentRow], run: ComponentRun) -> ComponentRow | None:
    for row in siblings:
        if row.id == run.id or (run.by_name and row.ordinal == run.ordinal and not row.is_placeholder):
            return row
    return None


def _insert(
    session: Session, subject: Subject, run: ComponentRun, state: ComponentState, moment: datetime
) -> ComponentRow:
    """Add the row of a run; in an attempt that is closed, closed with it."""
    attempt = subject.attempt
    closed = None if attempt.ended_at is None else closed_state(state, subject.state)
    row = ComponentRow(
        id=run.id,
        name=run.name,
        ordinal=run.ordinal,
        state=closed or state,
        started_at=moment if state is _C.RUNNING else None,
        ended_at=None if state in (_C.RUNNING, _C.PENDING) else moment,
        inferred=closed is not None,
    )
    reason = None
    requests = [Requested(subject.execution.id, attempt.id, state, moment, None, run.id)]
    if closed is not None:
        reason = f"the attempt ended as {subject.state.value} before this component did"
        row = row._replace(ended_at=max(attempt.ended_at, moment))
        requests.append(Requested(subject.execution.id, attempt.id, closed, attempt.ended_at, state, run.id, reason))
    rest = {"attempt_id": attempt.id, "reason": reason, "created_at": moment}
    lookup = {"job": subject.execution.job_id, "component": run.name}
    session.connection().execute(INSERT_COMPONENT_EXECUTION, {**row._asdict(), **rest, **lookup})
    keep_applied(session, requests)
    return row


def _met(
    session: Session, subject: Subject, row: ComponentRow, state: ComponentState, moment: datetime
) -> ComponentRow:
    """A start of a run that is there: one that was pending begins; else only an earlier time is news."""
    if state is not _C.RUNNING:
        return row
    began = moment if row.started_at is None else min(row.started_at, moment)
    if row.state is _C.PENDING:
        compare_and_set(session, _table, row.id, row.state, {"state": _C.RUNNING, "started_at": began})
        keep_applied(session, [Requested(subject.execution.id, subject.attempt.id, state, moment, row.state, row.id)])
        return row._replace(state=_C.RUNNING, started_at=began)
    if began != row.started_at:
        session.connection().execute(sa.update(_table).where(_table.c.id == row.id).values(started_at=began))
    return row._replace(started_at=began)


# --------------------------------------------------------------------------------------------------------------- ending


def _move(session: Session, subject: Subject, row: ComponentRow, change: Change[ComponentState]) -> Outcome:
    if row.state is change.to and not row.inferred:
        return Outcome(applied=False, state=change.to)
    request = Requested(
        subject.execution.id, subject.attempt.id, change.to, change.occurred_at, row.state, row.id, change.reason
    )
    if row.inferred or component_may_go(row.state, change.to):
        values: dict[str, Any] = {"state": change.to, "reason": change.reason, "inferred": False}
        values["ended_at"] = change.ended_at(row.started_at)
        values |= error_columns(change.error) if change.error is not None else {}
        if compare_and_set(session, _table, row.id, row.state, values):
            keep_applied(session, [request])
            if subject.attempt.ended_at is not None:
                infer_again(session, subject)
            return Outcome(applied=True, state=change.to)
    refusal = f"component {row.name} is {row.state.value}, which cannot become {change.to.value}"
    keep_lost(session, replace(request, reason=change.refused_because(refusal)))
    return Outcome(applied=False, state=row.state, reason=refusal)
