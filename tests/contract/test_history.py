"""Lists and details of executions, on every database and through both faces."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from etl_models.database import AsyncDatabase, Database
from etl_models.db.bases import table_of
from etl_models.domain.clock import utcnow
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.models.execution import Attempt
from etl_models.store.history import AsyncHistory, History
from tests.support.executions import EPOCH, Component, Writer
from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.contract

JOB = "flights/load-flights"
DAY = timedelta(days=1)


@pytest.fixture
def write(migrated_url):
    """Runs a function with a Writer in one unit: ``write(lambda w: w.job())``."""
    with Database(migrated_url) as database:
        yield lambda story: database.run(lambda session: story(Writer(session)))


@pytest.fixture
def history(migrated_url, face, blocking):
    """History on a database at head behind each face, called without ``await``."""
    if face == "sync":
        with Database(migrated_url) as database:
            yield History(database)
    else:
        raw = AsyncDatabase(migrated_url)
        with blocking(raw):
            yield blocking(AsyncHistory(raw))


def days(page):
    return [(item.created_at - EPOCH) // DAY for item in page.items]


def ten_days(writer):
    job_id = writer.job()
    return [
        writer.execution(job_id, created_at=EPOCH + day * DAY, key=str((EPOCH + day * DAY).date())) for day in range(10)
    ]


def test_a_list_is_newest_first_and_complete_over_pages(write, history):
    """Following next_cursor meets every execution once, the newest first, and ends with None."""
    write(ten_days)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = history.list(limit=4, cursor=cursor)
        seen += days(page)
        cursor, pages = page.next_cursor, pages + 1
    assert seen == list(range(9, -1, -1))
    assert pages == 3


def test_pages_are_steady_among_executions_of_the_same_instant(write, history):
    """Executions created in one microsecond are told apart by their ids, also at the border of a page."""

    def story(writer):
        job_id = writer.job()
        return [writer.execution(job_id) for _ in range(5)]

    ids = write(story)
    first = history.list(limit=2)
    second = history.list(limit=2, cursor=first.next_cursor)
    third = history.list(limit=2, cursor=second.next_cursor)
    found = [item.id for page in (first, second, third) for item in page.items]
    assert found == sorted(ids, reverse=True)
    assert third.next_cursor is None


def test_new_executions_do_not_shift_the_following_page(write, history):
    """What is created after a page was read appears on no later page of it."""
    write(ten_days)
    first = history.list(limit=5)
    write(lambda writer: writer.execution(writer.job("flights/other"), created_at=EPOCH + 20 * DAY))
    assert days(history.list(limit=5, cursor=first.next_cursor)) == [4, 3, 2, 1, 0]


def test_a_summary_has_everything_but_the_nested_lists(write, history):
    """Newest sample of each metric, tags without value as None, the newest attempt's error and worker, the duration."""

    def story(writer):
        return writer.execution(
            writer.job(),
            state=ExecutionState.FAILED,
            seconds=90.25,
            key="2013-01-01",
            tags={"team": "ops", "urgent": ""},
            metrics={"rows": [1, 842], "share": [0.25], "odd": [float("nan")], "huge": [float("-inf")]},
            error=("ValueError", "too many rejected"),
            attempts=2,
        )

    execution_id = write(story)
    (item,) = history.list().items
    assert item.to_json() == {
        "id": str(execution_id),
        "namespace": "flights",
        "job": "load-flights",
        "key": "2013-01-01",
        "state": "failed",
        "reason": None,
        "parameters": {"day": "2013-01-01"},
        "tags": {"team": "ops", "urgent": None},
        "definition_version": 1,
        "definition_hash": "sha256:1",
        "attempt_count": 2,
        "trigger": None,
        "nominal_time": None,
        "parent_id": None,
        "root_id": None,
        "rerun_of_id": None,
        "metrics": {"huge": "-inf", "odd": "nan", "rows": 842, "share": 0.25},
        "created_at": "2013-01-01T06:00:00.000000Z",
        "started_at": "2013-01-01T06:00:00.000000Z",
        "ended_at": "2013-01-01T06:01:30.250000Z",
        "duration_seconds": 90.25,
        "error": {"type": "ValueError", "message": "too many rejected", "traceback": None},
        "worker": {"host": "worker-1", "pid": 42},
    }


