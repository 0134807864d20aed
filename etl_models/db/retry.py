"""When a unit of work is tried again: one table of error codes, read by both executors.

A unit is always repeated as a whole, with a new session: a lock timeout on MariaDB leaves the earlier statements of
the transaction standing, and a statement repeated alone would commit half a unit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from etl_models.db.dialects.base import DatabaseDialect


class Verdict(StrEnum):
    """What an error means for the unit in which it was raised."""

    RETRY = "retry"
    """Another transaction was in the way; try again at once."""
    RECONNECT = "reconnect"
    """The connection or the server is gone, or it became a replica; try again on a new connection."""
    BACK_OFF = "back_off"
    """The server lacks something (connections, space, time); trying again at once makes it worse."""
    REFUSED = "refused"
    """The URL leads to no database we may use: wrong name, wrong password, a file that is none."""
    PERMANENT = "permanent"
    """The statement is wrong; trying again cannot help."""
    POISON = "poison"
    """The values cannot be stored, now or later."""
    DUPLICATE = "duplicate"
    """A unique key is taken; for whoever brought the key, the work is already done."""


def _codes(verdict: Verdict, *codes: int | str) -> dict[int | str, Verdict]:
    return dict.fromkeys(codes, verdict)


TABLE: Mapping[str, Mapping[int | str, Verdict]] = {
    # SQLSTATE, or its first two characters for a whole class.
    "postgresql": {
        **_codes(Verdict.RETRY, "40001", "40P01", "55P03"),
        **_codes(Verdict.RECONNECT, "57P01", "57P02", "57P03", "08", "25006", "25P03"),
        **_codes(Verdict.BACK_OFF, "53", "57014"),
        **_codes(Verdict.REFUSED, "08P01", "3D000", "28"),
        **_codes(Verdict.PERMANENT, "42"),
        **_codes(Verdict.POISON, "22", "23502", "23514"),
        **_codes(Verdict.DUPLICATE, "23505"),
    },
    # Error numbers of MariaDB and MySQL.
    "mysql": {
        **_codes(Verdict.RETRY, 1213, 1205, 1020),
        **_codes(Verdict.RECONNECT, 2002, 2003, 2006, 2013, 2055, 1047, 1180, 1290, 1836, 1053, 1927),
        **_codes(Verdict.BACK_OFF, 1040, 1203, 1226, 1114, 1021, 1028, 1969, 3024, 1317),
        **_codes(Verdict.REFUSED, 1044, 1045, 1049, 1698),
        **_codes(Verdict.PERMANENT, 1054, 1142, 1146, 1792),
        **_codes(Verdict.POISON, 1048, 1264, 1364, 1366, 1406, 3140, 3819, 4025),
        **_codes(Verdict.DUPLICATE, 1062),
    },
    # Result codes; an extended code that is not listed is judged by its primary code.
    "sqlite": {
        **_codes(Verdict.RETRY, 5, 6, 261, 262, 513, 517),
        **_codes(Verdict.RECONNECT, 14),
        **_codes(Verdict.BACK_OFF, 13, 10),
        **_codes(Verdict.REFUSED, 26, 11, 8),
        **_codes(Verdict.PERMANENT, 1, 787),
        **_codes(Verdict.POISON, 18, 19, 20),
        **_codes(Verdict.DUPLICATE, 2067, 1555),
    },
}

DATABASE_ERRORS = (sa.exc.StatementError, sa.exc.TimeoutError)
"""What to judge and to translate; SQLAlchemy's other exceptions are mistakes of the program that calls it."""


def driver_error(error: BaseException) -> BaseException:
    """Return the driver's exception inside a SQLAlchemy one; the exception itself when there is none."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def classify(error: BaseException, dialect: DatabaseDialect) -> Verdict:
    """Judge an error of SQLAlchemy or of a driver by its code; by text only where a driver gives no code at all."""
    original = driver_error(error)
    codes = dialect.codes(original)
    for code in codes:
        if (verdict := TABLE[dialect.name].get(code)) is not None:
            return verdict
    if isinstance(error, sa.exc.TimeoutError):  # no connection of the pool became free in time
        return Verdict.BACK_OFF
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return Verdict.RECONNECT
    if not codes and isinstance(error, sa.exc.OperationalError):
        return _without_code(str(original), dialect)
    return Verdict.PERMANENT


def _without_code(text: str, dialect: DatabaseDialect) -> Verdict:
    if any(known in text for known in dialect.refusal_texts):
        return Verdict.REFUSED
    if any(known in text for known in dialect.crowded_texts):
        return Verdict.BACK_OFF
    return Verdict.RECONNECT


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a unit is tried in all, and between which pauses in seconds."""

    attempts: int
    first: float
    longest: float

    def pause(self, failures: int, chance: float) -> float:
        """Return a pause of full jitter: anywhere between nothing and the doubled limit, ``chance`` in [0, 1)."""
        return chance * min(self.longest, self.first * 2.0 ** (failures - 1))


BACKOFF: Mapping[Verdict, Backoff] = {
    Verdict.RETRY: Backoff(attempts=8, first=0.02, longest=1.0),
    Verdict.RECONNECT: Backoff(attempts=5, first=0.1, longest=2.0),
    Verdict.BACK_OFF: Backoff(attempts=4, first=0.5, longest=5.0),
}


class Retrying:
    """The attempts of one unit: counts failures by verdict, ends them at the deadline (seconds from now)."""

    def __init__(
        self,
        dialect: DatabaseDialect,
        deadline: float,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._dialect = dialect
        self._read_only = read_only
        self._clock = clock
        self._chance = chance
        self._ends = clock() + deadline
        self.failures = 0

    def pause_after(self, error: BaseException) -> float | None:
        """Return how many seconds to wait before the next attempt, None when there shall be none."""
        self.failures += 1
        backoff = BACKOFF.get(self._verdict(error))
        if backoff is None or self.failures >= backoff.attempts:
            return None
        pause = backoff.pause(self.failures, self._chance())
        return pause if self._clock() + pause < self._ends else None

    def _verdict(self, error: BaseException) -> Verdict:
        # A read-only unit that writes is a mistake in our code; otherwise the same code means a failover.
        if self._read_only and self._dialect.is_refused_write(driver_error(error)):
            return Verdict.PERMANENT
        return classify(error, self._dialect)
