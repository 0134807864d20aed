"""The one way a state changes: a compare-and-set with a row of history, kept whether it was applied or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.actor import current_actor
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.models.execution import MAX_REASON_LENGTH, Transition
from etl_models.operations.recording.cleaning import recorded_text
from etl_models.operations.recording.values import Failure

State = TypeVar("State", ExecutionState, ComponentState)

_transition = table_of(Transition)
_INSERT = sa.insert(_transition).inline()  # nothing needs the key of a row of history


_IDENTITY = ("execution_id", "component_execution_id", "to_state", "applied", "occurred_at", "actor")


@dataclass(frozen=True, slots=True)
class Requested:
    """One requested change of state. ``component_execution_id`` is None when it is about the attempt."""

    execution_id: UUID
    attempt_id: UUID
    to_state: ExecutionState | ComponentState
    occurred_at: datetime
    from_state: ExecutionState | ComponentState | None = None
    component_execution_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change(Generic[State]):
    """What a caller wants: a state, since when, and why. ``lease`` proves whose worker speaks."""

    to: State
    occurred_at: datetime
    reason: str | None = None
    error: Failure | None = None
    lease: UUID | None = None

    def refused_because(self, refusal: str) -> str:
        """Return what the history keeps of a refused change: why it was refused, and what it had to say."""
        said = self.reason or (None if self.error is None else f"{self.error.type}: {self.error.message}")
        return refusal if said is None else f"{refusal}; the request said: {said}"

    def ended_at(self, started_at: datetime | None) -> datetime:
        """Return the end of what began at ``started_at``: a clock set back must not make its duration negative."""
        return self.occurred_at if started_at is None else max(self.occurred_at, started_at)


def keep_applied(session: Session, requests: Sequence[Requested]) -> None:
    """Write history of changes that were made."""
    if requests:
        session.connection().execute(_INSERT, [_row(request, applied=True) for request in requests])


def keep_lost(session: Session, request: Requested) -> None:
    """Write history of a change that was refused; ``reason`` says why. A request delivered again is kept once."""
    if lost_before(session, request) is None:
        session.connection().execute(_INSERT, _row(request, applied=False))


def lost_before(session: Session, request: Requested) -> UUID | None:
    """Return the attempt at which this very request lost before; it is known by its time, to the microsecond."""
    row = _row(request, applied=False)
    same = [_transition.c[name].is_not_distinct_from(row[name]) for name in _IDENTITY]
    found: UUID | None = session.connection().scalar(sa.select(_transition.c.attempt_id).where(*same).limit(1))
    return found


def compare_and_set(
    session: Session, table: sa.Table, row_id: UUID, expected: ExecutionState | ComponentState, values: dict[str, Any]
) -> bool:
    """Change a row if it still is in the ``expected`` state; say whether it was."""
    parameters = {"row": row_id, "expected": expected, **{f"new_{name}": value for name, value in values.items()}}
    return session.connection().execute(_update(table, tuple(values)), parameters).rowcount == 1


@lru_cache
def _update(table: sa.Table, columns: tuple[str, ...]) -> sa.Update:
    here = sa.and_(table.c.id == sa.bindparam("row"), table.c.state == sa.bindparam("expected"))
    return sa.update(table).where(here).values({name: sa.bindparam(f"new_{name}") for name in columns})


def _row(request: Requested, *, applied: bool) -> dict[str, Any]:
    return {
        "execution_id": request.execution_id,
        "attempt_id": request.attempt_id,
        "component_execution_id": request.component_execution_id,
        "from_state": None if request.from_state is None else request.from_state.value,
        "to_state": request.to_state.value,
        "applied": applied,
        "reason": recorded_text(request.reason, "reason", limit=MAX_REASON_LENGTH),
        "occurred_at": request.occurred_at,
        "actor": current_actor(),
    }
