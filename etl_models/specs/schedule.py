"""Schedules: when a job is due. They are kept and shown; running them is the business of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from etl_models.specs.base import Finding, Spec, custom_error
from etl_models.specs.cron import CRON_FIELDS, cron_problem
from etl_models.specs.fields import JsonObject, lax
from etl_models.specs.suggest import did_you_mean, quoted
from etl_models.specs.wording import kind_of

MAX_AMOUNT = 1_000_000_000


class TriggerType(StrEnum):
    """What makes a job due: a calendar rule, a fixed interval, or one moment."""

    CRON = "cron"
    INTERVAL = "interval"
    DATE = "date"


def timezone_problem(value: object) -> str | None:
    """Return why ``value`` is no IANA time zone, or None."""
    if not isinstance(value, str):
        return f"must be the name of a time zone, not {kind_of(value)}"
    if _is_zone(value):
        return None
    return f"is not a known time zone{did_you_mean(value, _similar_zones(value))}"


def _similar_zones(value: str) -> list[str]:
    """Return the zones worth comparing, out of about 600: of the same region, else of the same first letter."""
    region, slash, _ = value.lower().partition("/")
    return (_zones_beginning(region + slash) if slash else []) or _zones_beginning(value[:1].lower())


@lru_cache(maxsize=256)
def _zones_beginning(start: str) -> list[str]:
    return [zone for zone in _zones() if zone.lower().startswith(start)]


def _is_zone(name: str) -> bool:
    if _zones.cache_info().currsize:
        return name in _zones()
    # Loading the one zone is a hundred times as fast as listing all; the list leaves out these copies of zones.
    if not name or name.startswith(("posix", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path out of the database, or with a NUL; a folder
        return False
    return True


@cache
def _zones() -> dict[str, None]:
    return dict.fromkeys(sorted(available_timezones()))


def _moment_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be a date or a moment as text (ISO 8601), not {kind_of(value)}"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return "is not a date or a moment in ISO 8601, such as 2013-02-01 or 2013-02-01T02:00:00Z"
    return None


def _amount_problem(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be a whole number, not {kind_of(value)}"
    return None if 0 < value <= MAX_AMOUNT else f"must lie between 1 and {MAX_AMOUNT}"


def _cron_check(name: str) -> Callable[[object], str | None]:
    return lambda value: cron_problem(name, value)


_COMMON: Mapping[str, Callable[[object], str | None]] = {
    "start_date": _moment_problem,
    "end_date": _moment_problem,
    "timezone": timezone_problem,
    "jitter": _amount_problem,
}
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")

_ARGUMENTS: Mapping[TriggerType, Mapping[str, Callable[[object], str | None]]] = {
    TriggerType.CRON: {**{name: _cron_check(name) for name in CRON_FIELDS}, **_COMMON},
    TriggerType.INTERVAL: {**dict.fromkeys(_UNITS, _amount_problem), **_COMMON},
    TriggerType.DATE: {"run_date": _moment_problem, "timezone": timezone_problem},
}
_ONE_OF: Mapping[TriggerType, tuple[str, ...]] = {
    TriggerType.CRON: tuple(CRON_FIELDS),
    TriggerType.INTERVAL: _UNITS,
    TriggerType.DATE: ("run_date",),
}


def _timezone(value: str) -> str:
    problem = timezone_problem(value)
    if problem is not None:
        raise custom_error(problem)
    return value


TimeZone: TypeAlias = Annotated[str, AfterValidator(_timezone)]


class ScheduleSpec(Spec):
    """When a job is due."""

    trigger_type: Annotated[TriggerType, lax] = Field(description="What makes the job due.")
    trigger_args: JsonObject = Field(
        description="cron: year, month, day, week, day_of_week, hour, minute, second; interval: weeks, days, hours, "
        "minutes, seconds; date: run_date. Also start_date, end_date, timezone, jitter."
    )
    timezone: TimeZone = Field(default="UTC", description="IANA time zone in which trigger_args are read.")

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check ``trigger_args`` against ``trigger_type``."""
        kind, arguments = data.get("trigger_type"), data.get("trigger_args")
        if isinstance(kind, str) and kind in list(TriggerType) and isinstance(arguments, Mapping):
            trigger = TriggerType(kind)
            yield from (found.below("trigger_args") for found in _argument_findings(trigger, arguments))


def _argument_findings(trigger: TriggerType, arguments: Mapping[Any, Any]) -> Iterator[Finding]:
    checks = _ARGUMENTS[trigger]
    for name, value in arguments.items():
        if not isinstance(name, str):
            continue  # refused as a key that is not text
        if name not in checks:
            message = f"unknown key {quoted(name)} for the trigger '{trigger}'{did_you_mean(name, checks)}"
            yield Finding((name,), message, at_key=True)
        elif (problem := checks[name](value)) is not None:
            yield Finding((name,), problem)
    if not any(name in arguments for name in _ONE_OF[trigger]):
        yield Finding((), f"the trigger '{trigger}' needs {' or '.join(_ONE_OF[trigger])}")
