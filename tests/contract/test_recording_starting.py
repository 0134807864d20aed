"""Starting: new executions, the same ones again, next attempts, and what they are pinned to."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from etl_models.domain.ids import uuid7
from etl_models.domain.states import ExecutionState
from etl_models.errors import ConflictError, InvalidInputError, NotFoundError
from etl_models.models.execution import Attempt, Execution
from etl_models.operations.history.jobs import get_job_id
from etl_models.operations.recording.attaching import attach_execution
from etl_models.store import Store
from tests.support.recording import EPOCH, FLIGHTS, JOB, Story, at, count, transitions_of

pytestmark = pytest.mark.contract


def test_a_new_execution_has_everything_it_was_started_with(executor: Any) -> None:
    """What a start says is what the history tells."""
    story = Story(executor)
    started = story.start(
        key="2013-01-01",
        parameters={"day": "2013-01-01", "limit": 3, "password": "hunter2"},
        tags=["daily", {"team": "ops", "size": 3, "dry": True}],
        trigger="cron",
        nominal_time=EPOCH,
        worker={"host": "worker-1", "pid": 7},
        occurred_at=at(5),
    )
    read = story.read(started.execution_id)
    assert (started.attempt, started.opened, started.state) == (1, True, "running")
    assert (started.namespace, started.job, started.key) == ("flights", "load-flights", "2013-01-01")
    assert (read.namespace, read.job, read.key, read.state) == ("flights", "load-flights", "2013-01-01", "running")
    assert read.parameters == {"day": "2013-01-01", "limit": 3, "password": "********"}
    assert read.tags == {"daily": None, "dry": "true", "size": "3", "team": "ops"}
    assert (read.trigger, read.nominal_time) == ("cron", EPOCH)
    assert read.worker == {"host": "worker-1", "pid": 7}
    assert (read.created_at, read.started_at, read.ended_at) == (at(5), at(5), None)
    assert transitions_of(executor, started.execution_id) == [(None, "running", True)]


def test_the_same_start_again_changes_nothing(executor: Any) -> None:
    """A unit that is run again, or whose commit got lost on the way, finds its own work."""
    story = Story(executor)
    ids = {"execution_id": uuid7(), "attempt_id": uuid7(), "occurred_at": at(1)}
    first = story.start(key="day", **ids)
    before = story.read(first.execution_id)
    assert story.start(key="day", **ids) == first
    assert story.read(first.execution_id) == before
    story.finish(first.execution_id, "failed")
    again = story.start(key="day", **ids)
    assert (again.attempt, again.state, again.opened) == (1, "failed", True)
    assert story.read(first.execution_id).attempt_count == 1


def test_a_running_key_is_joined(executor: Any) -> None:
    """The second worker gets the same attempt, is told so, and its request is kept as lost, once."""
    story = Story(executor)
    first = story.start(key="day")
    other = {"key": "day", "execution_id": uuid7(), "attempt_id": uuid7(), "occurred_at": at(7)}
    for _ in range(2):
        joined = story.start(**other)
        assert (joined.execution_id, joined.attempt_id, joined.opened) == (first.execution_id, first.attempt_id, False)
    (lost,) = story.lost(first.execution_id)
    assert (lost.to_state, lost.reason) == ("running", "attempt 1 is running already")
    story.finish(first.execution_id)
    assert story.start(**other).attempt == 1, "the request joined attempt 1; delivered again, it opens no attempt 2"


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "skipped", "timed_out", "lost"])
@pytest.mark.database("sqlite")
def test_a_start_after_the_end_opens_the_next_attempt(executor: Any, state: str) -> None:
    """Nothing of the attempt before is overwritten; the execution follows the new one."""
    story = Story(executor)
    first = story.in_state(ExecutionState(state), key="day", parameters={"a": 1})
    second = story.start(key="day", parameters={"a": 2}, tags={"again": "yes"})
    assert (second.execution_id, second.attempt, second.opened) == (first.execution_id, 2, True)
    read = story.read(first.execution_id)
    assert [(attempt.number, attempt.state) for attempt in read.attempts] == [(1, state), (2, "running")]
    assert (read.state, read.ended_at, read.attempt_count) == ("running", None, 2)
    assert read.parameters == {"a": 1}
    assert read.tags == {"again": "yes"}
    assert read.started_at == read.attempts[0].started_at


def test_attempts_follow_each_other_on_every_database(executor: Any) -> None:
    """Fail, wait for the retry, fail, succeed: three attempts in one execution."""
    story = Story(executor)
    first = story.start(key="day")
    story.finish(first.execution_id, "queued", reason="retry in 5 s")
    waiting = story.read(first.execution_id)
    assert (waiting.state, waiting.ended_at, waiting.reason) == ("queued", None, "retry in 5 s")
    assert waiting.attempts[0].ended_at is not None
    assert story.start(key="day").attempt == 2
    story.finish(first.execution_id, "failed")
    assert story.start(key="day").attempt == 3
    story.finish(first.execution_id, "succeeded")
    read = story.read(first.execution_id)
    assert [attempt.state for attempt in read.attempts] == ["queued", "failed", "succeeded"]
    assert (read.state, read.attempt_count) == ("succeeded", 3)
    assert count(executor, Execution) == 1


def test_announced_work_begins_with_the_worker(executor: Any) -> None:
    """Scheduled, queued, running are one attempt; the worker that begins it holds the lease."""
    story = Story(executor)
    announced = story.start(key="day", state="scheduled", occurred_at=at(0), parameters={"a": 1})
    assert story.read(announced.execution_id).started_at is None
    queued = story.start(key="day", state="queued", occurred_at=at(1))
    begun = story.start(key="day", occurred_at=at(2), worker={"host": "w"}, parameters={"a": 2})
    assert {announced.attempt_id, queued.attempt_id, begun.attempt_id} == {announced.attempt_id}
    assert begun.opened
    read = story.read(announced.execution_id)
    assert (read.started_at, read.state, read.worker, read.parameters) == (at(2), "running", {"host": "w"}, {"a": 1})
    assert transitions_of(executor, announced.execution_id) == [
        (None, "scheduled", True),
        ("scheduled", "queued", True),
        ("queued", "running", True),
    ]


def test_an_announcement_that_comes_late_takes_nothing_back(executor: Any) -> None:
    """A queued that arrives after its running loses; the attempt goes on."""
    story = Story(executor)
    started = story.start(key="day")
    late = story.start(key="day", state="queued")
    assert (late.attempt_id, late.state, late.opened) == (started.attempt_id, "running", False)
    assert len(story.lost(started.execution_id)) == 1


def test_the_earliest_start_seen_counts(executor: Any) -> None:
    """The same start, reported with an earlier time, moves the beginning and nothing else."""
    story = Story(executor)
    ids = {"execution_id": uuid7(), "attempt_id": uuid7()}
    story.start(**ids, occurred_at=at(9))
    story.start(**ids, occurred_at=at(10), started_at=at(3))
    story.start(**ids, occurred_at=at(11))
    read = story.read(ids["execution_id"])
    assert (read.started_at, read.attempts[0].started_at) == (at(3), at(3))


def test_executions_stay_pinned_to_the_definition_they_started_with(migrated_url: str, executor: Any) -> None:
    """A new version of the job changes new executions, not old ones, nor their next attempts."""
    story = Story(executor)
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
        first = story.start(key="one")
        changed = {**FLIGHTS, "jobs": [{**FLIGHTS["jobs"][0], "num_of_retries": 5}]}
        store.catalog.apply(changed)
    second = story.start(key="two")
    story.finish(first.execution_id, "failed")
    again = story.start(key="one")
    assert (first.definition_version, second.definition_version, again.definition_version) == (1, 2, 1)
    reads = [story.read(found.execution_id) for found in (first, second)]
    assert [read.definition_version for read in reads] == [1, 2]
    assert reads[0].definition_hash != reads[1].definition_hash


def test_an_unknown_job_becomes_a_draft_only_when_asked(executor: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise it is not found; the draft is announced with a warning."""
    story = Story(executor, job="new/job")
    with pytest.raises(NotFoundError, match="new/job"):
        story.start(create_missing=False)
    with caplog.at_level(logging.WARNING, "etl_models.recorder"):
        story.start()
    assert "job new/job was not registered; a draft was made" in caplog.text
    caplog.clear()
    story.start()
    assert caplog.text == ""


