"""Where the data goes: a SQLite file with three tables, one row of each belonging to exactly one day.

Every write replaces a whole day inside one transaction. So a day can be loaded again after any failure, or twice by
mistake, and the tables look as if it had been loaded once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

NAMESPACE = "warehouse"
"""Namespace of the datasets written here, for lineage: ``warehouse/flight``."""

BUSY_SECONDS = 10.0
"""How long a write waits for another process that writes to the same file."""

_FLIGHT_COLUMNS = """
    date TEXT NOT NULL, carrier TEXT NOT NULL, flight INTEGER NOT NULL, tailnum TEXT,
    origin TEXT NOT NULL, dest TEXT NOT NULL, sched_dep_time INTEGER NOT NULL, dep_time INTEGER, dep_delay REAL,
    sched_arr_time INTEGER NOT NULL, arr_time INTEGER, arr_delay REAL, air_time REAL, distance REAL NOT NULL
"""

# The natural key makes loading a flight twice impossible, whatever the code above it does.
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS flight (
    {_FLIGHT_COLUMNS}, warnings TEXT NOT NULL, airline TEXT, destination TEXT,
    manufacturer TEXT, model TEXT, seats INTEGER, temp REAL, wind_speed REAL, precip REAL, visib REAL,
    PRIMARY KEY (date, carrier, flight, origin)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejected_flight (
    {_FLIGHT_COLUMNS}, rules TEXT NOT NULL,
    PRIMARY KEY (date, carrier, flight, origin)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS daily_summary (
    date TEXT NOT NULL, origin TEXT NOT NULL, carrier TEXT NOT NULL, flights INTEGER NOT NULL,
    mean_dep_delay REAL NOT NULL, mean_arr_delay REAL NOT NULL, late_share REAL NOT NULL,
    PRIMARY KEY (date, origin, carrier)
) WITHOUT ROWID;
"""

_SUMMARISE = """
INSERT INTO daily_summary (date, origin, carrier, flights, mean_dep_delay, mean_arr_delay, late_share)
SELECT date, origin, carrier, count(*), avg(dep_delay), avg(arr_delay), avg(arr_delay > 15)
FROM flight WHERE date = ? GROUP BY date, origin, carrier
"""


class Warehouse:
    """One connection to the warehouse file, made with its tables when missing; not to be shared between threads."""

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Transactions are begun by hand below: the module's own rules for them changed between Python versions.
        self._connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def replace_flights(self, day: str, flights: pd.DataFrame) -> int:
        """Make ``flights`` the flights of the day; returns how many there are now.

        Raises:
            sqlite3.OperationalError: another process kept the file busy for too long; nothing was changed.

        """
        return self._replace("flight", day, flights)

    def replace_rejected(self, day: str, flights: pd.DataFrame) -> int:
        """Keep the rejected flights of the day, with the rules they broke; returns how many; raises as above."""
        return self._replace("rejected_flight", day, flights)

    def summarise(self, day: str) -> int:
        """Recompute the summary of the day from its flights; returns the rows written; raises as above."""
        with self._transaction():
            self._connection.execute("DELETE FROM daily_summary WHERE date = ?", (day,))
            return self._connection.execute(_SUMMARISE, (day,)).rowcount

    def count(self, table: str, day: str | None = None) -> int:
        """How many rows ``table`` holds, in all or for one day."""
        where, values = ("", ()) if day is None else (" WHERE date = ?", (day,))
        (found,) = self._connection.execute(f"SELECT count(*) FROM {table}{where}", values).fetchone()
        return int(found)

    def _replace(self, table: str, day: str, rows: pd.DataFrame) -> int:
        columns = self._columns(table)
        # tolist() gives plain Python values, the only ones sqlite3 takes; NaN is stored as NULL.
        records = zip(*(rows[column].tolist() for column in columns), strict=True)
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        with self._transaction():
            self._connection.execute(f"DELETE FROM {table} WHERE date = ?", (day,))
            self._connection.executemany(insert, records)
        return self.count(table, day)

    def _columns(self, table: str) -> list[str]:
        return [name for _, name, *_ in self._connection.execute(f"PRAGMA table_info({table})")]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
