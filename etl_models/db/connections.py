"""``DatabaseManager`` and ``AsyncDatabaseManager``: engine, sessions, tables and health of one database.

A session is a unit of work: ``with manager.session() as session`` commits when the block ends, rolls back when an
error leaves it, and closes in any case. Committing inside the block is allowed; the next statement begins another
transaction. Rows stay readable after the commit. ``session(readonly=True)`` reads one moment of the data, uses the
replica where there is one, and refuses to write. That a replica lags behind is the caller's to know: what was just
written is read from the primary.

Errors inside the block are SQLAlchemy's, as anywhere. What leaves it is ours: DuplicateError, ConflictError,
InvalidDataError or StaleDataError for what is refused, ReadOnlyError, DatabaseUnavailableError, AccessDeniedError,
SchemaVersionError for a missing table; SQLAlchemy's error is the ``__cause__``. Other exceptions pass as they are.

Promises: a manager may be shared by threads (asynchronous: by tasks, and used in one event loop after the other), and
a forked child may go on using it. Nothing is opened before the first session. A connection that died while idle is
replaced unnoticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar, Unpack, cast

import sqlalchemy as sa
from sqlmodel import Session

from etl_models.db.declarative import Base
from etl_models.db.dialects.base import EngineChoices, EngineOptions
from etl_models.db.engine import build_engine
from etl_models.db.health import ConnectionHealth, Look
from etl_models.db.model_sessions import AsyncModelSessions, ModelSessions, async_unit, finished, unit
from etl_models.db.retry import DATABASE_ERRORS
from etl_models.db.routing import Routing
from etl_models.db.sessions import EnginePerLoop
from etl_models.db.target import Target
from etl_models.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlmodel.ext.asyncio.session import AsyncSession

P = ParamSpec("P")
T = TypeVar("T")

_UNREACHED = (*DATABASE_ERRORS, DatabaseUnavailableError)


class DatabaseManager:
    """One database, with its replica if it has one, for blocking programs.

    ``url`` and ``replica_url`` are plain (``postgresql://user@host/name``, ``mysql://``, ``sqlite:///file``).
    ``metadata`` are the tables it makes. Options are those of :class:`EngineOptions`, as a whole or by name
    (``DatabaseManager(url, pool_size=20, transaction_pooling=True)``). With ``replica_fallback`` reading sessions use
    the primary for a while when the replica cannot be reached; each time, that is logged as a warning. Raises
    ConfigurationError for a URL or an option that cannot work.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        metadata: sa.MetaData = Base.metadata,
        replica_url: str | sa.URL | None = None,
        replica_fallback: bool = False,
        options: EngineOptions | None = None,
        **choices: Unpack[EngineChoices],
    ) -> None:
        self._routing = Routing(
            url,
            replica_url,
            replica_fallback=replica_fallback,
            metadata=metadata,
            options=replace(options or EngineOptions(), **choices),
        )
        self._links = {target: self._link(target) for target in self._routing.targets}

    def _link(self, target: Target) -> tuple[sa.Engine, ModelSessions]:
        engine = build_engine(target, self._routing.options)
        return engine, ModelSessions.of(engine, target.dialect)

    @property
    def metadata(self) -> sa.MetaData:
        """The tables it makes."""
        return self._routing.metadata

    @property
    def target(self) -> Target:
        """Which database it is."""
        return self._routing.primary

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine of the primary."""
        return self._links[self._routing.primary][0]

    @property
    def replica_engine(self) -> sa.Engine | None:
        """SQLAlchemy's engine of the replica; None where there is none."""
        return None if self._routing.replica is None else self._links[self._routing.replica][0]

    @contextmanager
    def session(self, *, readonly: bool = False) -> Iterator[Session]:
        """Open a session for one unit of work: committed at the end, rolled back on an error, always closed."""
        target = self._route(readonly=readonly)
        with self._routing.translating(target, readonly=readonly), self._unit(target, readonly=readonly) as session:
            yield session

    def run(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit of work, and as a whole again after a deadlock or a lost connection.

        So ``fn`` does nothing but use its session. Raises what leaves a session, after several attempts.
        """
        return self._run(lambda session: fn(session, *args, **kwargs), readonly=False)

    def read(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`run`, in a session that only reads."""
        return self._run(lambda session: fn(session, *args, **kwargs), readonly=True)

    def _run(self, work: Callable[[Session], T], *, readonly: bool) -> T:
        retrying = self._routing.retrying(readonly=readonly)
        while True:
            target = self._route(readonly=readonly)
            try:
                with self._unit(target, readonly=readonly) as session:
                    return finished(work(session))
            except DATABASE_ERRORS as error:
                pause = self._routing.pause(retrying, error, target, readonly=readonly)
            time.sleep(pause)

    def _unit(self, target: Target, *, readonly: bool) -> AbstractContextManager[Session]:
        makers = self._links[target][1]
        return unit(makers.read() if readonly else makers.write())

    def _route(self, *, readonly: bool) -> Target:
        routing = self._routing
        target = routing.target(readonly=readonly)
        if routing.must_probe(target):
            try:
                routing.check_open(target)
                self._links[target][0].connect().close()
            except _UNREACHED as error:
                return routing.fall_back(error)
        return target

    def create_tables(self) -> None:
        """Make the tables of the metadata that are not there, histories included; others are left as they are.

        Several processes may do so at once. Changing a table that is there is for migrations.
        """
        self._change_schema(_create)

    def reset(self, *, confirm: str) -> None:
        """Drop the tables of the metadata with everything in them, and make them anew; other tables stay.

        ``confirm`` has to be the name of the database (of a SQLite database: of its file). Raises InvalidInputError
        otherwise, and nothing has happened; ConflictError when a table outside the metadata refers to one of them.
        """
        self._routing.primary.check_confirmation(confirm)
        self._change_schema(_recreate)

    def _change_schema(self, change: Callable[[sa.Connection, Routing], None]) -> None:
        target = self._routing.target(readonly=False)
        with self._routing.translating(target, readonly=False), self.engine.connect() as connection:
            change(connection, self._routing)

    def health_check(self) -> ConnectionHealth:
        """Look whether the database and its replica answer, and describe them; raises nothing when they do not."""
        return self._routing.health({target: self._look(target) for target in self._routing.targets})

    def _look(self, target: Target) -> ConnectionHealth:
        engine, sessions = self._links[target]
        started = time.monotonic()
        try:
            self._routing.check_open(target)
            with sessions.read() as session:
                look = Look.at(session.connection(), target.dialect, started)
        except Exception as error:  # noqa: BLE001 - a health check answers, whatever a driver raises
            return self._routing.failed(target, error)
        return ConnectionHealth.found(target, look, engine.pool)

    def close(self) -> None:
        """Close all connections; the manager cannot be used any more."""
        self._routing.closed = True
        for engine, _ in self._links.values():
            engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target.safe_url!r})"


