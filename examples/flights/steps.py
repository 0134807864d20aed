"""The steps of a day that change data, each a function from tables to tables. Nothing here records or stores."""

from __future__ import annotations

import pandas as pd

from source import References

_WEATHER = ["temp", "wind_speed", "precip", "visib"]
_HOUR = ["origin", "date", "hour"]


def enrich(flights: pd.DataFrame, weather: pd.DataFrame, references: References) -> pd.DataFrame:
    """Add airline, destination, aircraft and the weather at the planned hour of departure; row for row.

    What cannot be looked up stays missing: a flight is worth keeping without its weather.

    Raises:
        pandas.errors.MergeError: two rows of weather for one hour, which would double flights.

    """
    named = flights.assign(
        airline=flights["carrier"].map(references.airlines),
        destination=flights["dest"].map(references.airports),
        manufacturer=flights["tailnum"].map(references.planes["manufacturer"]),
        model=flights["tailnum"].map(references.planes["model"]),
        seats=flights["tailnum"].map(references.planes["seats"]),
    )
    return named.merge(weather[_HOUR + _WEATHER], on=_HOUR, how="left", validate="many_to_one")
