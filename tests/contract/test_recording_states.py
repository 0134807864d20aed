"""Every cell of the two transition tables, on every database and both faces."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from etl_models.domain.states import (
    COMPONENT_TRANSITIONS,
    EXECUTION_TRANSITIONS,
    TERMINAL_COMPONENT_STATES,
    ComponentState,
    ExecutionState,
)
from etl_models.errors import InvalidInputError, TransitionError
from etl_models.operations.recording.finishing import (
    FINISHING_STATES,
    cancel_execution,
    finish_execution,
    move_attempt,
)
from etl_models.operations.recording.locking import lock_attempt
from etl_models.operations.recording.transitions import Change
from etl_models.operations.recording.values import Outcome
from tests.support.recording import Story, at, transitions_of

pytestmark = pytest.mark.contract


def _move(session: Any, execution_id: Any, to: ExecutionState, lease: Any) -> Outcome:
    return move_attempt(session, lock_attempt(session, execution_id, None), Change(to, at(99), lease=lease))


def test_every_cell_of_the_execution_table(executor: Any) -> None:
    """What the table allows is applied, what it does not lose and is kept; the same state again is neither."""
    story = Story(executor)
    for source, target in product(ExecutionState, ExecutionState):
        started = story.in_state(source)
        outcome = executor.run(_move, started.execution_id, target, started.attempt_id)
        read = story.read(started.execution_id)
        allowed = target in EXECUTION_TRANSITIONS[source]
        history = transitions_of(executor, started.execution_id)[1:]
        cell = f"{source} -> {target}"
        assert outcome.applied is allowed, cell
        assert read.state is (target if allowed else source), cell
        assert read.attempts[0].state is read.state, cell
        assert outcome.state is read.state, cell
        assert outcome.lost is (not allowed and source is not target), cell
        assert history == ([] if source is target else [(source, target, allowed)]), cell


def test_every_cell_of_the_component_table(executor: Any) -> None:
    """The same for components, by the operation that ends them."""
    story = Story(executor)
    for source, target in product(ComponentState, TERMINAL_COMPONENT_STATES):
        execution_id, run = story.component_in_state(source)
        outcome = story.finish_component(execution_id, run, target)
        allowed = target in COMPONENT_TRANSITIONS[source]
        cell = f"{source} -> {target}"
        assert outcome.applied is allowed, cell
        assert story.states(execution_id) == {"extract": target if allowed else source}, cell
        assert outcome.lost is (not allowed and source is not target), cell
        history = transitions_of(executor, execution_id)[2:]
        assert history == ([] if source is target else [(source, target, allowed)]), cell


@pytest.mark.parametrize("state", [*sorted(set(ExecutionState) - FINISHING_STATES), "done", "", None])
@pytest.mark.database("sqlite")
def test_an_execution_cannot_be_finished_in_a_state_that_ends_nothing(executor: Any, state: Any) -> None:
    """Running and cancelling are no ends, and neither are words that are no states."""
    story = Story(executor)
    started = story.start()
    with pytest.raises(InvalidInputError, match="cannot end in this state"):
        story.finish(started.execution_id, state)


@pytest.mark.parametrize("state", ["running", "pending", "done"])
@pytest.mark.database("sqlite")
def test_a_component_cannot_be_finished_in_a_state_that_ends_nothing(executor: Any, state: str) -> None:
    """The same for components."""
    story = Story(executor)
    started = story.start()
    with pytest.raises(InvalidInputError, match="cannot end in this state"):
        story.finish_component(started.execution_id, "extract", state)


def test_a_change_decided_on_an_old_state_is_refused(executor: Any) -> None:
    """Whoever read the attempt before it changed cannot change it any more: the state is compared when it is set."""
    story = Story(executor)
    started = story.start()
    stale = executor.run(lock_attempt, started.execution_id, None)
    story.finish(started.execution_id, "failed")
    outcome = executor.run(move_attempt, stale, Change(ExecutionState.SUCCEEDED, at(9)))
    assert (outcome.applied, outcome.lost) == (False, True)
    assert "changed at the same moment" in str(outcome.reason)
    assert story.read(started.execution_id).state is ExecutionState.FAILED


def test_a_lost_attempt_is_won_back_by_its_own_worker_only(executor: Any) -> None:
    """Another lease, or none, does not overturn the verdict; the worker's own report does."""
    story = Story(executor)
    started = story.in_state(ExecutionState.LOST)
    for lease in (None, started.execution_id):
        outcome = story.finish(started.execution_id, "succeeded", lease=lease)
        assert outcome.lost
        assert "only its own worker" in str(outcome.reason)
    assert story.finish(started.execution_id, "succeeded", lease=started.attempt_id).applied
    assert story.read(started.execution_id).state is ExecutionState.SUCCEEDED