def test_a_whole_sample_is_written_as_an_integer(write, history):
    """842 is 842 and not 842.0 in JSON; what a float cannot hold exactly stays a float."""
    write(lambda w: w.execution(w.job(), metrics={"rows": [842.0], "zero": [0.0], "big": [1e300], "half": [0.5]}))
    (item,) = history.list().items
    assert json.dumps(item.to_json()["metrics"]) == '{"big": 1e+300, "half": 0.5, "rows": 842, "zero": 0}'


def test_lists_are_filtered_by_job_key_and_state(write, history):
    """Each filter narrows, together they all hold; a state may be given as text."""

    def story(writer):
        one, other = writer.job(), writer.job("flights/other")
        writer.execution(one, key="a")
        writer.execution(one, key="b", state=ExecutionState.FAILED, created_at=EPOCH + DAY)
        writer.execution(other, key="b", state=ExecutionState.FAILED, created_at=EPOCH + 2 * DAY)

    write(story)
    assert days(history.list(job=JOB)) == [1, 0]
    assert days(history.list(job="load-flights", namespace="flights")) == [1, 0]
    assert days(history.list(states=["failed"])) == [2, 1]
    assert days(history.list(states=[ExecutionState.FAILED, "succeeded"], job=JOB)) == [1, 0]
    assert days(history.list(key="b")) == [2, 1]
    assert days(history.list(key="b", job=JOB, states=["succeeded"])) == []
    assert days(history.list(namespace="flights")) == [2, 1, 0]
    assert days(history.list(namespace="default")) == []


def test_one_state_needs_no_list(write, history):
    """A lone state, as text or as a member, means that state and not its letters."""
    write(lambda w: w.execution(w.job(), state="failed"))
    for lone in ("failed", ExecutionState.FAILED):
        assert [item.state for item in history.list(states=lone).items] == [ExecutionState.FAILED]


def test_the_window_is_about_when_an_execution_ran(write, history):
    """``since`` is included, ``until`` is not; one that has not started counts by its creation."""

    def story(writer):
        job_id = writer.job()
        for day in range(3):
            writer.execution(job_id, created_at=EPOCH + day * DAY)
        writer.execution(job_id, created_at=EPOCH + 3 * DAY, started=False, state=ExecutionState.QUEUED)

    write(story)
    assert days(history.list(since=EPOCH + DAY)) == [3, 2, 1]
    assert days(history.list(until=EPOCH + DAY)) == [0]
    assert days(history.list(since=EPOCH + DAY, until=EPOCH + 3 * DAY)) == [2, 1]
    assert days(history.list(since="2013-01-03", until="2013-01-04T00:00:00+02:00")) == [2]


def test_a_retry_is_found_when_it_ran(write, history):
    """An execution is in the window when any of its attempts began there, however old the first one is."""
    attempt = table_of(Attempt)

    def story(writer):
        job_id = writer.job()
        again = writer.execution(job_id, created_at=EPOCH, attempts=2)
        second = sa.and_(attempt.c.execution_id == again, attempt.c.number == 2)
        writer.session.execute(sa.update(attempt).where(second).values(started_at=EPOCH + 10 * DAY))
        writer.execution(job_id, created_at=EPOCH + 5 * DAY)

    write(story)
    assert days(history.list(since=EPOCH + 9 * DAY)) == [0]
    assert days(history.list(since=EPOCH + 5 * DAY)) == [5, 0]
    assert days(history.list(since=EPOCH + 6 * DAY, until=EPOCH + 9 * DAY)) == []
    assert days(history.list(until=EPOCH + DAY)) == [0]


