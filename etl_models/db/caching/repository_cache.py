"""``RepositoryCache``: rows by their primary key, remembered between transactions and processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.util.concurrency import await_only, in_greenlet
from sqlmodel import SQLModel

from etl_models.db.caching import watch
from etl_models.db.caching.backend import Answer, CacheBackend, MemoryBackend, Ticket
from etl_models.db.caching.names import EVERYTHING, identity, name_of, scope_of
from etl_models.db.caching.redis_backend import RedisBackend
from etl_models.db.caching.rows import Shape, UncacheableError, packed, shape_of, unpacked
from etl_models.db.caching.watch import Standing
from etl_models.db.mixins import TenantScopedMixin
from etl_models.db.tenancy import current_tenant, sees_every_tenant
from etl_models.errors import ConfigurationError

logger = logging.getLogger("etl_models.db.cache")

T = TypeVar("T", bound=SQLModel)
R = TypeVar("R")
LEASE_SECONDS = 10.0
"""How long reading a row may take for it to be cached."""
BLOCK_SECONDS = 30.0
"""How long a block lasts whose writer died between COMMIT and the release."""
PAUSE_SECONDS = 1.0
"""How long reads leave a store alone that could not be reached."""
MAX_OWED = 10_000


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """Counts since the cache was made, in this process. A failure is a store that could not be reached."""

    hits: int = 0
    misses: int = 0
    fills: int = 0
    failures: int = 0


class _Place(NamedTuple):
    """Where a row is in the store."""

    shape: Shape
    scopes: tuple[str, str]
    name: str


class RepositoryCache:
    """Answers ``get`` and ``get_by_id`` of the repositories it is given to without the database.

    A row that was changed is read anew by everyone from the moment the change is committed; ``ttl`` bounds how old a
    row gets where changes go past SQLAlchemy, or past processes that have no cache on the same store. Every process
    that *writes* makes one, whether it reads through it or not. The store being unreachable is never an error.
    """

    def __init__(self, backend: CacheBackend, *, ttl: float | timedelta, database: str | None = None) -> None:
        self._backend = backend
        self._ttl = _seconds(ttl, "ttl")
        self._database = database
        self._owed: deque[tuple[frozenset[str], str]] = deque()
        self._owing = threading.Lock()
        self._paying = threading.Lock()
        self._resumes_at = -math.inf
        self._is_down = False
        self._counts = dict.fromkeys(CacheStatistics.__slots__, 0)
        watch.register(self)

    @classmethod
    def in_process(
        cls, *, ttl: float | timedelta, max_entries: int = 10_000, database: str | None = None
    ) -> RepositoryCache:
        """Keep rows in the memory of this process, for ``ttl`` seconds; changes of other processes are seen after it.

        Raises ConfigurationError for a ``ttl`` or a number of entries that is not above zero.
        """
        if max_entries < 1:
            raise ConfigurationError("a cache holds at least one entry: max_entries")
        return cls(MemoryBackend(max_entries), ttl=ttl, database=database)

    @classmethod
    def redis(
        cls,
        url: str,
        *,
        ttl: float | timedelta,
        deadline: float | timedelta = 0.25,
        prefix: str = "etl-models",
        database: str | None = None,
    ) -> RepositoryCache:
        """Share rows through a server that speaks Redis' protocol (``redis://``, ``rediss://``, ``unix://``).

        ``deadline``, in seconds, ends every call. ``database`` names the one database the cache is for, where
        processes reach it under different addresses. Needs the extra ``cache``; raises ConfigurationError without it,
        and for an address that cannot be understood. Nothing is connected yet.
        """
        backend = RedisBackend(url, prefix=prefix, deadline=_seconds(deadline, "deadline"))
        return cls(backend, ttl=ttl, database=database)

    @property
    def statistics(self) -> CacheStatistics:
        """What has happened so far."""
        return CacheStatistics(**self._counts)

    def close(self) -> None:
        """Stop listening to changes and let go of the store."""
        watch.unregister(self)
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def forget(self, bind: sa.Engine | Session) -> None:
        """Forget all rows of a database, after changes nobody told of; with an asynchronous one in ``run_sync``."""
        engine = bind.get_bind() if isinstance(bind, Session) else bind
        self.release(self.block(engine.engine, frozenset([EVERYTHING])))

    # -- reading -------------------------------------------------------------------------------------------------------

    def find(
        self,
        session: Session,
        model: type[T],
        key: tuple[Any, ...],
        *,
        sees: Callable[[T], bool],
        read: Callable[[Session, type[T], tuple[Any, ...]], T | None],
    ) -> T | None:
        """Return the row with that key, from the cache where the session may use it, else by ``read``.

        A row that ``sees`` refuses never gets into the session. Rows of a hit are in the session as if it had loaded
        them.
        """
        bind = session.get_bind(model)
        place = self._place(session, bind, model, key)
        if place is None or not isinstance(bind, sa.Engine):
            return read(session, model, key)
        may = watch.standing(session, bind)
        if may is Standing.NOTHING:
            return read(session, model, key)
        lease = secrets.token_hex(8) if may is Standing.FILL else None
        answer = self._ask(lambda: self._backend.look(place.scopes, place.name, lease, LEASE_SECONDS)) or Answer()
        if answer.payload is not None and (held := unpacked(place.shape, model, key, answer.payload)) is not None:
            self._counts["hits"] += 1
            return session.merge(held, load=False) if sees(held) else None
        self._counts["misses"] += 1
        row = read(session, model, key)
        if answer.ticket is not None and row is not None and watch.saw_only_committed(session):
            self._fill(place, answer.ticket, row)
        return row

    def _place(self, session: Session, bind: Any, model: type[SQLModel], key: tuple[Any, ...]) -> _Place | None:
        shape = shape_of(model)
        if shape is None or not isinstance(bind, sa.Engine):
            return None
        if issubclass(model, TenantScopedMixin) and current_tenant() is None and not sees_every_tenant():
            return None  # the query refuses
        if sa.inspect(model).identity_key_from_primary_key(key) in session.identity_map:
            return None  # the session holds it
        database = self._name_of(bind)
        scopes = (f"{database}:{EVERYTHING}", f"{database}:{scope_of(shape.table)}")
        return _Place(shape, scopes, f"{database}:{name_of(shape.table, key)}")

    def _name_of(self, engine: sa.Engine) -> str:
        # In braces: a cluster keeps on one node what one script touches.
        return "{" + (identity(engine) if self._database is None else self._database) + "}"

    def _fill(self, place: _Place, ticket: Ticket, row: SQLModel) -> None:
        try:
            payload = packed(place.shape, row)
        except UncacheableError as error:
            logger.debug("a row of %s is not cached: %s", type(row).__name__, error)
            return
        if self._ask(lambda: self._backend.fill(place.scopes, place.name, ticket, payload, self._ttl)):
            self._counts["fills"] += 1

    # -- forgetting ----------------------------------------------------------------------------------------------------

    def block(self, engine: sa.Engine, names: frozenset[str]) -> tuple[frozenset[str], str]:
        """Forget the names until the block is released, and return what releases it; called before a COMMIT."""
        database = self._name_of(engine)
        mark = frozenset(f"{database}:{name}" for name in names), secrets.token_hex(8)
        self._ask(lambda: self._backend.block(*mark, BLOCK_SECONDS), even_paused=True)
        return mark

    def release(self, mark: tuple[frozenset[str], str]) -> None:
        """End a block, in the background where an event loop would have to wait; never raises.

        What cannot be released now is forgotten before the next question that reaches the store.
        """
        self._owe(mark)
        if self._is_on_loop():
            # Not awaited: this runs while connections are given back, where a cancellation must not interfere.
            with contextlib.suppress(RuntimeError):  # the program is about to end
                asyncio.get_running_loop().run_in_executor(None, self._try, self._pay)
        elif time.monotonic() >= self._resumes_at:
            self._try(self._pay)

    def _owe(self, mark: tuple[frozenset[str], str]) -> None:
        with self._owing:
            self._owed.append(mark)
            if len(self._owed) > MAX_OWED:  # the store has been away for long: forget all when it is back
                databases = {name.partition("}")[0] for names, _ in self._owed for name in names}
                self._owed.clear()
                everything = frozenset(f"{database}}}:{EVERYTHING}" for database in databases)
                self._owed.append((everything, secrets.token_hex(8)))

    def _pay(self) -> None:
        while self._owed:
            with self._paying:
                if (mark := self._next_owed()) is None:
                    return
                self._backend.release(*mark)
                with self._owing:
                    if self._owed[0] is mark:  # else all that was owed has become one, this mark in it
                        self._owed.popleft()

    def _next_owed(self) -> tuple[frozenset[str], str] | None:
        with self._owing:
            return self._owed[0] if self._owed else None

    # -- the store -----------------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[], R], *, even_paused: bool = False) -> R | None:
        """Ask the store, after what it is owed; None when it cannot be reached, or lately could not."""
        if not even_paused and time.monotonic() < self._resumes_at:
            return None

        def ask() -> R:
            self._pay()
            return question()

        if self._is_on_loop():
            return await_only(asyncio.to_thread(self._try, ask))
        return self._try(ask)

    def _is_on_loop(self) -> bool:
        return self._backend.is_remote and in_greenlet()

    def _try(self, call: Callable[[], R]) -> R | None:
        try:
            result = call()
        except OSError as error:
            self._counts["failures"] += 1
            self._resumes_at = time.monotonic() + PAUSE_SECONDS
            if not self._is_down:
                self._is_down = True
                logger.warning(
                    "the cache at %s cannot be reached (%s): rows are read from the database",
                    self._backend.place,
                    error,
                )
            return None
        self._resumes_at = -math.inf
        if self._is_down:
            self._is_down = False
            logger.info("the cache at %s is reached again", self._backend.place)
        return result


def _seconds(value: float | timedelta, name: str) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"the {name} of a cache is a time above zero, in seconds")
    return seconds