def test_a_lost_attempt_stays_lost_once_a_later_one_was_opened(executor: Any) -> None:
    """Its own worker comes too late then, and says so; the later attempt is untouched."""
    story = Story(executor)
    first = story.in_state(ExecutionState.LOST, key="day")
    second = story.start(key="day")
    assert second.attempt == 2
    late = story.finish(first.execution_id, "succeeded", attempt_id=first.attempt_id, lease=first.attempt_id)
    assert "later attempt" in str(late.reason)
    read = story.read(first.execution_id)
    assert [attempt.state for attempt in read.attempts] == ["lost", "running"]
    assert read.state is ExecutionState.RUNNING


def test_a_start_by_the_same_lease_brings_a_lost_attempt_back(executor: Any) -> None:
    """The worker that was only slow goes on in its own attempt."""
    story = Story(executor)
    started = story.start(key="day")
    story.finish(started.execution_id, "lost")
    assert story.read(started.execution_id).ended_at is not None
    again = story.start(key="day", attempt_id=started.attempt_id)
    assert (again.attempt, again.state, again.opened) == (1, "running", True)
    read = story.read(started.execution_id)
    assert (read.state, read.ended_at, read.attempt_count) == ("running", None, 1)
    assert transitions_of(executor, started.execution_id)[-1] == ("lost", "running", True)


def test_a_refused_change_is_kept_although_the_caller_gets_an_error(executor: Any) -> None:
    """The outcome raises outside the transaction, so its row of history is committed; it is kept once."""
    story = Story(executor)
    started = story.start()
    story.finish(started.execution_id, "failed")
    arguments = {"state": "succeeded", "occurred_at": at(50), "reason": "finished late"}
    for _ in range(3):
        with pytest.raises(TransitionError, match="attempt 1 is failed, which cannot become succeeded"):
            executor.run(finish_execution, started.execution_id, **arguments).require()
    (lost,) = story.lost(started.execution_id)
    assert (lost.from_state, lost.to_state, lost.applied) == ("failed", "succeeded", False)
    assert lost.reason == "attempt 1 is failed, which cannot become succeeded; the request said: finished late"
    assert story.read(started.execution_id).state is ExecutionState.FAILED


@pytest.mark.parametrize(
    ("source", "target"),
    [("scheduled", "cancelled"), ("queued", "cancelled"), ("running", "cancelling"), ("cancelling", "cancelling")],
)
@pytest.mark.database("sqlite")
def test_cancelling_asks_what_runs_and_ends_what_waits(executor: Any, source: str, target: str) -> None:
    """A worker has the last word about its own attempt; what has no worker ends at once."""
    story = Story(executor)
    started = story.in_state(ExecutionState(source))
    outcome = executor.run(cancel_execution, started.execution_id, occurred_at=at(9), reason="not needed")
    assert outcome.state == target
    read = story.read(started.execution_id)
    assert read.state == target
    assert (read.ended_at is None) is (target == "cancelling")


@pytest.mark.database("sqlite")
def test_cancelling_what_is_over_loses(executor: Any) -> None:
    """The end stands, and the request is in the history."""
    story = Story(executor)
    started = story.in_state(ExecutionState.SUCCEEDED)
    outcome = executor.run(cancel_execution, started.execution_id, occurred_at=at(9))
    assert outcome.lost
    assert len(story.lost(started.execution_id)) == 1