def test_relative_times_keep_their_cursor(write, history):
    """``since="24h"`` is another instant a moment later, but the same question: its cursor goes on working."""

    def story(writer):
        job_id = writer.job()
        for minutes in (1, 2, 3, 3000):
            writer.execution(job_id, created_at=utcnow() - timedelta(minutes=minutes), seconds=1)

    write(story)
    first = history.list(since="24h", limit=2)
    assert len(history.list(since="24h", limit=2, cursor=first.next_cursor)) == 1


def test_tags_match_those_of_the_execution_and_of_its_job(write, history):
    """A key with a value, a key with any value (None), a key without value (""); several must all match."""

    def story(writer):
        tagged = writer.job(tags={"team": "ops", "daily": ""})
        plain = writer.job("flights/plain")
        writer.execution(tagged)
        writer.execution(plain, created_at=EPOCH + DAY, tags={"team": "ops"})
        writer.execution(plain, created_at=EPOCH + 2 * DAY, tags={"team": "dev", "urgent": ""})
        writer.execution(plain, created_at=EPOCH + 3 * DAY)

    write(story)
    assert days(history.list(tags={"team": "ops"})) == [1, 0]
    assert days(history.list(tags={"team": None})) == [2, 1, 0]
    assert days(history.list(tags={"urgent": ""})) == [2]
    assert days(history.list(tags={"daily": ""})) == [0]
    assert days(history.list(tags={"team": ""})) == []
    assert days(history.list(tags={"team": "dev", "urgent": None})) == [2]
    assert days(history.list(tags={"team": "ops", "urgent": None})) == []


