"""Time zones and their spans of constant offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl_models.domain.zones import load_zone, offset_spans
from etl_models.errors import InvalidInputError


def test_a_zone_without_summer_time_is_one_span():
    """However long the time: one offset."""
    spans = offset_spans(load_zone("Asia/Tokyo"), datetime(2000, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    assert spans == [(None, 9 * 3600)]


def test_summer_time_begins_and_ends_to_the_second():
    """The spans of a year meet exactly where the clocks are changed."""
    zone = load_zone("Europe/Zurich")
    spans = offset_spans(zone, datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 12, 31, tzinfo=UTC))
    assert spans == [
        (datetime(2013, 3, 31, 1, tzinfo=UTC), 3600),
        (datetime(2013, 10, 27, 1, tzinfo=UTC), 7200),
        (None, 3600),
    ]


@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/London"])
def test_every_instant_has_the_offset_of_its_span(name):
    """Checked hour by hour over two years."""
    zone = load_zone(name)
    first = datetime(2012, 6, 1, tzinfo=UTC)
    last = first + timedelta(days=730)
    spans = offset_spans(zone, first, last)
    moment = first
    while moment <= last:
        seconds = next(span.seconds for span in spans if span.until is None or moment < span.until)
        assert timedelta(seconds=seconds) == moment.astimezone(zone).utcoffset()
        moment += timedelta(hours=1)


def test_one_instant_is_one_span():
    """First and last may be the same."""
    moment = datetime(2013, 7, 1, tzinfo=UTC)
    assert offset_spans(load_zone("Europe/Zurich"), moment, moment) == [(None, 7200)]


def test_too_many_years_are_refused():
    """Four thousand years of summer times are no query."""
    with pytest.raises(InvalidInputError, match="too many years"):
        offset_spans(load_zone("Europe/Zurich"), datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
