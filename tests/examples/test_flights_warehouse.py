"""The warehouse of the flights example: a day is replaced as a whole, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from rules import Rule, Verdict, apply_rules
from source import Source
from steps import enrich
from warehouse import Warehouse

DAY = "2013-01-01"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "warehouse.db"


@pytest.fixture
def warehouse(path: Path) -> Iterator[Warehouse]:
    with Warehouse(path, busy_seconds=0.05) as opened:
        yield opened


@pytest.fixture
def verdict(year: Source, rules: tuple[Rule, ...]) -> Verdict:
    """The verdict on the 842 flights of New Year's Day, 11 of them rejected."""
    return apply_rules(year.flights(DAY), rules)


@pytest.fixture
def flights(year: Source, verdict: Verdict) -> pd.DataFrame:
    return enrich(verdict.accepted, year.weather(DAY), year.references)


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_a_day_loaded_twice_is_there_once(warehouse: Warehouse, path: Path, flights: pd.DataFrame) -> None:
    """Loading again replaces the day: same count, same rows."""
    assert warehouse.replace_flights(DAY, flights) == 831
    before = rows(path, "SELECT * FROM flight")
    assert warehouse.replace_flights(DAY, flights) == 831
    assert rows(path, "SELECT * FROM flight") == before


def test_other_days_are_left_alone(
    warehouse: Warehouse, year: Source, rules: tuple[Rule, ...], flights: pd.DataFrame
) -> None:
    """Replacing one day touches no row of another."""
    next_day = apply_rules(year.flights("2013-01-02"), rules).accepted
    loaded = warehouse.replace_flights("2013-01-02", enrich(next_day, year.weather("2013-01-02"), year.references))
    warehouse.replace_flights(DAY, flights)
    warehouse.replace_flights(DAY, flights.head(3))
    assert warehouse.count("flight", DAY) == 3
    assert warehouse.count("flight", "2013-01-02") == loaded
    assert warehouse.count("flight") == loaded + 3


def test_a_load_that_fails_halfway_changes_nothing(warehouse: Warehouse, flights: pd.DataFrame) -> None:
    """The old rows of the day are still there when the new ones cannot be written."""
    warehouse.replace_flights(DAY, flights)
    doubled = pd.concat([flights.head(5), flights.head(1)])
    with pytest.raises(sqlite3.IntegrityError):
        warehouse.replace_flights(DAY, doubled)
    assert warehouse.count("flight", DAY) == 831
    assert warehouse.replace_flights(DAY, flights.head(5)) == 5


def test_a_busy_warehouse_is_an_operational_error(warehouse: Warehouse, path: Path, flights: pd.DataFrame) -> None:
    """While another process writes, a load waits, gives up, and has changed nothing."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        warehouse.replace_flights(DAY, flights)
    other.execute("ROLLBACK")
    other.close()
    assert warehouse.replace_flights(DAY, flights) == 831


def test_rejected_flights_are_kept_with_their_rules(warehouse: Warehouse, path: Path, verdict: Verdict) -> None:
    """Every rejected row says which rules it broke; values missing in the source are NULL."""
    assert warehouse.replace_rejected(DAY, verdict.rejected) == 11
    statement = "SELECT rules, count(*) FROM rejected_flight GROUP BY rules"
    stored = {str(names): int(str(count)) for names, count in rows(path, statement)}
    assert sum(stored.values()) == 11
    assert stored["air_time_missing"] == 6
    assert rows(path, "SELECT count(*) FROM rejected_flight WHERE dep_time IS NULL") == [(4,)]


def test_the_summary_adds_up(warehouse: Warehouse, path: Path, flights: pd.DataFrame) -> None:
    """The groups of a day sum to its flights, and recomputing them changes nothing."""
    warehouse.replace_flights(DAY, flights)
    groups = warehouse.summarise(DAY)
    assert warehouse.summarise(DAY) == groups == warehouse.count("daily_summary")
    assert rows(path, "SELECT sum(flights), min(late_share) >= 0, max(late_share) <= 1 FROM daily_summary") == [
        (831, 1, 1)
    ]


def test_whole_numbers_and_texts_are_stored_as_such(warehouse: Warehouse, path: Path, flights: pd.DataFrame) -> None:
    """Pandas keeps a column with gaps as floats; the warehouse has 517, not 517.0."""
    warehouse.replace_flights(DAY, flights)
    found = rows(path, "SELECT dep_time, seats, tailnum, airline, temp FROM flight WHERE tailnum = 'N14228'")
    assert [repr(value) for value in found[0]] == ["517", "149", "'N14228'", "'United Air Lines Inc.'", "39.02"]
