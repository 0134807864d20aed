"""Times and durations in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_RECENT = timedelta(days=7)


def moment(value: datetime | None, now: datetime, zone: ZoneInfo | None) -> str:
    """Return ``3 h ago`` for what is less than a week away, else the date in UTC; with a zone always the date in it."""
    if value is None:
        return ""
    if zone is None and abs(now - value) < _RECENT:
        return _relative((now - value).total_seconds())
    local = value if zone is None else value.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}" + (" UTC" if zone is None else f" {local:%Z}")


def exact(value: datetime | None, zone: ZoneInfo | None) -> str:
    """Return date and time to the second, with the zone."""
    if value is None:
        return ""
    local = value if zone is None else value.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {'UTC' if zone is None else f'{local:%Z}'}"


def _relative(seconds: float) -> str:
    size = abs(seconds)
    if size < 1:
        return "now"
    if size < _MINUTE:
        words = f"{int(size)} s"
    elif size < _HOUR:
        words = f"{int(size // _MINUTE)} min"
    elif size < _DAY:
        words = f"{int(size // _HOUR)} h"
    else:
        words = f"{int(size // _DAY)} d"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def duration(seconds: float | None) -> str:
    """Return a length of time with the two units that matter."""
    if seconds is None:
        return ""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < _MINUTE:
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
