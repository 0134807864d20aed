"""Both faces offer the same: names, parameters, defaults."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from etl_models.recorder import (
    AsyncComponentHandle,
    AsyncExecutionHandle,
    AsyncRecorder,
    ComponentHandle,
    ExecutionHandle,
    Recorder,
)

PAIRS = [
    (Recorder, AsyncRecorder),
    (ExecutionHandle, AsyncExecutionHandle),
    (ComponentHandle, AsyncComponentHandle),
]
WAITING = {
    Recorder: {"start", "attach", "record", "close"},
    ExecutionHandle: {"start_component", "finish", "cancel", "error", "flush"},
    ComponentHandle: {"finish", "error", "flush"},
}


def _public(kind: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}


def _shape(member: Any) -> Any:
    if not callable(member):
        return type(member)
    parameters = inspect.signature(member).parameters.values()
    return [(parameter.name, parameter.kind, repr(parameter.default)) for parameter in parameters]


@pytest.mark.parametrize(("blocking", "asynchronous"), PAIRS)
def test_both_faces_have_the_same_methods(blocking: type, asynchronous: type) -> None:
    """Every public name, with the same parameters in the same order with the same defaults."""
    ours, theirs = _public(blocking), _public(asynchronous)
    assert ours.keys() == theirs.keys()
    assert {name: _shape(member) for name, member in ours.items()} == {
        name: _shape(member) for name, member in theirs.items()
    }


@pytest.mark.parametrize(("blocking", "asynchronous"), PAIRS)
def test_what_needs_the_store_is_awaited_and_nothing_else(blocking: Any, asynchronous: Any) -> None:
    """Notes are taken without waiting in both faces."""
    waits = {
        name for name, member in _public(asynchronous).items() if inspect.iscoroutinefunction(inspect.unwrap(member))
    }
    assert waits == WAITING[blocking]
    assert (hasattr(blocking, "__enter__"), hasattr(asynchronous, "__aenter__")) == (True, True)


def test_making_a_recorder_opens_nothing() -> None:
    """Not even a wrong URL is noticed: a worker must not die of its settings before it has begun."""
    for kind in (Recorder, AsyncRecorder):
        recorder: Any = kind("nonsense")
        assert (recorder.dropped, recorder.last_error, recorder.strict) == (0, None, False)
