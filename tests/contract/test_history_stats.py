"""Statistics of executions: the same numbers on every database and through both faces."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from etl_models.database import AsyncDatabase, Database
from etl_models.domain.states import ExecutionState
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.store.history import AsyncHistory, History
from tests.support.executions import EPOCH, Writer

pytestmark = pytest.mark.contract

DAY = timedelta(days=1)


@pytest.fixture
def write(migrated_url):
    """Runs a function with a Writer in one unit."""
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


def test_counts_rates_and_durations_of_a_job(write, history):
    """Each state is counted; cancelled and skipped ones do not touch the rate; percentiles were really measured."""

    def story(writer):
        job_id = writer.job()
        for number in range(1, 21):
            writer.execution(job_id, created_at=EPOCH + number * DAY, seconds=number + 0.000001)
        writer.execution(job_id, state=ExecutionState.FAILED, seconds=500)
        writer.execution(job_id, state=ExecutionState.CANCELLED, seconds=None)
        writer.execution(job_id, state=ExecutionState.SKIPPED, started=False)
        writer.execution(writer.job("flights/idle-soon"), state=ExecutionState.RUNNING, seconds=None)

    write(story)
    rows = [row.to_json() for row in history.stats()]
    assert rows == [
        {
            "group": {"job": "flights/idle-soon"},
            "total": 1,
            "states": {"running": 1},
            "success_rate": None,
            "duration_p50": None,
            "duration_p95": None,
            "duration_max": None,
            "first_at": "2013-01-01T06:00:00.000000Z",
            "last_at": "2013-01-01T06:00:00.000000Z",
        },
        {
            "group": {"job": "flights/load-flights"},
            "total": 23,
            "states": {"succeeded": 20, "failed": 1, "cancelled": 1, "skipped": 1},
            "success_rate": 20 / 21,
            "duration_p50": 11.000001,
            "duration_p95": 20.000001,
            "duration_max": 500.0,
            "first_at": "2013-01-01T06:00:00.000000Z",
            "last_at": "2013-01-21T06:00:00.000000Z",
        },
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 100])
@pytest.mark.database("sqlite")
def test_percentiles_are_nearest_ranks(migrated_url, count):
    """Of n durations percentile p is the one at place ceil(n * p / 100)."""
    with Database(migrated_url) as database:

        def story(session):
            writer = Writer(session)
            job_id = writer.job()
            for number in range(count, 0, -1):
                writer.execution(job_id, seconds=number)

        database.run(story)
        (row,) = History(database).stats()
    assert row.duration_p50 == math.ceil(count * 0.5)
    assert row.duration_p95 == math.ceil(count * 0.95)
    assert row.duration_max == count


def test_days_weeks_and_months_are_utc_unless_told(write, history):
    """An execution shortly before midnight belongs to another day, week and month further west."""

    def story(writer):
        job_id = writer.job()
        for moment in (
            datetime(2012, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2013, 1, 1, 2, tzinfo=UTC),
            datetime(2013, 7, 1, 3, 30, tzinfo=UTC),
        ):
            writer.execution(job_id, created_at=moment)

    write(story)

    def groups(**options):
        return {next(iter(row.group.values())): row.total for row in history.stats(**options)}

    assert groups(by="day") == {"2012-12-31": 1, "2013-01-01": 1, "2013-07-01": 1}
    assert groups(by="day", tz="America/New_York") == {"2012-12-31": 2, "2013-06-30": 1}
    assert groups(by="day", tz="Asia/Tokyo") == {"2013-01-01": 2, "2013-07-01": 1}
    assert groups(by="week") == {"2013-W01": 2, "2013-W27": 1}
    assert groups(by="week", tz="America/New_York") == {"2013-W01": 2, "2013-W26": 1}
    assert groups(by="month") == {"2012-12": 1, "2013-01": 1, "2013-07": 1}
    assert groups(by="month", tz="America/New_York") == {"2012-12": 2, "2013-06": 1}


def test_summer_time_moves_the_border_of_a_day(write, history):
    """The same UTC hour is before midnight in winter and after it in summer, also within one query."""

    def story(writer):
        job_id = writer.job()
        for moment in (
            datetime(2013, 3, 9, 4, 30, tzinfo=UTC),  # 23:30 of the day before, in winter time
            datetime(2013, 3, 10, 6, 59, 59, tzinfo=UTC),  # the last second of winter time
            datetime(2013, 3, 11, 4, 30, tzinfo=UTC),  # 00:30 of the same day, in summer time
        ):
            writer.execution(job_id, created_at=moment)

    write(story)
    found = [row.group["day"] for row in history.stats(by="day", tz="America/New_York")]
    assert found == ["2013-03-08", "2013-03-10", "2013-03-11"]


def test_groups_combine_and_tags_group_by_their_value(write, history):
    """The execution's own value wins over its job's; those without the tag are the group None, at the end."""

    def story(writer):
        tagged, plain = writer.job(tags={"team": "ops"}), writer.job("flights/plain")
        writer.execution(tagged)
        writer.execution(tagged, tags={"team": "dev"}, state=ExecutionState.FAILED)
        writer.execution(plain, tags={"team": ""})
        writer.execution(plain)

    write(story)
    rows = history.stats(by=["tag:team", "state"])
    assert [(row.group, row.total) for row in rows] == [
        ({"tag:team": "", "state": "succeeded"}, 1),
        ({"tag:team": "dev", "state": "failed"}, 1),
        ({"tag:team": "ops", "state": "succeeded"}, 1),
        ({"tag:team": None, "state": "succeeded"}, 1),
    ]


def test_nominal_times_group_what_was_loaded_later(write, history):
    """A year loaded in one night is one day by when it ran and many by what it was about."""

    def story(writer):
        job_id = writer.job()
        for day in range(3):
            writer.execution(job_id, nominal_time=datetime(2013, 2, 7, tzinfo=UTC) + day * DAY)
        writer.execution(job_id)

    write(story)
    assert [row.group for row in history.stats(by="day")] == [{"day": "2013-01-01"}]
    assert [row.group["nominal_day"] for row in history.stats(by="nominal_day")] == [
        "2013-02-07",
        "2013-02-08",
        "2013-02-09",
        None,
    ]


def test_statistics_take_the_filters_of_lists(write, history):
    """Job, states, window, tags and key narrow what is counted."""

    def story(writer):
        one, other = writer.job(), writer.job("flights/other")
        for day in range(4):
            writer.execution(one, created_at=EPOCH + day * DAY, key=f"k{day}", tags={"n": str(day)})
        writer.execution(other, state=ExecutionState.FAILED)

    write(story)

    def total(**filters):
        return sum(row.total for row in history.stats(by="namespace", **filters))

    assert total() == 5
    assert total(job="flights/load-flights") == 4
    assert total(states=["failed"]) == 1
    assert total(since=EPOCH + DAY, until=EPOCH + 3 * DAY) == 2
    assert total(tags={"n": "2"}) == 1
    assert total(key="k0") == 1
    assert total(key="nothing") == 0
    with pytest.raises(NotFoundError):
        total(job="flights/none")


@pytest.mark.parametrize("by", ["", "dya", "tag:", [], ["day", "day"], ["day", "job", "state", "month"], "tag:\x00"])
def test_what_cannot_be_grouped_by_is_refused(history, by):
    """An unknown word, a tag without key, nothing, too much or twice the same."""
    with pytest.raises(InvalidInputError):
        history.stats(by=by)


@pytest.mark.parametrize("tz", ["", "Mars/Olympus", "../../etc/passwd", "\x00", "UTC\n", "America", "a" * 5000])
def test_an_unknown_zone_is_refused(history, tz):
    """Hostile and misspelt names of zones are errors that say what to write."""
    with pytest.raises(InvalidInputError, match="is not a time zone"):
        history.stats(by="day", tz=tz)
