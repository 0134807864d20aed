"""Executions and everything recorded of them, as operations return them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.reads.base import Moment, Read

MetricValue = float | int | str
"""A sample's value: a whole number where it is one; ``"nan"``, ``"inf"`` and ``"-inf"`` as text, for JSON has none."""


class ErrorRead(Read):
    """What went wrong, redacted: the exception's type, its message and the end of its traceback."""

    type: str | None
    message: str | None
    traceback: str | None = None


class DatasetRead(Read):
    """A dataset that the attempt numbered ``attempt`` read or wrote.

    ``component`` is None when it was noted for the execution as a whole.
    """

    namespace: str
    name: str
    attempt: int
    component: str | None = None


class AttemptRead(Read):
    """One try. ``duration_seconds`` is None while it runs."""

    id: UUID
    number: int
    state: ExecutionState
    reason: str | None
    worker: dict[str, Any] | None
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    error: ErrorRead | None


class ComponentExecutionRead(Read):
    """One run of a component in the attempt numbered ``attempt``; ``metrics`` holds the newest sample of each."""

    id: UUID
    name: str
    ordinal: int
    attempt: int
    state: ComponentState
    reason: str | None
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    error: ErrorRead | None
    metrics: dict[str, MetricValue]


class TransitionRead(Read):
    """One requested change of state; ``applied`` is False for one that lost, with its ``reason``."""

    attempt: int | None
    component: str | None
    from_state: str | None
    to_state: str
    applied: bool
    reason: str | None
    occurred_at: Moment
    actor: str


class ExecutionSummary(Read):
    """An execution as a list shows it.

    ``metrics`` holds the newest sample of each metric measured for the execution as a whole (newest attempt);
    times are those of the whole execution: the first attempt's start, the newest attempt's end.
    """

    id: UUID
    namespace: str
    job: str
    key: str | None
    state: ExecutionState
    reason: str | None
    parameters: dict[str, Any]
    tags: dict[str, str | None]
    definition_version: int
    definition_hash: str
    attempt_count: int
    trigger: str | None
    nominal_time: Moment | None
    parent_id: UUID | None
    root_id: UUID | None
    rerun_of_id: UUID | None
    metrics: dict[str, MetricValue]
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    error: ErrorRead | None
    worker: dict[str, Any] | None


class ExecutionRead(ExecutionSummary):
    """An execution with everything recorded of it. ``components`` are those of all attempts, newest attempt last."""

    attempts: tuple[AttemptRead, ...]
    components: tuple[ComponentExecutionRead, ...]
    inputs: tuple[DatasetRead, ...]
    outputs: tuple[DatasetRead, ...]
    transitions: tuple[TransitionRead, ...]


class StatsRow(Read):
    """Counts and durations (seconds) of one group of executions; ``group`` maps what was grouped by to its value."""

    group: dict[str, str | None]
    total: int
    states: dict[str, int]
    success_rate: float | None
    duration_p50: float | None
    duration_p95: float | None
    duration_max: float | None
    first_at: Moment | None
    last_at: Moment | None


class StartRead(Read):
    """What starting gave: the execution and attempt to record to, and whether this call opened the attempt."""

    execution_id: UUID
    attempt_id: UUID
    attempt: int
    state: ExecutionState
    namespace: str
    job: str
    key: str | None
    definition_version: int
    opened: bool
