"""Times, durations, widths: what people read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etl_models_cli import times
from etl_models_cli.screen import Column, cell_width, fit, shorten

NOW = datetime(2013, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=7), "2013-06-24 12:00 UTC"),
        (timedelta(hours=-2), "in 2 h"),
        (timedelta(days=-8), "2013-07-09 12:00 UTC"),
    ],
)
def test_recent_times_are_relative(ago, words):
    """Less than a week away in words, else the date."""
    assert times.moment(NOW - ago, NOW, None) == words


def test_a_zone_makes_times_absolute():
    """With the abbreviation that says which offset it was."""
    assert times.moment(NOW, NOW, ZoneInfo("America/New_York")) == "2013-07-01 08:00 EDT"
    assert times.exact(NOW, ZoneInfo("Europe/Zurich")) == "2013-07-01 14:00:00 CEST"
    assert times.exact(NOW, None) == "2013-07-01 12:00:00 UTC"
    assert times.moment(None, NOW, None) == times.exact(None, None) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.0421, "42 ms"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 01 s"),
        (3723, "1 h 02 min"),
        (90061, "1 d 1 h"),
        (-5, "-5.0 s"),
    ],
)
def test_durations_have_two_units(seconds, words):
    """The two that matter."""
    assert times.duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("😀", 2), ("", 0), ("a\u200db", 2)]
)
def test_widths_are_those_of_a_terminal(text, width):
    """Wide characters take two columns, combining ones none."""
    assert cell_width(text) == width


@pytest.mark.parametrize("width", range(1, 12))
@pytest.mark.parametrize("text", ["abcdefghij", "日本語日本語", "a日b本c語", "e\u0301" * 12])
def test_cutting_never_exceeds_the_width(text, width):
    """A cut is marked, and never wider than asked for."""
    cut = shorten(text, width)
    assert cell_width(cut) <= width
    assert cut == text or cut.endswith("…")


def column(rank, *, flexible=False):
    return Column("T", lambda item, _: "", rank=rank, flexible=flexible)


def test_short_room_takes_from_the_widest_and_then_the_least_important():
    """Flexible columns shrink first; then those of the highest rank go; those of rank 0 stay."""
    columns = [column(0), column(2, flexible=True), column(1, flexible=True), column(3)]
    natural, shown = [5, 30, 20, 10], [0, 1, 2, 3]
    assert fit(columns, natural, shown, None) == {0: 5, 1: 30, 2: 20, 3: 10}
    assert fit(columns, natural, shown, 61) == {0: 5, 1: 20, 2: 20, 3: 10}
    assert fit(columns, natural, shown, 37) == {0: 5, 1: 8, 2: 8, 3: 10}
    assert set(fit(columns, natural, shown, 36)) == {0, 1, 2}
    assert set(fit(columns, natural, shown, 15)) == {0, 2}
    assert fit(columns, natural, shown, 4) == {0: 4}
