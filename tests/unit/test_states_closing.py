"""Why components never started: inferred from the states of the others and the graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.graph import downstream_of
from etl_models.domain.states import CLOSING_COMPONENTS, ComponentState, ExecutionState
from etl_models.operations.recording.closing import BLOCKING, closed_state, never_started

_C = ComponentState
DIAMOND = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        ({"a": _C.FAILED}, {"b": "upstream_failed", "c": "upstream_failed", "d": "upstream_failed", "e": "skipped"}),
        ({"a": _C.SUCCEEDED, "b": _C.FAILED}, {"c": "skipped", "d": "upstream_failed", "e": "skipped"}),
        ({"a": _C.SUCCEEDED, "b": _C.LOST, "c": _C.SUCCEEDED}, {"d": "upstream_failed", "e": "skipped"}),
        ({"a": _C.SUCCEEDED, "b": _C.TIMED_OUT}, {"c": "skipped", "d": "upstream_failed", "e": "skipped"}),
        ({"a": _C.CANCELLED}, {"b": "skipped", "c": "skipped", "d": "skipped", "e": "skipped"}),
        ({"a": _C.CACHED, "e": _C.FAILED}, {"b": "skipped", "c": "skipped", "d": "skipped"}),
        ({"unknown": _C.FAILED}, dict.fromkeys("abcde", "skipped")),
        (dict.fromkeys("abcde", _C.SUCCEEDED), {}),
    ],
)
def test_a_failed_attempt_says_what_its_failures_kept_from_starting(
    latest: dict[str, ComponentState], expected: dict[str, str]
) -> None:
    """Downstream of what did not succeed, at any distance; cancelling keeps nothing from starting, it ends all."""
    assert never_started(latest, DIAMOND, ExecutionState.FAILED) == expected


@pytest.mark.parametrize("state", ["succeeded", "cancelled", "skipped"])
def test_in_an_attempt_that_did_not_fail_everything_else_was_skipped(state: str) -> None:
    """Even behind a component that failed: the attempt went well without it, or was given up."""
    found = never_started({"a": _C.FAILED}, DIAMOND, ExecutionState(state))
    assert found == dict.fromkeys("bcde", _C.SKIPPED)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(ComponentState)),
    st.sampled_from(sorted(CLOSING_COMPONENTS)),
)
def test_exactly_the_missing_components_are_inferred(latest: dict[str, ComponentState], state: ExecutionState) -> None:
    """Each once, none that has a state, and upstream_failed only behind something that blocks."""
    found = never_started(latest, DIAMOND, state)
    assert found.keys() == DIAMOND.keys() - latest.keys()
    blocked = downstream_of([name for name, value in latest.items() if value in BLOCKING], DIAMOND)
    assert {name for name, value in found.items() if value is _C.UPSTREAM_FAILED} <= blocked


@pytest.mark.parametrize("attempt", sorted(CLOSING_COMPONENTS))
@pytest.mark.parametrize("component", sorted(ComponentState))
def test_only_what_is_open_is_closed(component: ComponentState, attempt: ExecutionState) -> None:
    """A state that was reported stays."""
    closed = closed_state(component, attempt)
    assert (closed is not None) is (component in {_C.RUNNING, _C.PENDING})
    assert closed not in {_C.RUNNING, _C.PENDING}
