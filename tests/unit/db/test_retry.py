"""The retry table and the attempts that follow it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models.db import retry
from etl_models.db.dialects import DIALECTS
from etl_models.db.retry import BACKOFF, TABLE, Backoff, Retrying, Verdict, classify

SQLITE, POSTGRESQL, MYSQL = DIALECTS


class DriverError(Exception):
    """What drivers raise, as far as it is looked at."""

    def __init__(self, *args: Any, sqlstate: Any = None, code: Any = None) -> None:
        super().__init__(*args)
        if sqlstate:
            self.sqlstate = sqlstate
        if code is not None:
            self.sqlite_errorcode = code


def wrapped(error: BaseException, kind: Any = sa.exc.OperationalError, *, invalidated: Any = False) -> Any:
    return kind("SELECT 1", {}, error, connection_invalidated=invalidated)


@pytest.mark.parametrize(
    ("dialect", "error", "verdict"),
    [
        (POSTGRESQL, DriverError(sqlstate="40001"), Verdict.RETRY),
        (POSTGRESQL, DriverError(sqlstate="25006"), Verdict.RECONNECT),
        (POSTGRESQL, DriverError(sqlstate="08006"), Verdict.RECONNECT),
        (POSTGRESQL, DriverError(sqlstate="08P01"), Verdict.REFUSED),
        (POSTGRESQL, DriverError(sqlstate="53300"), Verdict.BACK_OFF),
        (POSTGRESQL, DriverError(sqlstate="28P01"), Verdict.REFUSED),
        (POSTGRESQL, DriverError(sqlstate="42P01"), Verdict.PERMANENT),
        (POSTGRESQL, DriverError(sqlstate="22P05"), Verdict.POISON),
        (POSTGRESQL, DriverError(sqlstate="23505"), Verdict.DUPLICATE),
        (POSTGRESQL, DriverError(sqlstate="23503"), Verdict.PERMANENT),
        (MYSQL, DriverError(1213, "Deadlock"), Verdict.RETRY),
        (MYSQL, DriverError(1205, "Lock wait"), Verdict.RETRY),
        (MYSQL, DriverError(2013, "Lost"), Verdict.RECONNECT),
        (MYSQL, DriverError(1047, "WSREP"), Verdict.RECONNECT),
        (MYSQL, DriverError(1040, "Too many"), Verdict.BACK_OFF),
        (MYSQL, DriverError(1045, "Denied"), Verdict.REFUSED),
        (MYSQL, DriverError(4025, "CHECK"), Verdict.POISON),
        (MYSQL, DriverError(1062, "Duplicate"), Verdict.DUPLICATE),
        (SQLITE, DriverError(code=5), Verdict.RETRY),
        (SQLITE, DriverError(code=517), Verdict.RETRY),
        (SQLITE, DriverError(code=14), Verdict.RECONNECT),
        (SQLITE, DriverError(code=13), Verdict.BACK_OFF),
        (SQLITE, DriverError(code=26), Verdict.REFUSED),
        (SQLITE, DriverError(code=2067), Verdict.DUPLICATE),
        (SQLITE, DriverError(code=275), Verdict.POISON),
    ],
)
def test_a_code_decides(dialect: Any, error: BaseException, verdict: Any) -> None:
    """The exact code counts before its class, wrapped by SQLAlchemy or not."""
    assert classify(error, dialect) is verdict
    assert classify(wrapped(error), dialect) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('connection failed: FATAL:  database "x" does not exist', Verdict.REFUSED),
        ('FATAL:  password authentication failed for user "etl"', Verdict.REFUSED),
        ("FATAL:  sorry, too many clients already", Verdict.BACK_OFF),
        ("FATAL:  the database system is starting up", Verdict.RECONNECT),
        ("connection refused", Verdict.RECONNECT),
    ],
)
def test_text_decides_only_where_there_is_no_code(text: str, verdict: Any) -> None:
    """Drivers give no code when connecting fails; the same text beside a code means nothing."""
    assert classify(wrapped(DriverError(text)), POSTGRESQL) is verdict
    assert classify(wrapped(DriverError(text, sqlstate="40001")), POSTGRESQL) is Verdict.RETRY


def test_a_lost_connection_of_any_code_is_tried_again() -> None:
    """What SQLAlchemy took for a disconnect is one."""
    assert classify(wrapped(DriverError("?"), sa.exc.InterfaceError, invalidated=True), MYSQL) is Verdict.RECONNECT


def test_mistakes_are_not_repeated() -> None:
    """An error of the program itself is permanent."""
    assert classify(ValueError("x"), POSTGRESQL) is Verdict.PERMANENT
    assert classify(wrapped(DriverError("x"), sa.exc.ProgrammingError), SQLITE) is Verdict.PERMANENT


def test_every_dialect_has_its_table() -> None:
    """A database without a retry table cannot be added by accident."""
    assert set(TABLE) == {dialect.name for dialect in DIALECTS}


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> Any:
        return self.now


def test_attempts_end_with_their_number() -> None:
    """Eight tries for a deadlock, then it is told."""
    retrying = Retrying(SQLITE, 60, clock=Clock(), chance=lambda: 0.5)
    pauses = [retrying.pause_after(DriverError(code=5)) for _ in range(8)]
    assert pauses[-1] is None
    assert None not in pauses[:-1]


def test_attempts_end_with_the_deadline() -> None:
    """No attempt begins after the unit's patience is over."""
    clock = Clock()
    retrying = Retrying(SQLITE, 10, clock=clock, chance=lambda: 0.5)
    assert retrying.pause_after(DriverError(code=5)) is not None
    clock.now = 10
    assert retrying.pause_after(DriverError(code=5)) is None


def test_pauses_grow_within_bounds_and_spread() -> None:
    """Full jitter: from nothing to a limit that doubles up to the longest pause."""
    backoff = Backoff(attempts=9, first=1, longest=10)
    assert [backoff.pause(failures, 1) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert backoff.pause(3, 0) == 0


def test_a_write_in_a_read_only_unit_is_not_repeated() -> None:
    """The code that means failover elsewhere is our own mistake there."""
    error = DriverError(sqlstate="25006")
    assert Retrying(POSTGRESQL, 60).pause_after(error) is not None
    assert Retrying(POSTGRESQL, 60, read_only=True).pause_after(error) is None


def test_only_verdicts_of_hope_have_a_backoff() -> None:
    """Permanent errors, poison and duplicates are told at once."""
    assert set(BACKOFF) == {Verdict.RETRY, Verdict.RECONNECT, Verdict.BACK_OFF}


def test_no_code_is_judged_by_its_text() -> None:
    """Messages of servers are translated and change; texts of the retry module are the few that have no code."""
    source = Path(retry.__file__).read_text()
    assert not re.search(r"\bre\.(search|match|compile)", source)
