"""The shapes a recorder is used in: blocks, callbacks, attaching, after the fact, decorators."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl_models.domain.ids import uuid7
from etl_models.domain.paging import Page
from etl_models.errors import InvalidInputError
from etl_models.models.execution import Execution
from etl_models.models.metric import MetricSample
from etl_models.operations.history.listing import list_executions
from etl_models.reads.execution import ExecutionSummary
from etl_models.recorder import AsyncRecorder, Recorder
from etl_models.store import Store
from tests.support.recording import EPOCH, FLIGHTS, JOB, Story, at, count
from tests.support.statements import counted

pytestmark = pytest.mark.contract


def test_the_worker_of_the_contract(migrated_url: str, recorder: Any, story: Story) -> None:
    """Blocks start and end what they are about, and all that is noted inside is there afterwards."""
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
    with recorder.execution(JOB, key="2013-01-01", parameters={"day": "2013-01-01"}) as execution:
        with execution.component("extract") as extract:
            extract.metric("rows_out", 842)
            extract.metrics(seconds=0.4, share=math.nan).metrics({"rejected.odd": 3})
            extract.reads("file:///data/flights.csv").writes("warehouse/raw_flight")
        execution.tag(team="ops").tag("daily")
        execution.metric("rows", 842)
    read = story.read(execution.id)
    assert (read.state, read.key, read.parameters) == ("succeeded", "2013-01-01", {"day": "2013-01-01"})
    assert (execution.attempt, execution.attempt_id, execution.key) == (1, read.attempts[0].id, "2013-01-01")
    assert read.tags == {"daily": None, "team": "ops"}
    assert read.metrics == {"rows": 842}
    extract_read = next(found for found in read.components if found.name == "extract")
    assert (extract_read.state, extract_read.id) == ("succeeded", extract.id)
    assert extract_read.metrics == {"rejected.odd": 3, "rows_out": 842, "seconds": 0.4, "share": "nan"}
    assert [(use.namespace, use.name, use.component) for use in read.inputs] == [
        ("file", "/data/flights.csv", "extract")
    ]
    assert [(use.namespace, use.name, use.component) for use in read.outputs] == [
        ("warehouse", "raw_flight", "extract")
    ]
    assert {"host", "pid", "process_id", "python"} <= set(read.worker or {})
    assert story.states(execution.id)["clean"] == "skipped"
    assert (recorder.dropped, recorder.last_error) == (0, None)


def test_an_unregistered_job_is_recorded_with_a_warning(recorder: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It becomes a draft; the pipeline does not wait for whoever keeps the catalog."""
    with caplog.at_level(logging.WARNING, "etl_models.recorder"), recorder.execution("new/job") as execution:
        pass
    assert "job new/job was not registered" in caplog.text
    assert execution.attempt == 1


@pytest.mark.database("sqlite")
def test_a_block_can_set_its_own_end(recorder: Any, story: Story) -> None:
    """An end that was given inside stands when the block is left in peace."""
    with recorder.execution(JOB) as execution:
        with execution.component("extract") as extract:
            extract.finish("skipped", reason="nothing new")
            extract.metric("seen", 0)
        execution.finish("timed_out", reason="the source is too slow")
    read = story.read(execution.id)
    assert (read.state, read.reason) == ("timed_out", "the source is too slow")
    assert [(found.state, found.reason, found.metrics) for found in read.components] == [
        ("skipped", "nothing new", {"seen": 0})
    ]


@pytest.mark.database("sqlite")
def test_an_end_that_was_refused_inside_a_block_leaves_the_end_to_the_block(recorder: Any, story: Story) -> None:
    """What runs cannot be skipped; the execution is not left running for that."""
    with recorder.execution(JOB) as execution:
        assert execution.finish("skipped").lost
        assert execution.finish("done") is None
    assert story.read(execution.id).state == "succeeded"
    assert [found.to_state for found in story.lost(execution.id)] == ["skipped"]


def test_callbacks_start_and_end_by_name(recorder: Any, story: Story) -> None:
    """Nothing needs to be kept between them; each may come twice."""
    handle = recorder.start(JOB, key="k", tags=["daily"], trigger="cron", nominal_time=EPOCH)
    for _ in range(2):
        handle.start_component("extract")
    handle.start_component("extract").metric("rows", 5).finish("succeeded")
    handle.start_component("load")
    handle.start_component("load").finish("failed", error=ValueError("no space"))
    handle.start_component("load", ordinal=2).finish("succeeded")
    for _ in range(2):
        outcome = handle.finish("failed", error="one of two", reason="see load")
    assert (outcome.applied, outcome.lost, outcome.state) == (False, False, "failed")
    read = story.read(handle.id)
    assert (read.state, read.reason, read.trigger, read.nominal_time) == ("failed", "see load", "cron", EPOCH)
    assert read.error is not None
    assert (read.error.type, read.error.message) == (None, "one of two")
    assert [(found.name, found.ordinal, found.state) for found in read.components] == [
        ("extract", 1, "succeeded"),
        ("load", 1, "failed"),
        ("load", 2, "succeeded"),
    ]
    assert read.components[0].metrics == {"rows": 5}
    assert read.components[1].error is not None
    assert read.components[1].error.type == "ValueError"


