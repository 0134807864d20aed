"""What a store of cached rows has to do, and the one in the memory of this process.

Correctness rests on three kinds of things under a name, each replacing the one before:

- a *row*, stamped with the generations of the scopes it is in (its table, its database);
- a *lease*: whoever found no row may put one here, if the lease is still there when the row has been read;
- a *block*: a writer is about to commit; nothing is found here and nothing may be put here until it has.

A scope holds its generation, or a block. What is missing is never trusted: a lost lease refuses the row, a lost
generation is replaced by a new one, which no row carries. So losing anything but a block costs reads, not truth.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Ticket(NamedTuple):
    """What allows to put a row under a name: a lease, and the stamp of its scopes when it was given."""

    lease: str
    stamp: str


class Answer(NamedTuple):
    """What is under a name: the row as bytes; or, when a lease was given, the ticket to come back with."""

    payload: bytes | None = None
    ticket: Ticket | None = None


class CacheBackend(Protocol):
    """A store of cached rows. Each method is one atomic step, and raises OSError when the store cannot be reached."""

    is_remote: bool
    """Whether calls wait for something, and must not be made on an event loop."""
    place: str
    """What messages call it; no password in it."""

    def look(self, scopes: Sequence[str], name: str, lease: str | None, seconds: float) -> Answer:
        """Return the row under ``name`` if its stamp is that of ``scopes``, else give the lease if one is asked for.

        No lease is given where there is one already, or a block. The lease ends after ``seconds``.
        """

    def fill(self, scopes: Sequence[str], name: str, ticket: Ticket, payload: bytes, seconds: float) -> bool:
        """Put a row in the place of its lease, for ``seconds``; False where lease or stamp are no longer that."""

    def block(self, names: Collection[str], marker: str, seconds: float) -> None:
        """Put a block under every name, for ``seconds`` at most."""

    def release(self, names: Collection[str], marker: str) -> None:
        """Remove whatever is under the names, except the block of another marker."""

    def close(self) -> None:
        """Let go of connections and memory."""


@dataclass(slots=True)
class _Held:
    until: float
    lease: str | None = None
    stamp: str = ""
    payload: bytes = b""


class MemoryBackend:
    """Rows in the memory of this process, at most ``max_entries``: the least recently used goes first."""

    is_remote = False
    place = "memory"

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._generations: dict[str, str] = {}
        self._blocks: dict[str, tuple[str, float]] = {}

    def look(self, scopes: Sequence[str], name: str, lease: str | None, seconds: float) -> Answer:
        """As the protocol says."""
        with self._lock:
            now = time.monotonic()
            if any(self._is_blocked(each, now) for each in (*scopes, name)):
                return Answer()
            stamp = self._stamp(scopes)
            held = self._held.get(name)
            if held is not None and held.until > now:
                if held.lease is not None:
                    return Answer()
                if held.stamp == stamp:
                    self._held.move_to_end(name)
                    return Answer(payload=held.payload)
            if lease is None:
                return Answer()
            self._put(name, _Held(now + seconds, lease=lease))
            return Answer(ticket=Ticket(lease, stamp))

    def fill(self, scopes: Sequence[str], name: str, ticket: Ticket, payload: bytes, seconds: float) -> bool:
        """As the protocol says."""
        with self._lock:
            now = time.monotonic()
            held = self._held.get(name)
            if held is None or held.lease != ticket.lease or held.until <= now:
                return False
            if any(self._is_blocked(each, now) for each in scopes) or self._stamp(scopes) != ticket.stamp:
                return False
            self._put(name, _Held(now + seconds, stamp=ticket.stamp, payload=payload))
            return True

    def block(self, names: Collection[str], marker: str, seconds: float) -> None:
        """As the protocol says."""
        with self._lock:
            until = time.monotonic() + seconds
            for name in names:
                self._drop(name)
                self._blocks[name] = (marker, until)

    def release(self, names: Collection[str], marker: str) -> None:
        """As the protocol says."""
        with self._lock:
            now = time.monotonic()
            for name in names:
                if self._is_blocked(name, now) and self._blocks[name][0] != marker:
                    continue
                self._blocks.pop(name, None)
                self._drop(name)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._generations.clear()

    def _is_blocked(self, name: str, now: float) -> bool:
        return name in self._blocks and self._blocks[name][1] > now

    def _stamp(self, scopes: Sequence[str]) -> str:
        return ".".join(self._generations.setdefault(scope, secrets.token_hex(8)) for scope in scopes)

    def _put(self, name: str, held: _Held) -> None:
        self._held[name] = held
        self._held.move_to_end(name)
        while len(self._held) > self._max_entries:
            self._held.popitem(last=False)

    def _drop(self, name: str) -> None:
        self._held.pop(name, None)
        self._generations.pop(name, None)
