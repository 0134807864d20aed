"""Schedules: cron fields, intervals, dates, time zones."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from etl_models.specs.base import findings_of
from etl_models.specs.positions import show
from etl_models.specs.schedule import ScheduleSpec


def problems(trigger_type: str, arguments: Any, **more: Any) -> list[str]:
    """What is wrong with a schedule, as ``path: message``."""
    try:
        ScheduleSpec.model_validate({"trigger_type": trigger_type, "trigger_args": arguments, **more})
    except ValidationError as error:
        return [f"{show(found.loc)}: {found.message}" for found in findings_of(error)]
    return []


@pytest.mark.parametrize(
    ("trigger_type", "arguments"),
    [
        ("cron", {"hour": 2}),
        ("cron", {"hour": "*/2", "minute": "0,30", "day_of_week": "mon-fri", "second": "10-50/5"}),
        ("cron", {"day": "last"}),
        ("cron", {"day": "1st mon, 3rd fri, last sun"}),
        ("cron", {"month": "jan-mar,OCT", "year": 2030, "week": "1-53"}),
        ("cron", {"hour": [1, "5-7", "*/3"], "timezone": "Europe/Berlin", "jitter": 30}),
        ("cron", {"minute": "0", "start_date": "2013-01-01", "end_date": "2013-12-31T23:59:59+01:00"}),
        ("interval", {"hours": 1}),
        ("interval", {"weeks": 1, "days": 2, "hours": 3, "minutes": 4, "seconds": 5, "jitter": 6}),
        ("date", {"run_date": "2013-02-01T02:00:00Z"}),
        ("date", {"run_date": "2013-02-01", "timezone": "UTC"}),
    ],
)
def test_schedules_that_are_right(trigger_type: str, arguments: dict[str, Any]) -> None:
    """Cron fields, intervals and dates are read as APScheduler reads them."""
    assert problems(trigger_type, arguments, timezone="America/New_York") == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hour", 24, "must lie between 0 and 23"),
        ("hour", "1-24", "must lie between 0 and 23"),
        ("hour", "5-2", "ends before it begins"),
        ("hour", "*/0", "steps by 0"),
        ("hour", "1-2-3", "is not a cron expression"),
        ("hour", "", "is not a cron expression"),
        ("hour", "1,,2", "is not a cron expression"),
        ("hour", "mon", "is not a cron expression for hour, which takes 0 to 23"),
        ("hour", "²", "is not a cron expression"),
        ("hour", "9" * 5, "is not a cron expression"),
        ("hour", True, "must be a whole number or a cron expression, not a truth value"),
        ("hour", 1.5, "must be a whole number or a cron expression, not a decimal number"),
        ("hour", {"at": 1}, "must be a whole number or a cron expression, not a mapping"),
        ("hour", [], "must list whole numbers or cron expressions"),
        ("hour", [[1]], "must list whole numbers or cron expressions"),
        ("hour", [1, 99], "must lie between 0 and 23"),
        ("hour", "1," * 101, "is a cron expression of 202 characters; at most 200 are allowed"),
        ("minute", -1, "must lie between 0 and 59"),
        ("month", "foo", "is not a cron expression for month, which takes 1 to 12 or jan to dec"),
        ("month", 0, "must lie between 1 and 12"),
        ("day", "6th mon", "is not a cron expression"),
        ("day_of_week", "foo", "is not a cron expression for day_of_week, which takes 0 to 6 or mon to sun"),
        ("day_of_week", 7, "must lie between 0 and 6"),
        ("year", 1969, "must lie between 1970 and 9999"),
        ("timezone", "Mars/Olympus", "is not a known time zone"),
        ("timezone", 3, "must be the name of a time zone, not a whole number"),
        ("start_date", "tomorrow", "is not a date or a moment in ISO 8601"),
        ("end_date", 5, "must be a date or a moment as text"),
        ("jitter", 0, "must lie between 1 and"),
    ],
)
def test_cron_arguments_that_are_wrong(field: str, value: Any, said: str) -> None:
    """Every field says what it takes."""
    [problem] = problems("cron", {"second": 0} | {field: value})
    assert problem.startswith(f"trigger_args.{field}: ")
    assert said in problem


@pytest.mark.parametrize(
    ("trigger_type", "arguments", "expected"),
    [
        ("cron", {}, "trigger_args: the trigger 'cron' needs year or month or day or week or day_of_week or hour"),
        ("interval", {"jitter": 3}, "trigger_args: the trigger 'interval' needs weeks or days or hours or minutes"),
        ("date", {}, "trigger_args: the trigger 'date' needs run_date"),
        ("interval", {"hours": 0}, "trigger_args.hours: must lie between 1 and"),
        ("interval", {"hours": "1"}, "trigger_args.hours: must be a whole number, not text"),
        ("interval", {"hours": True}, "trigger_args.hours: must be a whole number, not a truth value"),
        (
            "cron",
            {"hours": 1, "hour": 1},
            "trigger_args.hours: unknown key 'hours' for the trigger 'cron'; did you mean 'hour'?",
        ),
        ("date", {"run_date": "2013-02-30"}, "trigger_args.run_date: is not a date or a moment"),
        ("crn", {"hour": 1}, "trigger_type: must be one of 'cron', 'interval', 'date'; did you mean 'cron'?"),
        ("cron", [1], "trigger_args: must be a mapping (key: value), not a list"),
        ("cron", {"hour": 1, 5: 6}, "trigger_args: keys must be text, not a whole number"),
    ],
)
def test_arguments_belong_to_their_trigger(trigger_type: str, arguments: Any, expected: str) -> None:
    """A trigger refuses the arguments of another, and needs one of its own."""
    [problem] = problems(trigger_type, arguments)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("America/New_Yrok", "did you mean 'America/New_York'?"),
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("", "is not a known time zone"),
        ("../etc/passwd", "is not a known time zone"),
        ("/etc/passwd", "is not a known time zone"),
        ("America", "is not a known time zone"),
        ("posix/UTC", "is not a known time zone"),
        ("UTC\0", "is not a known time zone"),
        ("x" * 5000, "is not a known time zone"),
        ("\ud800", "is not a known time zone"),
    ],
)
def test_time_zones_are_names_of_the_database(name: str, said: str) -> None:
    """A name that is no zone, or is a path, is refused; the nearest zone is suggested."""
    [problem] = problems("cron", {"hour": 1}, timezone=name)
    assert problem.startswith("timezone: ")
    assert said in problem