@pytest.mark.database("sqlite")
def test_a_forbidden_end_is_told_and_kept(recorder: Any, story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """It changes nothing, raises nothing, and the history knows who asked for what."""
    handle = recorder.start(JOB)
    handle.finish("succeeded")
    outcome = handle.finish("failed")
    assert outcome.lost
    assert story.read(handle.id).state == "succeeded"
    assert len(story.lost(handle.id)) == 1
    assert "attempt 1 is succeeded, which cannot become failed" in caplog.text
    assert recorder.dropped == 0


def test_announced_work_is_taken_over_by_its_key(recorder: Any, story: Story) -> None:
    """A scheduler announces, a worker begins: one execution, one attempt."""
    announced = recorder.start(JOB, key="day", state="queued")
    assert story.read(announced.id).state == "queued"
    with recorder.execution(JOB, key="day") as execution:
        assert (execution.id, execution.attempt, execution.joined) == (announced.id, 1, False)
    assert story.read(announced.id).state == "succeeded"


def test_a_second_worker_joins_and_a_third_retries(recorder: Any, story: Story) -> None:
    """A running key is joined, a finished one gets its next attempt."""
    first = recorder.start(JOB, key="day")
    second = recorder.start(JOB, key="day")
    assert (second.id, second.attempt_id, second.joined, first.joined) == (first.id, first.attempt_id, True, False)
    first.finish("failed")
    with recorder.execution(JOB, key="day") as third:
        assert (third.id, third.attempt) == (first.id, 2)
    assert [attempt.state for attempt in story.read(first.id).attempts] == ["failed", "succeeded"]


def test_attaching_goes_on_without_ending(recorder: Any, story: Story) -> None:
    """A child process adds to the execution of its parent; the block of an attached handle ends nothing."""
    handle = recorder.start(JOB)
    with recorder.attach(str(handle.id)) as attached:
        assert (attached.id, attached.attempt, attached.attempt_id) == (handle.id, 1, handle.attempt_id)
        attached.metric("rows", 1).tag(child="yes")
        with attached.component("extract"):
            pass
    read = story.read(handle.id)
    assert (read.state, read.metrics, read.tags) == ("running", {"rows": 1}, {"child": "yes"})
    recorder.attach(handle.id).finish("succeeded")
    assert story.read(handle.id).state == "succeeded"


@pytest.mark.database("sqlite")
def test_cancelling_and_errors_from_outside(recorder: Any, story: Story) -> None:
    """A cancel is a request; an error can be noted without an end."""
    handle = recorder.start(JOB)
    handle.error(ValueError("slow"))
    component = handle.start_component("extract")
    component.error("only a warning")
    assert recorder.attach(handle.id).cancel("not needed").state == "cancelling"
    handle.finish("cancelled", reason="as asked")
    read = story.read(handle.id)
    assert (read.state, read.reason) == ("cancelled", "as asked")
    assert read.error is not None
    assert read.error.message == "slow"
    assert [(found.state, found.error.message if found.error else None) for found in read.components] == [
        ("cancelled", "only a warning")
    ]


# ----------------------------------------------------------------------------------------------------------- afterwards


def test_an_execution_that_is_over_is_recorded_in_one_call(recorder: Any, story: Story) -> None:
    """Times, components, facts and error as told; the same id again changes nothing."""
    known = uuid7()
    for _ in range(2):
        execution_id = recorder.record(
            JOB,
            key="2013-02-08",
            parameters={"day": "2013-02-08"},
            tags={"season": "winter"},
            started_at=at(0),
            ended_at=at(90),
            state="failed",
            error="too many rejected",
            reason="snow",
            metrics={"rows": 930, "share": 0.51},
            reads=["nycflights13/flights"],
            writes=["warehouse/flight"],
            components=[
                {"name": "extract", "metrics": {"rows_out": 930}, "started_at": at(1), "ended_at": at(5)},
                {"name": "validate", "state": "failed", "error": "475 of 930"},
            ],
            execution_id=known,
        )
        assert execution_id == known
    read = story.read(known)
    assert (read.state, read.reason, read.started_at, read.ended_at) == ("failed", "snow", at(0), at(90))
    assert (read.key, read.parameters, read.tags) == ("2013-02-08", {"day": "2013-02-08"}, {"season": "winter"})
    assert (read.metrics, read.attempt_count) == ({"rows": 930, "share": 0.51}, 1)
    assert [use.namespace for use in (*read.inputs, *read.outputs)] == ["nycflights13", "warehouse"]
    assert {(found.name, found.state, found.duration_seconds) for found in read.components} == {
        ("extract", "succeeded", 4.0),
        ("validate", "failed", 90.0),
    }
    assert {found.name: found.metrics for found in read.components} == {"extract": {"rows_out": 930}, "validate": {}}
    assert count(story.executor, MetricSample) == 3


@pytest.mark.parametrize(
    "told",
    [
        {"state": "done"},
        {"state": "running"},
        {"started_at": at(1), "ended_at": at(0)},
        {"started_at": at(0).replace(tzinfo=None)},
        {"ended_at": "2013-01-01"},
        {"metrics": 5},
    ],
)
@pytest.mark.database("sqlite")
def test_what_cannot_be_true_is_not_recorded(recorder: Any, story: Story, told: dict[str, Any]) -> None:
    """Rather nothing than an execution that says what nobody said; it is counted and nothing is raised."""
    assert recorder.record(JOB, **told) is None
    assert count(story.executor, Execution) == 0
    assert recorder.dropped == 1
    assert isinstance(recorder.last_error, Exception)


@pytest.mark.database("sqlite")
def test_a_bad_component_does_not_cost_the_execution(recorder: Any, story: Story) -> None:
    """It is left out and counted, the rest is recorded."""
    components = [{"name": "good"}, {"name": "bad\n"}, {"nome": "x"}, {"name": "odd", "state": "x"}, 5]
    execution_id = recorder.record(JOB, components=components)
    assert [found.name for found in story.read(execution_id).components] == ["good"]
    assert recorder.dropped == 4


# ----------------------------------------------------------------------------------------------------------- decorators


def _executions(story: Story) -> Page[ExecutionSummary]:
    found: Page[ExecutionSummary] = story.executor.read(list_executions, job=JOB)
    return found


def test_every_call_of_a_decorated_function_is_an_execution(migrated_url: str, story: Story) -> None:
    """The key may come from the arguments; a parameter called execution gets the handle; results pass through."""
    with Recorder(migrated_url) as recorder:

        @recorder.job(JOB, key="{day}", parameters=lambda day, factor=1: {"day": day, "factor": factor}, tags="daily")
        def load(day: str, factor: int = 1, *, execution: Any = None) -> int:
            """Loads a day."""
            assert recorder.current() is execution
            assert execution is not None
            execution.metric("rows", 10 * factor)
            return 10 * factor

        assert load("2013-01-01") == 10
        assert load("2013-01-02", factor=2) == 20
        assert (load.__name__, load.__doc__) == ("load", "Loads a day.")
        assert recorder.current() is None
        pages = _executions(story)
    assert {(found.key, found.state, found.metrics["rows"]) for found in pages.items} == {
        ("2013-01-01", "succeeded", 10),
        ("2013-01-02", "succeeded", 20),
    }
    assert pages.items[0].parameters == {"day": "2013-01-02", "factor": 2}
    assert pages.items[0].tags == {"daily": None}


async def test_coroutine_functions_are_recorded_by_both_recorders(migrated_url: str, story: Story) -> None:
    """The execution lasts until the coroutine has ended, and its exception passes through."""
    blocking_recorder = Recorder(migrated_url)
    async with AsyncRecorder(migrated_url) as recorder:

        @recorder.job(JOB, key=lambda day: day)
        async def load(day: date, execution: Any) -> Any:
            assert recorder.current() is execution
            assert execution is not None
            return execution.id

        @blocking_recorder.job(JOB)
        async def fail() -> None:
            raise ValueError("no rows")

        execution_id = await load(date(2013, 1, 1))  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="no rows"):
            await fail()
    blocking_recorder.close()
    assert (story.read(execution_id).key, story.read(execution_id).state) == ("2013-01-01", "succeeded")
    states = [found.state for found in _executions(story).items]
    assert sorted(states) == ["failed", "succeeded"]