def test_a_deleted_job_can_still_be_recorded(migrated_url: str, executor: Any) -> None:
    """What runs is recorded, whatever the catalog thinks of it; a strict caller is told."""
    story = Story(executor)
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
        store.catalog.jobs.delete(JOB)
    assert story.start().definition_version == 1
    with pytest.raises(NotFoundError):
        story.start(create_missing=False)


def test_the_pointer_to_the_newest_execution_only_goes_forward(migrated_url: str, executor: Any) -> None:
    """An execution that is recorded late but was created earlier is not the newest one."""
    story = Story(executor)
    newest = story.start(occurred_at=at(100))
    story.start(occurred_at=at(50))
    with Store(migrated_url) as store:
        assert store.catalog.jobs.get(JOB).latest_execution_id == newest.execution_id
    newer = story.start(occurred_at=at(200))
    with Store(migrated_url) as store:
        assert store.catalog.jobs.get(JOB).latest_execution_id == newer.execution_id


def test_relatives_are_linked_and_missing_ones_left_out(executor: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A child knows parent and root; a parent that was never recorded costs a warning, not the child."""
    story = Story(executor)
    root = story.start()
    child = story.start(parent_id=root.execution_id)
    grandchild = story.start(parent_id=child.execution_id, rerun_of_id=root.execution_id)
    orphan = story.start(parent_id=uuid7())
    reads = [story.read(found.execution_id) for found in (child, grandchild, orphan)]
    assert [read.parent_id for read in reads] == [root.execution_id, child.execution_id, None]
    assert [read.root_id for read in reads] == [root.execution_id, root.execution_id, None]
    assert reads[1].rerun_of_id == root.execution_id
    assert "was not recorded" in caplog.text


def test_the_id_of_an_execution_of_another_job_is_refused(executor: Any) -> None:
    """So is the id of one with another key: neither can be what the caller means."""
    started = Story(executor).start(key="a")
    with pytest.raises(ConflictError, match="another job"):
        Story(executor, job="flights/other").start(execution_id=started.execution_id)
    with pytest.raises(ConflictError, match="another key"):
        Story(executor).start(execution_id=started.execution_id, key="b")
    assert count(executor, Attempt) == 1


def test_the_same_key_in_two_jobs_is_two_executions(executor: Any) -> None:
    """A key is unique within its job; case, accents and width tell keys apart on every database."""
    keys = ["day", "Day", "däy", "ｄay", "𝓭ay", "d%y", "da_"]
    ids = {Story(executor, job=job).start(key=key).execution_id for key in keys for job in ("a/x", "a/y")}
    assert len(ids) == 2 * len(keys)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "x" * 256),
        ("key", " blank"),
        ("trigger", "x" * 51),
        ("parameters", {"x": float("nan")}),
        ("parameters", {"x": object()}),
        ("parameters", {"x": "y" * 300_000}),
        ("tags", {"a=b": "c"}),
        ("tags", {"a": "x" * 256}),
        ("tags", 5),
        ("state", "succeeded"),
        ("state", "begun"),
        ("occurred_at", at(0).replace(tzinfo=None)),
        ("nominal_time", at(0).replace(tzinfo=None)),
    ],
)
@pytest.mark.database("sqlite")
def test_what_cannot_be_stored_safely_is_refused(executor: Any, field: str, value: Any) -> None:
    """The operation says which field, and nothing is written."""
    with pytest.raises(InvalidInputError):
        Story(executor).start(**{field: value})
    assert count(executor, Execution) == 0


def test_attaching_gives_the_newest_attempt(executor: Any) -> None:
    """Another process finds where to record to; an unknown execution is not found."""
    story = Story(executor)
    first = story.start(key="day")
    story.finish(first.execution_id, "failed")
    second = story.start(key="day")
    attached = executor.read(attach_execution, first.execution_id)
    assert (attached.attempt_id, attached.attempt, attached.opened) == (second.attempt_id, 2, False)
    with pytest.raises(NotFoundError):
        executor.read(attach_execution, uuid7())


def test_executions_of_a_job_with_a_history_are_found_by_it(executor: Any) -> None:
    """The draft that recording made is a job like any other."""
    Story(executor).start()
    assert executor.read(get_job_id, JOB)
