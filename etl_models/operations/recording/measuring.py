"""Numbers of samples: any number of Python or numpy in, what a DOUBLE column can hold out, nothing lost in silence."""

from __future__ import annotations

import math
import numbers
from datetime import datetime, timedelta
from decimal import Decimal

from etl_models.domain.text import printable, short
from etl_models.errors import InvalidInputError
from etl_models.models.metric import SpecialNumber
from etl_models.operations.recording.cleaning import logger, recorded_name
from etl_models.operations.recording.values import Sample

_SPECIAL = {math.inf: SpecialNumber.INFINITY, -math.inf: SpecialNumber.NEGATIVE_INFINITY}


def measure(name: str, value: object, *, sequence: int, recorded_at: datetime) -> Sample:
    """Return the sample of a metric.

    NaN and the infinities are kept as such; negative zero becomes zero, because SQLite knows none. An integer beyond
    2**53 that no double equals is recorded as the nearest double and a warning says so. Raises
    :class:`InvalidInputError` for a name that cannot be one, and for what is no real number or beyond 1.8e308.
    """
    name = recorded_name(name, "name of a metric")
    number = _as_float(name, value)
    if math.isfinite(number):
        return Sample(name, number + 0.0, None, sequence, recorded_at)
    return Sample(name, None, _SPECIAL.get(number, SpecialNumber.NAN), sequence, recorded_at)


def _as_float(name: str, value: object) -> float:
    if type(value) is float:
        return value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if not isinstance(value, numbers.Real | Decimal):
        raise InvalidInputError(
            f"metric {printable(short(name))} must be a number, not {type(value).__name__}", field="value"
        )
    try:
        number = float(value)
    except (OverflowError, ValueError):
        raise InvalidInputError(
            f"metric {printable(short(name))} is beyond 1.8e308, the largest number that can be stored", field="value"
        ) from None
    if isinstance(value, numbers.Integral) and int(value) != int(number):
        logger.warning(
            "metric %s: %d has no exact counterpart among 64-bit floats; %d was recorded",
            printable(short(name)),
            int(value),
            int(number),
        )
    return number
