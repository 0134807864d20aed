"""Recording an execution that is over: start, components and end in one unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from etl_models.domain.naming import Reference
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.operations.recording.components import ComponentRun, finish_component
from etl_models.operations.recording.finishing import finish_execution
from etl_models.operations.recording.starting import start_execution
from etl_models.operations.recording.values import NOTHING, Facts, Failure
from etl_models.reads.execution import StartRead


@dataclass(frozen=True, slots=True)
class FinishedComponent:
    """One run of a component that is over."""

    run: ComponentRun
    ended_at: datetime
    state: ComponentState = ComponentState.SUCCEEDED
    reason: str | None = None
    error: Failure | None = None
    facts: Facts = field(default=NOTHING)


def record_execution(
    session: Session,
    reference: str | Reference,
    *,
    ended_at: datetime,
    state: ExecutionState | str = ExecutionState.SUCCEEDED,
    reason: str | None = None,
    error: Failure | None = None,
    facts: Facts = NOTHING,
    components: Sequence[FinishedComponent] = (),
    start: Mapping[str, Any],
) -> StartRead:
    """Record an execution that ran elsewhere or earlier. ``start`` holds the arguments of ``start_execution``.

    The same ``attempt_id`` again changes nothing. Raises as :func:`start_execution`.
    """
    begun = start_execution(session, reference, **start)
    where = {"attempt_id": begun.attempt_id}
    for component in components:
        finish_component(
            session,
            begun.execution_id,
            component.run,
            state=component.state,
            occurred_at=component.ended_at,
            reason=component.reason,
            error=component.error,
            facts=component.facts,
            **where,
        )
    outcome = finish_execution(
        session,
        begun.execution_id,
        state=state,
        occurred_at=ended_at,
        reason=reason,
        error=error,
        facts=facts,
        lease=start["attempt_id"],
        **where,
    )
    return begun.model_copy(update={"state": outcome.state})
