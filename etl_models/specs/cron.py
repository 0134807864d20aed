"""Cron expressions, field by field, as APScheduler and etl-core read them: ``{hour: 2, day_of_week: mon-fri}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from etl_models.specs.wording import kind_of

MAX_EXPRESSION_LENGTH = 200

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "last")


class _Field(NamedTuple):
    low: int
    high: int
    names: tuple[str, ...] = ()  # names[0] stands for low


CRON_FIELDS: Mapping[str, _Field] = {
    "year": _Field(1970, 9999),
    "month": _Field(1, 12, _MONTHS),
    "day": _Field(1, 31),
    "week": _Field(1, 53),
    "day_of_week": _Field(0, 6, _WEEKDAYS),
    "hour": _Field(0, 23),
    "minute": _Field(0, 59),
    "second": _Field(0, 59),
}

_PART = re.compile(
    r"(?:\*|(?P<low>[0-9]{1,4}|[a-z]{3})(?:\s*-\s*(?P<high>[0-9]{1,4}|[a-z]{3}))?)(?:/(?P<step>[0-9]{1,4}))?"
)


def cron_problem(name: str, value: object) -> str | None:
    """Return why ``value`` (a number, an expression, or a list of them) cannot stand for field ``name``, or None."""
    if isinstance(value, list | tuple):
        if not value or any(isinstance(item, list | tuple) for item in value):
            return "must list whole numbers or cron expressions"
        return next(filter(None, (cron_problem(name, item) for item in value)), None)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return f"must be a whole number or a cron expression, not {kind_of(value)}"
    field = CRON_FIELDS[name]
    if isinstance(value, int):
        return _limits_problem(field, value)
    if len(value) > MAX_EXPRESSION_LENGTH:
        return f"is a cron expression of {len(value)} characters; at most {MAX_EXPRESSION_LENGTH} are allowed"
    return next(filter(None, (_part_problem(name, field, part.strip().lower()) for part in value.split(","))), None)


def _limits_problem(field: _Field, *numbers: int) -> str | None:
    if all(field.low <= number <= field.high for number in numbers):
        return None
    return f"must lie between {field.low} and {field.high}"


def _part_problem(name: str, field: _Field, part: str) -> str | None:
    if name == "day" and (part == "last" or _is_ordinal_weekday(part)):
        return None
    found = _PART.fullmatch(part)
    if found is None:
        return "is not a cron expression; write numbers, '*', '*/n', 'a-b', 'a-b/n', or several with commas"
    if found["step"] is not None and int(found["step"]) == 0:
        return "steps by 0"
    return None if found["low"] is None else _range_problem(name, field, found["low"], found["high"] or found["low"])


def _range_problem(name: str, field: _Field, first: str, last: str) -> str | None:
    low, high = _number(field, first), _number(field, last)
    if low is None or high is None:
        names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        return f"is not a cron expression for {name}, which takes {field.low} to {field.high}{names}"
    return _limits_problem(field, low, high) or ("ends before it begins" if low > high else None)


def _number(field: _Field, text: str) -> int | None:
    if text in field.names:
        return field.low + field.names.index(text)
    return int(text) if text.isdecimal() else None


def _is_ordinal_weekday(part: str) -> bool:
    ordinal, _, weekday = part.partition(" ")
    return ordinal in _ORDINALS and weekday.strip() in _WEEKDAYS
