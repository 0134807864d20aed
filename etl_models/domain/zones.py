"""Time zones: found by name, and cut into spans of one UTC offset so that a database without zones can use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etl_models.domain.text import printable, short
from etl_models.errors import InvalidInputError

# No zone has ever changed its offset twice within this time and gone back.
_STEP = timedelta(days=14)
_MAX_SPANS = 400


class OffsetSpan(NamedTuple):
    """Instants before ``until`` (None: all further ones) are ``seconds`` east of UTC."""

    until: datetime | None
    seconds: int


def load_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name (``UTC``, ``America/New_York``).

    Raises :class:`InvalidInputError` for names that are none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path or hostile text; a folder of zones
        shown = printable(short(name))
        raise InvalidInputError(
            f"'{shown}' is not a time zone; write an IANA name such as UTC or Europe/Berlin", field="tz"
        ) from None


def offset_spans(zone: ZoneInfo, first: datetime, last: datetime) -> list[OffsetSpan]:
    """Return the spans of constant offset that cover ``first`` to ``last`` (both aware), in order; at least one.

    Raises :class:`InvalidInputError` when there are too many for one query: several lifetimes of summer times.
    """
    spans: list[OffsetSpan] = []
    position, offset = first, _offset(zone, first)
    while position < last:
        step = min(position + _STEP, last)
        following = _offset(zone, step)
        if following != offset:
            spans.append(OffsetSpan(_change(zone, position, step), offset))
            offset = following
        position = step
        if len(spans) > _MAX_SPANS:
            raise InvalidInputError(f"the times span too many years of {zone.key}; narrow them", field="tz")
    return [*spans, OffsetSpan(None, offset)]


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first whole second at which the offset is that of ``after``."""
    low, high = int(before.timestamp()), int(after.timestamp()) + 1
    old = _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
