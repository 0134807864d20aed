"""A checked request to start an execution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.states import ExecutionState


@dataclass(frozen=True, slots=True)
class Start:
    """Who asks for what. ``attempt_id`` is also the lease: it says who asks, however often the request arrives."""

    execution_id: UUID
    attempt_id: UUID
    key: str | None
    parameters: dict[str, JsonValue]
    tags: dict[str, str]
    trigger: str | None
    nominal_time: datetime | None
    worker: dict[str, JsonValue] | None
    parent_id: UUID | None
    rerun_of_id: UUID | None
    state: ExecutionState
    occurred_at: datetime
    ran_from: datetime | None
    """When the work began; None for a start that only announces work."""

    @property
    def lease(self) -> UUID | None:
        """The lease the attempt gets: only a worker holds one."""
        return self.attempt_id if self.state is ExecutionState.RUNNING else None
