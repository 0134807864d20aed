"""Times as people write them."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.clock import as_utc, isoformat, parse_when
from etl_models.errors import InvalidInputError

NOW = datetime(2013, 2, 9, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("today", datetime(2013, 2, 9, tzinfo=UTC)),
        ("24h", NOW - timedelta(hours=24)),
        ("-24h", NOW - timedelta(hours=24)),
        ("1.5d", NOW - timedelta(hours=36)),
        ("2w", NOW - timedelta(weeks=2)),
        ("90s", NOW - timedelta(seconds=90)),
        ("2013-02-01", datetime(2013, 2, 1, tzinfo=UTC)),
        ("2013-02-01T06:00:00Z", datetime(2013, 2, 1, 6, tzinfo=UTC)),
        ("2013-02-01T06:00:00+05:00", datetime(2013, 2, 1, 1, tzinfo=UTC)),
        ("2013-02-01 06:00", datetime(2013, 2, 1, 6, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_write_them(text: str, expected: datetime) -> None:
    """Ago, dates and ISO times all become an aware instant in UTC."""
    assert parse_when(text, now=NOW) == expected
    assert parse_when(text, now=NOW).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "yesterday-ish", "24", "h", "99999999d", "2013-02-30", "\x1b[1m", "٣h", "1e9d"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    """The message shows how to write a time, and never the raw control characters."""
    with pytest.raises(InvalidInputError, match="write 24h, 7d") as caught:
        parse_when(text, now=NOW, field="--since")
    assert "\x1b" not in str(caught.value)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text gives an aware time or InvalidInputError."""
    with contextlib.suppress(InvalidInputError):
        assert parse_when(text, now=NOW).tzinfo is not None


def test_a_naive_time_is_never_guessed() -> None:
    """A datetime without a zone is refused; one with any zone becomes UTC."""
    with pytest.raises(InvalidInputError, match="time zone"):
        as_utc(datetime(2013, 1, 1), "since")  # noqa: DTZ001
    east = datetime(2013, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))
    assert isoformat(as_utc(east, "since")) == "2013-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("value", [timedelta(days=1), date(2013, 1, 1), 24])
def test_what_is_no_datetime_is_refused_not_stumbled_over(value: Any) -> None:
    """A duration, a date or a number is invalid input, with examples of what to write."""
    with pytest.raises(InvalidInputError, match=r"since must be a datetime or text, not .*write 24h"):
        as_utc(value, "since")
