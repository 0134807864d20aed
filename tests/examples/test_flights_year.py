"""The whole year through the rules: the numbers that the documentation and the demo promise."""

from __future__ import annotations

from collections import Counter

import pytest

from definition import Definition
from rules import RejectShareError, Rule, Verdict, apply_rules
from source import Source


@pytest.fixture(scope="module")
def verdicts(year: Source, rules: tuple[Rule, ...]) -> dict[str, Verdict]:
    """The verdict on each day (about three seconds for all)."""
    return {day: apply_rules(year.flights(day), rules) for day in year.days}


def test_the_year_has_365_days_and_336776_flights(verdicts: dict[str, Verdict]) -> None:
    """Nothing is lost between the package and the verdicts."""
    assert len(verdicts) == 365
    assert (min(verdicts), max(verdicts)) == ("2013-01-01", "2013-12-31")
    assert sum(verdict.total for verdict in verdicts.values()) == 336_776


def test_9437_flights_are_rejected(verdicts: dict[str, Verdict]) -> None:
    """Most of them never left."""
    assert sum(len(verdict.rejected) for verdict in verdicts.values()) == 9_437
    first = Counter[str]()
    for verdict in verdicts.values():
        first.update(verdict.rejected_by_first_rule)
    assert first == {
        "dep_time_missing": 8_255, "air_time_missing": 717, "arr_time_missing": 458, "arr_delay_above_900": 7,
    }  # fmt: skip


def test_every_rule_finds_what_the_year_has(verdicts: dict[str, Verdict]) -> None:
    """Counts of single rules, computed from the source by other means."""
    found = Counter[str]()
    for verdict in verdicts.values():
        found.update(verdict.broken_by_rule)
    assert found == {
        "dep_time_missing": 8_255, "arr_time_missing": 8_713, "air_time_missing": 9_430, "tailnum_missing": 2_512,
        "arr_delay_above_900": 7, "tailnum_not_in_planes": 50_094, "dest_not_in_airports": 7_602, "dep_time_2400": 29,
        "dep_delay_out_of_range": 43, "tailnum_format_odd": 4,
    }  # fmt: skip


def test_exactly_five_days_fail(verdicts: dict[str, Verdict], definition: Definition) -> None:
    """Two of them are the snowstorm of February."""
    failed = []
    for day, verdict in verdicts.items():
        try:
            verdict.require_share(day, definition.max_reject_share)
        except RejectShareError as error:
            failed.append((day, error.rejected, error.total))
    assert failed == [
        ("2013-02-08", 475, 930),
        ("2013-02-09", 393, 684),
        ("2013-05-23", 232, 988),
        ("2013-09-12", 227, 992),
        ("2013-12-10", 204, 943),
    ]