def test_an_unknown_job_is_an_error_with_a_suggestion(write, history):
    """A misspelt job is no empty list; the nearest name is offered, and the namespace when only that is wrong."""
    write(lambda writer: writer.job())
    with pytest.raises(NotFoundError, match="no job 'flights/laod-flights'; did you mean 'flights/load-flights'"):
        history.list(job="flights/laod-flights")
    with pytest.raises(NotFoundError, match="did you mean 'flights/load-flights'"):
        history.list(job="load-flights")


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"states": ["faild"]}, "did you mean 'failed'"),
        ({"since": "yesteryear"}, "since 'yesteryear' is not a time"),
        ({"since": datetime(2013, 1, 1)}, "has no time zone"),  # noqa: DTZ001
        ({"since": "2013-01-02", "until": "2013-01-01"}, "the window is empty"),
        ({"limit": 0}, "limit must be"),
        ({"limit": 1001}, "limit must be"),
        ({"cursor": "???"}, "cursor is damaged"),
        ({"cursor": "e30"}, "cursor is damaged"),
        ({"key": "a\x00b"}, "NUL"),
        ({"tags": {"a\ud800": None}}, "surrogate"),
        ({"tags": {"a": "\x00"}}, "NUL"),
        ({"job": "a/b/c"}, "must not hold '/'"),
        ({"namespace": ""}, "must not be empty"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(history, filters, words):
    """The message names what is wrong, before any database could stumble over it."""
    with pytest.raises(InvalidInputError, match=words):
        history.list(**filters)


def test_a_cursor_belongs_to_its_query(write, history):
    """A cursor of one query is refused by another instead of giving a wrong page."""
    write(ten_days)
    cursor = history.list(limit=3).next_cursor
    with pytest.raises(InvalidInputError, match="another order"):
        history.list(limit=3, cursor=cursor, states=["failed"])
    assert len(history.list(limit=5, cursor=cursor)) == 5


def failed_day(writer):
    return writer.execution(
        writer.job(),
        state=ExecutionState.FAILED,
        attempts=2,
        error=("CheckFailed", "reject share 0.31"),
        metrics={"seconds": [1.5]},
        components=[
            Component("extract", metrics={"rows": [10, 842]}, reads=["file/data/flights.csv"], writes=["mem/raw"]),
            Component("validate", ComponentState.FAILED, ("CheckFailed", "reject share 0.31"), reads=["mem/raw"]),
            Component("load", ComponentState.UPSTREAM_FAILED),
        ],
    )


def test_one_execution_is_told_completely(write, history):
    """Attempts, components with metrics and errors, what was read and written, transitions: all of it, in order."""
    found = history.get(write(failed_day))
    assert "reject share" in found.error.traceback
    assert [(a.number, a.state, a.error and a.error.type) for a in found.attempts] == [
        (1, "failed", "E"),
        (2, "failed", "CheckFailed"),
    ]
    assert [(c.name, c.attempt, c.state, c.metrics) for c in found.components] == [
        ("extract", 2, "succeeded", {"rows": 842}),
        ("validate", 2, "failed", {}),
        ("load", 2, "upstream_failed", {}),
    ]
    assert found.components[1].error.message == "reject share 0.31"
    assert found.metrics == {"seconds": 1.5}
    assert [(d.namespace, d.name, d.attempt, d.component) for d in found.inputs] == [
        ("file", "data/flights.csv", 2, "extract"),
        ("mem", "raw", 2, "validate"),
    ]
    assert [(d.namespace, d.name, d.attempt, d.component) for d in found.outputs] == [("mem", "raw", 2, "extract")]
    assert [(t.attempt, t.to_state, t.applied, t.actor) for t in found.transitions] == [(2, "failed", True, "tester")]
    summary = history.list().items[0].to_json()
    assert set(summary) < set(found.to_json())


def test_an_execution_is_found_by_part_of_its_id(write, history):
    """A whole id in any spelling, a beginning or an end; one that several share is no answer."""
    first = uuid.UUID("01900000-0000-7000-8000-00000000aaaa")
    second = uuid.UUID("01900000-0000-7000-8000-00000000bbbb")

    def story(writer):
        job_id = writer.job()
        writer.execution(job_id, id=first)
        writer.execution(job_id, id=second)

    write(story)
    for text in (str(first), first.hex, str(first).upper(), "aaaa", "0000aaaa", "8000-00000000aaaa", first):
        assert history.get(text).id == first
    with pytest.raises(NotFoundError, match="several executions"):
        history.get("01900000")
    with pytest.raises(NotFoundError, match="no execution has an id like 'cccc'"):
        history.get("cccc")
    with pytest.raises(NotFoundError, match="there is no execution"):
        history.get(uuid.UUID(int=7))
    for text in ("", "abc", "xyz1", "%%%%", "____", "-" * 40):
        with pytest.raises(NotFoundError, match="there is no execution"):
            history.get(text)


def test_an_execution_is_found_by_its_key_or_as_the_latest(write, history):
    """The idempotency key finds one execution of a job; the latest is the newest by creation."""
    ids = write(ten_days)
    assert history.get_by_key(JOB, "2013-01-03").id == ids[2]
    assert history.get_latest(JOB).id == ids[9]
    with pytest.raises(NotFoundError, match="no execution with the key '2014-01-01'"):
        history.get_by_key(JOB, "2014-01-01")
    write(lambda writer: writer.job("flights/idle"))
    with pytest.raises(NotFoundError, match="has not been executed yet"):
        history.get_latest("flights/idle")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.database("sqlite")
def test_hostile_filters_find_nothing_or_are_refused(migrated_url, text):
    """Whatever a filter holds, the answer is an empty page or an error of ours."""
    with Database(migrated_url) as database:
        history = History(database)
        for filters in ({"job": text}, {"key": text}, {"namespace": text}, {"tags": {text: text}}, {"since": text}):
            try:
                assert history.list(**filters).items == ()
            except (InvalidInputError, NotFoundError):
                continue
        with pytest.raises((InvalidInputError, NotFoundError)):
            history.get(text)


def test_created_in_utc_read_in_utc(write, history):
    """Times come back aware and in UTC, to the microsecond."""
    moment = datetime(2013, 2, 8, 23, 59, 59, 123456, tzinfo=UTC)
    write(lambda writer: writer.execution(writer.job(), created_at=moment))
    (item,) = history.list().items
    assert item.created_at == moment
    assert item.created_at.utcoffset() == timedelta(0)
