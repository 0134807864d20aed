"""Ends of attempts and components, and what the end of an attempt means for components that are open or never began."""

from __future__ import annotations

from typing import Any

import pytest

from etl_models.domain.ids import uuid7
from etl_models.domain.states import ExecutionState
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.models.execution import ComponentExecution
from etl_models.operations.recording.components import ComponentRun
from etl_models.operations.recording.finishing import record_error
from etl_models.operations.recording.values import Failure
from etl_models.store import Store
from tests.support.recording import FLIGHTS, Story, at, count, transitions_of

pytestmark = pytest.mark.contract


@pytest.fixture
def story(migrated_url: str, executor: Any) -> Story:
    """Executions of a registered job: extract -> clean -> load <- weather -> report."""
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
    return Story(executor)


def test_an_end_has_state_time_reason_and_error(story: Story) -> None:
    """Attempt and execution tell the same."""
    started = story.start(occurred_at=at(0))
    error = Failure("ValueError", "no rows", "Traceback ...")
    assert story.finish(started.execution_id, "failed", reason="gave up", error=error, occurred_at=at(60)).applied
    read = story.read(started.execution_id)
    assert (read.state, read.reason, read.ended_at, read.duration_seconds) == ("failed", "gave up", at(60), 60.0)
    attempt = read.attempts[0]
    assert (attempt.state, attempt.reason, attempt.ended_at) == ("failed", "gave up", at(60))
    assert attempt.error is not None
    assert (attempt.error.type, attempt.error.message, attempt.error.traceback) == (
        "ValueError",
        "no rows",
        "Traceback ...",
    )


def test_ending_twice_alike_is_no_second_end(story: Story) -> None:
    """The repetition is neither applied nor lost, and time and reason stay those of the first."""
    started = story.start()
    story.finish(started.execution_id, "succeeded", occurred_at=at(10))
    again = story.finish(started.execution_id, "succeeded", occurred_at=at(20), reason="again")
    assert (again.applied, again.lost) == (False, False)
    read = story.read(started.execution_id)
    assert (read.ended_at, read.reason, len(read.transitions)) == (at(10), None, 2)


def test_an_older_attempt_can_end_without_the_execution_following(story: Story) -> None:
    """The execution is what its newest attempt is."""
    first = story.start(key="day")
    story.finish(first.execution_id, "lost", attempt_id=first.attempt_id)
    second = story.start(key="day")
    story.executor.run(_reopen, first.attempt_id)
    assert story.finish(first.execution_id, "failed", attempt_id=first.attempt_id).applied
    read = story.read(first.execution_id)
    assert [attempt.state for attempt in read.attempts] == ["failed", "running"]
    assert (read.state, read.ended_at) == ("running", None)
    assert second.attempt == 2


def _reopen(session: Any, attempt_id: Any) -> None:
    from etl_models.operations.recording.locking import attempt_table

    where = attempt_table.c.id == attempt_id
    session.execute(attempt_table.update().where(where).values(state=ExecutionState.RUNNING, ended_at=None))


def test_a_clock_set_back_makes_no_negative_duration(story: Story) -> None:
    """What ends before it began, ends when it began."""
    started = story.start(occurred_at=at(100))
    story.start_component(started.execution_id, "extract", occurred_at=at(100))
    story.finish_component(started.execution_id, "extract", occurred_at=at(1))
    story.finish(started.execution_id, occurred_at=at(1))
    read = story.read(started.execution_id)
    assert read.duration_seconds == 0
    assert {component.duration_seconds for component in read.components} == {0, None}


def test_what_is_unknown_is_not_found(story: Story) -> None:
    """An execution, an attempt of another execution, a component execution of another attempt."""
    one, two = story.start(), story.start()
    component = story.start_component(two.execution_id, "extract")
    for call in (
        lambda: story.finish(uuid7()),
        lambda: story.start_component(uuid7(), "extract"),
        lambda: story.finish(one.execution_id, attempt_id=two.attempt_id),
        lambda: story.executor.run(record_error, one.execution_id, Failure("E"), component_execution_id=component.id),
    ):
        with pytest.raises(NotFoundError):
            call()


# ----------------------------------------------------------------------------------------------------------- components


def test_components_are_linked_to_their_definition_and_others_recorded_all_the_same(story: Story) -> None:
    """A component the job does not define has no link."""
    started = story.start()
    story.start_component(started.execution_id, "extract")
    story.start_component(started.execution_id, "unheard of")
    linked = story.executor.read(_links, started.attempt_id)
    assert linked == {"extract": True, "unheard of": False}


def _links(session: Any, attempt_id: Any) -> dict[str, bool]:
    from etl_models.db.bases import table_of

    table = table_of(ComponentExecution)
    rows = session.execute(table.select().where(table.c.attempt_id == attempt_id))
    return {row.name: row.component_id is not None for row in rows}


