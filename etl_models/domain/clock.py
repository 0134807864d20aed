"""Times: always aware and UTC inside; written by people as ``24h``, ``-7d``, ``2013-02-01`` or ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from etl_models.domain.text import printable, short
from etl_models.errors import InvalidInputError

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_AGO = re.compile(r"-?(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])", re.ASCII)
_HOW = "write 24h, 7d, 2013-02-01, 2013-02-01T06:00:00Z, now or today"


def utcnow() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def parse_when(text: str, *, now: datetime | None = None, field: str = "time") -> datetime:
    """Read a point in time written by a person; the result is aware and in UTC.

    ``24h`` and ``-24h`` both mean 24 hours before ``now`` (units s, m, h, d, w); a date means its first instant;
    a time without an offset is read as UTC. Raises :class:`InvalidInputError` naming ``field``.
    """
    now = now or utcnow()
    word = text.strip()
    if word == "now":
        return now
    if word == "today":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if ago := _AGO.fullmatch(word):
            return (now - float(ago.group(1)) * _UNITS[ago.group(2)]).astimezone(UTC)
        moment = datetime.fromisoformat(word)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError(f"{field} {printable(short(text))!r} is not a time; {_HOW}", field=field) from None


def as_utc(moment: datetime, field: str) -> datetime:
    """Return ``moment`` in UTC; a naive one is refused with :class:`InvalidInputError`, never guessed."""
    if not isinstance(moment, datetime):
        raise InvalidInputError(f"{field} must be a datetime or text, not {type(moment).__name__}; {_HOW}", field=field)
    if moment.tzinfo is None:
        raise InvalidInputError(f"{field} has no time zone; pass an aware datetime", field=field)
    return moment.astimezone(UTC)


def isoformat(moment: datetime) -> str:
    """Write ``moment`` as UTC ISO 8601 with microseconds and ``Z``: the one form used in data."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
