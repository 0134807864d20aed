"""The state machines of executions, attempts and component executions, as data.

Read by the recording operations (every transition is a compare-and-set against these tables), by the command
line (choices of ``--state``) and by the documentation. Nothing here touches a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ExecutionState(StrEnum):
    """State of an attempt, and of an execution, whose state is that of its newest attempt."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"
    LOST = "lost"


class ComponentState(StrEnum):
    """State of one run of a component inside an attempt."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    CACHED = "cached"


_E = ExecutionState
_C = ComponentState

INITIAL_EXECUTION_STATES = frozenset({_E.SCHEDULED, _E.QUEUED, _E.RUNNING})
INITIAL_COMPONENT_STATES = frozenset({_C.PENDING, _C.RUNNING, _C.SKIPPED, _C.UPSTREAM_FAILED, _C.CACHED, _C.CANCELLED})

EXECUTION_TRANSITIONS: Mapping[ExecutionState, frozenset[ExecutionState]] = {
    _E.SCHEDULED: frozenset({_E.QUEUED, _E.RUNNING, _E.SKIPPED, _E.CANCELLED}),
    _E.QUEUED: frozenset({_E.RUNNING, _E.CANCELLED, _E.SKIPPED, _E.FAILED, _E.TIMED_OUT}),
    # running -> queued means: waiting to retry. The attempt is over; the next start opens attempt n + 1.
    _E.RUNNING: frozenset({_E.SUCCEEDED, _E.FAILED, _E.CANCELLING, _E.CANCELLED, _E.TIMED_OUT, _E.LOST, _E.QUEUED}),
    # cancelling -> succeeded: the work was committed before the cancel reached it.
    _E.CANCELLING: frozenset({_E.CANCELLED, _E.FAILED, _E.TIMED_OUT, _E.LOST, _E.SUCCEEDED}),
    # lost is a guess from outside; the worker itself (same lease, no later attempt) may overturn it.
    _E.LOST: frozenset({_E.RUNNING, _E.SUCCEEDED, _E.FAILED, _E.CANCELLED}),
    _E.SUCCEEDED: frozenset(),
    _E.FAILED: frozenset(),
    _E.CANCELLED: frozenset(),
    _E.SKIPPED: frozenset(),
    _E.TIMED_OUT: frozenset(),
}

COMPONENT_TRANSITIONS: Mapping[ComponentState, frozenset[ComponentState]] = {
    _C.PENDING: frozenset({_C.RUNNING, _C.SKIPPED, _C.UPSTREAM_FAILED, _C.CANCELLED, _C.CACHED, _C.FAILED}),
    _C.RUNNING: frozenset({_C.SUCCEEDED, _C.FAILED, _C.CANCELLED, _C.SKIPPED, _C.TIMED_OUT, _C.LOST, _C.CACHED}),
    _C.LOST: frozenset({_C.RUNNING, _C.SUCCEEDED, _C.FAILED, _C.CANCELLED}),
    _C.SUCCEEDED: frozenset(),
    _C.FAILED: frozenset(),
    _C.CANCELLED: frozenset(),
    _C.SKIPPED: frozenset(),
    _C.UPSTREAM_FAILED: frozenset(),
    _C.TIMED_OUT: frozenset(),
    _C.CACHED: frozenset(),
}

TERMINAL_EXECUTION_STATES = frozenset({_E.SUCCEEDED, _E.FAILED, _E.CANCELLED, _E.SKIPPED, _E.TIMED_OUT, _E.LOST})
TERMINAL_COMPONENT_STATES = frozenset(ComponentState) - {_C.PENDING, _C.RUNNING}

# How closing an attempt closes the component executions it leaves open: (running ->, pending ->).
CLOSING_COMPONENTS: Mapping[ExecutionState, tuple[ComponentState, ComponentState]] = {
    _E.SUCCEEDED: (_C.LOST, _C.SKIPPED),
    _E.FAILED: (_C.LOST, _C.UPSTREAM_FAILED),
    _E.CANCELLED: (_C.CANCELLED, _C.SKIPPED),
    _E.SKIPPED: (_C.CANCELLED, _C.SKIPPED),
    _E.TIMED_OUT: (_C.LOST, _C.UPSTREAM_FAILED),
    _E.LOST: (_C.LOST, _C.UPSTREAM_FAILED),
    _E.QUEUED: (_C.LOST, _C.UPSTREAM_FAILED),
}


def execution_may_go(source: ExecutionState, target: ExecutionState) -> bool:
    """Say whether the table allows ``source -> target`` for an attempt."""
    return target in EXECUTION_TRANSITIONS[source]


def component_may_go(source: ComponentState, target: ComponentState) -> bool:
    """Say whether the table allows ``source -> target`` for a component execution."""
    return target in COMPONENT_TRANSITIONS[source]