def test_a_component_used_twice_has_two_runs(story: Story) -> None:
    """The second gets the next ordinal, even when both ask for the first; the newest decides what it blocks."""
    started = story.start()
    first, second = ComponentRun(uuid7(), "extract"), ComponentRun(uuid7(), "extract")
    assert story.start_component(started.execution_id, first).ordinal == 1
    assert story.start_component(started.execution_id, second).ordinal == 2
    story.finish_component(started.execution_id, first, "failed")
    story.finish_component(started.execution_id, second, "succeeded")
    story.finish(started.execution_id, "failed")
    assert story.states(started.execution_id) == {
        "extract": "failed",
        "extract#2": "succeeded",
        "weather": "skipped",
        "clean": "skipped",
        "load": "skipped",
        "report": "skipped",
    }


def test_a_run_known_by_name_is_the_same_run_whoever_reports_it(story: Story) -> None:
    """Callbacks in several processes keep no ids: name and ordinal are enough."""
    started = story.start()
    reports = [ComponentRun(uuid7(), "extract", by_name=True) for _ in range(3)]
    opened = [story.start_component(started.execution_id, run) for run in reports]
    assert {run.id for run in opened} == {reports[0].id}
    assert [run.opened for run in opened] == [True, False, False]
    assert story.finish_component(started.execution_id, ComponentRun(uuid7(), "extract", by_name=True)).applied
    assert story.start_component(started.execution_id, reports[2]).state == "succeeded"
    second = story.start_component(started.execution_id, ComponentRun(uuid7(), "extract", ordinal=2, by_name=True))
    assert (second.ordinal, second.opened) == (2, True)


def test_a_run_whose_start_was_missed_is_made_by_its_end(story: Story) -> None:
    """Nothing of it is lost but the moment, and that travels with it."""
    started = story.start()
    run = ComponentRun(uuid7(), "extract", started_at=at(2))
    assert story.finish_component(started.execution_id, run, "failed", occurred_at=at(5)).applied
    (component,) = story.read(started.execution_id).components
    assert (component.id, component.state, component.started_at, component.ended_at) == (
        run.id,
        "failed",
        at(2),
        at(5),
    )


def test_a_pending_component_begins_or_is_closed(story: Story) -> None:
    """It is announced, begins later, and one that never does goes with its attempt."""
    started = story.start()
    one, two = ComponentRun(uuid7(), "extract"), ComponentRun(uuid7(), "weather")
    for run in (one, two):
        assert story.start_component(started.execution_id, run, state="pending").state == "pending"
    assert story.start_component(started.execution_id, one).state == "running"
    story.finish_component(started.execution_id, one)
    story.finish(started.execution_id, "failed")
    assert story.states(started.execution_id) == {
        "extract": "succeeded",
        "weather": "upstream_failed",
        "clean": "skipped",
        "load": "upstream_failed",
        "report": "upstream_failed",
    }


@pytest.mark.parametrize("ordinal", [0, -1, 2**31])
@pytest.mark.database("sqlite")
def test_an_ordinal_counts_from_one(story: Story, ordinal: int) -> None:
    """Anything else is refused before it reaches the database."""
    started = story.start()
    with pytest.raises(InvalidInputError, match="ordinal"):
        story.start_component(started.execution_id, ComponentRun(uuid7(), "extract", ordinal))


@pytest.mark.parametrize("state", ["succeeded", "failed", "queued", "done"])
@pytest.mark.database("sqlite")
def test_a_component_begins_in_a_state_components_begin_in(story: Story, state: str) -> None:
    """Ends are no beginnings."""
    started = story.start()
    with pytest.raises(InvalidInputError, match="cannot start in this state"):
        story.start_component(started.execution_id, "extract", state=state)


# -------------------------------------------------------------------------------------------------------------- closing

CLOSED = {
    "succeeded": ("lost", "skipped", "skipped"),
    "failed": ("lost", "upstream_failed", "skipped"),
    "timed_out": ("lost", "upstream_failed", "skipped"),
    "lost": ("lost", "upstream_failed", "skipped"),
    "queued": ("lost", "upstream_failed", "skipped"),
    "cancelled": ("cancelled", "skipped", "skipped"),
}


@pytest.mark.parametrize("state", CLOSED)
def test_closing_an_attempt_leaves_no_component_open(story: Story, state: str) -> None:
    """What runs is lost or cancelled, what never began is upstream_failed behind it, or skipped."""
    running, behind, beside = CLOSED[state]
    started = story.start(occurred_at=at(0))
    story.start_component(started.execution_id, "extract", occurred_at=at(1))
    story.finish(started.execution_id, state, occurred_at=at(9))
    assert story.states(started.execution_id) == {
        "extract": running,
        "clean": behind,
        "load": behind,
        "weather": beside,
        "report": beside,
    }
    extract = next(found for found in story.read(started.execution_id).components if found.name == "extract")
    assert (extract.ended_at, extract.reason) == (at(9), f"the attempt ended as {state} before this component did")
    assert ("running", running, True) in transitions_of(story.executor, started.execution_id)