class AsyncDatabaseManager:
    """As :class:`DatabaseManager`, to be awaited. Functions given to ``run`` and ``read`` are the same plain ones."""

    def __init__(
        self,
        url: str | sa.URL,
        *,
        metadata: sa.MetaData = Base.metadata,
        replica_url: str | sa.URL | None = None,
        replica_fallback: bool = False,
        options: EngineOptions | None = None,
        **choices: Unpack[EngineChoices],
    ) -> None:
        self._routing = Routing(
            url,
            replica_url,
            replica_fallback=replica_fallback,
            metadata=metadata,
            options=replace(options or EngineOptions(), **choices),
        )
        self._links = {
            target: EnginePerLoop(target, self._routing.options, AsyncModelSessions.of)
            for target in self._routing.targets
        }

    @property
    def metadata(self) -> sa.MetaData:
        """The tables it makes."""
        return self._routing.metadata

    @property
    def target(self) -> Target:
        """Which database it is."""
        return self._routing.primary

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine of the primary, for the running event loop."""
        return self._links[self._routing.primary].here()[0]

    @property
    def replica_engine(self) -> AsyncEngine | None:
        """SQLAlchemy's engine of the replica, for the running event loop; None where there is none."""
        return None if self._routing.replica is None else self._links[self._routing.replica].here()[0]

    @asynccontextmanager
    async def session(self, *, readonly: bool = False) -> AsyncIterator[AsyncSession]:
        """Open a session for one unit of work: committed at the end, rolled back on an error, always closed.

        A task that is cancelled inside leaves its unit done or not done, never half, and its connection free.
        """
        target = await self._route(readonly=readonly)
        with self._routing.translating(target, readonly=readonly):
            async with self._unit(target, readonly=readonly) as session:
                yield session

    async def run(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit of work. Repeats and raises as :meth:`DatabaseManager.run`."""
        return await self._run(lambda session: fn(session, *args, **kwargs), readonly=False)

    async def read(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`run`, in a session that only reads."""
        return await self._run(lambda session: fn(session, *args, **kwargs), readonly=True)

    async def _run(self, work: Callable[[Session], T], *, readonly: bool) -> T:
        retrying = self._routing.retrying(readonly=readonly)
        while True:
            target = await self._route(readonly=readonly)
            try:
                async with self._unit(target, readonly=readonly) as session:
                    return finished(await session.run_sync(lambda inner: work(cast("Session", inner))))
            except DATABASE_ERRORS as error:
                pause = self._routing.pause(retrying, error, target, readonly=readonly)
            await asyncio.sleep(pause)

    def _unit(self, target: Target, *, readonly: bool) -> AbstractAsyncContextManager[AsyncSession]:
        makers = self._links[target].here()[1]
        return async_unit(makers.read() if readonly else makers.write())

    async def _route(self, *, readonly: bool) -> Target:
        routing = self._routing
        target = routing.target(readonly=readonly)
        if routing.must_probe(target):
            try:
                routing.check_open(target)
                async with self._links[target].here()[0].connect():
                    pass
            except _UNREACHED as error:
                return routing.fall_back(error)
        return target

    async def create_tables(self) -> None:
        """Make the tables of the metadata that are not there, histories included; others are left as they are."""
        await self._change_schema(_create)

    async def reset(self, *, confirm: str) -> None:
        """Drop the tables of the metadata and make them anew. Guarded and raises as :meth:`DatabaseManager.reset`."""
        self._routing.primary.check_confirmation(confirm)
        await self._change_schema(_recreate)

    async def _change_schema(self, change: Callable[[sa.Connection, Routing], None]) -> None:
        target = self._routing.target(readonly=False)
        with self._routing.translating(target, readonly=False):
            async with self.engine.connect() as connection:
                await connection.run_sync(change, self._routing)

    async def health_check(self) -> ConnectionHealth:
        """Look whether the database and its replica answer, and describe them; raises nothing when they do not."""
        return self._routing.health({target: await self._look(target) for target in self._routing.targets})

    async def _look(self, target: Target) -> ConnectionHealth:
        started = time.monotonic()
        try:
            self._routing.check_open(target)
            engine, sessions = self._links[target].here()
            async with sessions.read() as session:
                look = await session.run_sync(lambda session: Look.at(session.connection(), target.dialect, started))
        except Exception as error:  # noqa: BLE001 - a health check answers, whatever a driver raises
            return self._routing.failed(target, error)
        return ConnectionHealth.found(target, look, engine.pool)

    async def close(self) -> None:
        """Close the connections of the running event loop; the manager cannot be used any more."""
        self._routing.closed = True
        for engines in self._links.values():
            await engines.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target.safe_url!r})"


def _create(connection: sa.Connection, routing: Routing) -> None:
    with routing.primary.dialect.migrating(connection, wait=routing.options.timeout):
        routing.metadata.create_all(connection)


def _recreate(connection: sa.Connection, routing: Routing) -> None:
    with routing.primary.dialect.migrating(connection, wait=routing.options.timeout):
        routing.metadata.drop_all(connection)
        routing.metadata.create_all(connection)