@pytest.mark.database("sqlite")
def test_what_cannot_be_recorded_by_a_decorator_is_refused_when_it_is_decorated(migrated_url: str) -> None:
    """A generator runs later than its call, and an asynchronous recorder cannot wait in a plain function."""
    with pytest.raises(InvalidInputError, match="generator"):

        @Recorder(migrated_url).job(JOB)
        def rows() -> Iterator[int]:
            yield 1

    with pytest.raises(InvalidInputError, match="not asynchronous"):

        @AsyncRecorder(migrated_url).job(JOB)
        def load() -> None:
            pass


@pytest.mark.database("sqlite")
def test_a_key_that_cannot_be_made_costs_the_key_only(migrated_url: str, story: Story) -> None:
    """The function runs and is recorded, without a key; a strict recorder says what is wrong."""

    def decorated(recorder: Recorder) -> Any:
        @recorder.job(JOB, key="{nobody}")
        def load(day: str) -> str:
            return day

        return load

    with Recorder(migrated_url) as recorder:
        assert decorated(recorder)("x") == "x"
        assert recorder.dropped == 1
    assert [found.key for found in _executions(story).items] == [None]
    with Recorder(migrated_url, strict=True) as recorder, pytest.raises(KeyError):
        decorated(recorder)("x")


# -------------------------------------------------------------------------------------------------------------- context