def test_closing_says_what_a_failed_component_kept_from_starting(story: Story) -> None:
    """Downstream of the failure is upstream_failed, also at a distance; the rest was skipped."""
    started = story.start()
    for name, state in (("extract", "succeeded"), ("weather", "succeeded"), ("clean", "failed")):
        story.start_component(started.execution_id, name)
        story.finish_component(started.execution_id, name, state)
    story.finish(started.execution_id, "failed")
    assert story.states(started.execution_id) == {
        "extract": "succeeded",
        "weather": "succeeded",
        "clean": "failed",
        "load": "upstream_failed",
        "report": "skipped",
    }
    never = [found for found in story.read(started.execution_id).components if found.reason == "never started"]
    assert [(found.name, found.started_at, found.ended_at) for found in never] == [
        ("load", None, None),
        ("report", None, None),
    ]


def test_an_attempt_without_any_component_gets_none(story: Story) -> None:
    """Who records no components does not want to hear of them."""
    started = story.start()
    story.finish(started.execution_id, "failed")
    assert story.read(started.execution_id).components == ()


def test_the_graph_is_that_of_the_pinned_version(migrated_url: str, story: Story) -> None:
    """A component that was added meanwhile is not missing from an execution that never had it."""
    started = story.start()
    components = [*FLIGHTS["jobs"][0]["components"], {"name": "extra", "component_type": "x"}]
    with Store(migrated_url) as store:
        store.catalog.apply({**FLIGHTS, "jobs": [{**FLIGHTS["jobs"][0], "components": components}]})
    story.start_component(started.execution_id, "extract")
    story.finish(started.execution_id)
    assert "extra" not in story.states(started.execution_id)
    newer = story.start()
    story.start_component(newer.execution_id, "extract")
    story.finish(newer.execution_id)
    assert story.states(newer.execution_id)["extra"] == "skipped"


def test_a_report_overrules_what_was_inferred(story: Story) -> None:
    """The end of a component that arrives after the end of its attempt counts, and what follows from it as well."""
    started = story.start()
    run = ComponentRun(uuid7(), "clean")
    story.start_component(started.execution_id, run)
    story.finish(started.execution_id, "failed")
    assert story.states(started.execution_id)["load"] == "upstream_failed"
    assert story.finish_component(started.execution_id, run, "succeeded").applied
    states = story.states(started.execution_id)
    assert (states["clean"], states["load"]) == ("succeeded", "skipped")
    late = ComponentRun(uuid7(), "load")
    assert story.start_component(started.execution_id, late).state == "lost"
    assert story.finish_component(started.execution_id, late, "failed").applied
    assert story.states(started.execution_id)["load"] == "failed"
    assert story.finish_component(started.execution_id, late, "succeeded").lost


def test_an_attempt_that_is_won_back_has_no_inferred_components(story: Story) -> None:
    """They may start yet."""
    started = story.start()
    story.start_component(started.execution_id, "extract")
    story.finish(started.execution_id, "lost")
    assert len(story.states(started.execution_id)) == 5
    story.start(execution_id=started.execution_id, attempt_id=started.attempt_id)
    assert story.states(started.execution_id) == {"extract": "lost"}
    story.finish_component(started.execution_id, "extract")
    story.finish(started.execution_id)
    assert story.states(started.execution_id)["extract"] == "succeeded"


def test_an_error_can_be_noted_without_an_end(story: Story) -> None:
    """Of the attempt or of a component; a later success keeps it visible."""
    started = story.start()
    component = story.start_component(started.execution_id, "extract")
    story.executor.run(record_error, started.execution_id, Failure("Warning", "slow"))
    story.executor.run(
        record_error, started.execution_id, Failure("E", "first try"), component_execution_id=component.id
    )
    story.finish_component(started.execution_id, "extract")
    story.finish(started.execution_id)
    read = story.read(started.execution_id)
    assert read.attempts[0].error is not None
    assert (read.state, read.attempts[0].error.message) == ("succeeded", "slow")
    extract = next(found for found in read.components if found.name == "extract")
    assert extract.error is not None
    assert (extract.state, extract.error.message) == ("succeeded", "first try")


def test_component_executions_are_counted_once(story: Story) -> None:
    """Starting and ending again and again leaves one row each."""
    started = story.start()
    run = ComponentRun(uuid7(), "extract")
    for _ in range(3):
        story.start_component(started.execution_id, run)
    for _ in range(3):
        story.finish_component(started.execution_id, run)
    for _ in range(3):
        story.finish(started.execution_id)
    assert count(story.executor, ComponentExecution) == 5
    assert len(transitions_of(story.executor, started.execution_id)) == 4
