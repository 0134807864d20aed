"""Time that only goes forward: a clock for one execution, and sequence numbers for samples."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count

from etl_models.domain.clock import utcnow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", None)


def _elapsed() -> float:
    """Seconds that pass while the machine sleeps too, where the system can tell."""
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


class SteadyClock:
    """The wall clock as it was when the clock was made, plus the time since: setting the wall clock changes nothing."""

    def __init__(self) -> None:
        self._wall = utcnow()
        self._since = _elapsed()

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return self._wall + timedelta(seconds=_elapsed() - self._since)

    def next_sequence(self) -> int:
        """Return a number greater than every one before in this process; it fits into 63 bits."""
        return _sequence.next()


class FixedClock(SteadyClock):
    """A clock that stands still, for what is told after the fact."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at
        self._ticks = count((at - _EPOCH) // timedelta(microseconds=1) * 1000)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self._at

    def next_sequence(self) -> int:
        """Count nanoseconds from that moment, so that the same told again has the same numbers."""
        return next(self._ticks)


class _Sequence:
    """Numbers that grow within a process and, as far as clocks agree, across processes: nanoseconds, or one more."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return self._last


_sequence = _Sequence()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sequence.renew)