@pytest.mark.database("sqlite")
def test_the_innermost_open_execution_is_the_current_one(migrated_url: str) -> None:
    """Blocks nest, each recorder knows its own, and after the block there is none."""
    with Recorder(migrated_url) as one, Recorder(migrated_url) as two:
        assert one.current() is None
        with one.execution(JOB) as outer:
            with two.execution(JOB) as other:
                assert (one.current(), two.current()) == (outer, other)
                with one.execution(JOB, parent=outer) as inner:
                    assert one.current() is inner
                assert one.current() is outer
            assert two.current() is None
        assert one.current() is None


@pytest.mark.database("sqlite")
def test_relatives_are_given_as_handles_or_ids(recorder: Any, story: Story) -> None:
    """Parent, origin, and an id of the caller's own."""
    outer = recorder.start(JOB)
    known = uuid7()
    handle = recorder.start(JOB, parent=outer.id, rerun_of=str(outer.id), execution_id=str(known))
    read = story.read(known)
    assert (handle.id, read.parent_id, read.root_id, read.rerun_of_id) == (known, outer.id, outer.id, outer.id)


@pytest.mark.database("sqlite")
def test_paths_and_durations_are_taken_as_they_are(recorder: Any, story: Story) -> None:
    """A path object is a file; a timedelta is so many seconds."""
    with recorder.execution(JOB) as execution:
        execution.reads(Path("/data/flights.csv"), "orders").metric("took", timedelta(minutes=1))
    read = story.read(execution.id)
    assert {(use.namespace, use.name) for use in read.inputs} == {("file", "/data/flights.csv"), ("default", "orders")}
    assert read.metrics == {"took": 60}


# ----------------------------------------------------------------------------------------------------------------- cost


def test_a_component_costs_two_transactions_whatever_is_measured_in_it(migrated_url: str, story: Story) -> None:
    """Start one, each component two, end one; notes travel with them."""
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
        commits: list[Any] = []
        from sqlalchemy import event

        event.listen(store.database.engine, "commit", commits.append)
        recorder = Recorder(database=store.database)
        with counted(store.database.engine) as statements, recorder.execution(JOB, key="k") as execution:
            execution.tag(a="1", b="2", c="3", d="4", e="5")
            for name in ("extract", "weather", "clean", "load", "report"):
                with execution.component(name) as component:
                    component.metrics(a=1, b=2, c=3, d=4).reads("x/y")
        assert len(commits) == 12
        assert sum(statements.values()) <= 130
        recorder.close()
        assert store.health_check().ok, "a recorder leaves open what it did not open"
    assert story.read(execution.id).state == "succeeded"


@pytest.mark.database("sqlite")
def test_samples_are_written_in_batches_before_they_fill_the_memory(migrated_url: str, story: Story) -> None:
    """Every thousand goes out while the block is still running; awaiting a note does the same."""
    with Recorder(migrated_url) as recorder, recorder.execution(JOB) as execution:
        for number in range(2500):
            execution.metric("rows", number)
        assert count(story.executor, MetricSample) == 2000
        execution.flush()
        assert count(story.executor, MetricSample) == 2500


async def test_awaiting_a_note_writes_when_there_is_enough(migrated_url: str, story: Story) -> None:
    """Without await notes only pile up until the next write; nothing is lost either way."""
    async with AsyncRecorder(migrated_url) as recorder, recorder.execution(JOB) as execution:
        async with execution.component("extract") as component:
            for number in range(1500):
                await component.metric("rows", number)
            assert count(story.executor, MetricSample) == 1000
            for number in range(1500):
                component.metric("rows", number)
            assert count(story.executor, MetricSample) == 1000
        assert count(story.executor, MetricSample) == 3000
