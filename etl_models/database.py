"""The two executors, ``Database`` and ``AsyncDatabase``: they run operations as units of work.

A unit is one session, one transaction and one call of a plain function ``fn(session, ...)``. When another transaction
or a lost connection gets in the way, the whole unit is run again: ``fn`` is called anew, with a new session. So it
must do nothing but use its session, and ids that shall be the same in every attempt are made by the caller and passed
in. One case needs them: a connection lost during COMMIT leaves open whether the first attempt took effect.

Promises: an executor may be shared by threads (``AsyncDatabase``: by tasks, and used in one event loop after the
other); a forked child may go on using it; cancelling an asynchronous unit leaves it done or not done, never half.
Units do not nest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, NoReturn, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models import revisions
from etl_models.db.bases import metadata
from etl_models.db.dialects.base import EngineOptions
from etl_models.db.engine import build_engine, has_driver
from etl_models.db.health import Look
from etl_models.db.retry import DATABASE_ERRORS, Retrying
from etl_models.db.sessions import AsyncSessions, EnginePerLoop, Sessions
from etl_models.db.target import Target
from etl_models.db.translate import give_up, translate
from etl_models.errors import DatabaseUnavailableError, EtlModelsError, SchemaVersionError
from etl_models.reads.health import DatabaseHealth
from etl_models.settings import DatabaseSettings, Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("etl_models")

_active: ContextVar[frozenset[int]] = ContextVar("etl_models_active_units", default=frozenset())


class _Plan:
    """What both faces share: settings, the rules about the schema, retrying and translation. Does no I/O."""

    def __init__(self, url: str | None, settings: Settings | None, on_created: Callable[[str], None] | None) -> None:
        self.settings = (settings or load_settings(database_url=url)).database
        if url is not None:
            self.settings = self.settings.model_copy(update={"url": type(self.settings.url)(url)})
        self.target = _target(self.settings)
        self.options = EngineOptions(
            pool_size=self.settings.pool_size,
            max_overflow=self.settings.max_overflow,
            pool_recycle=self.settings.pool_recycle,
            timeout=self.settings.timeout,
            statement_timeout=self.settings.statement_timeout,
            transaction_pooling=self.settings.transaction_pooling,
        )
        self.schema_is_ready = False
        self.closed = False
        self._on_created = on_created or self._log_created

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Refuse a unit inside a unit: on SQLite it would wait for itself."""
        if self.closed:
            raise DatabaseUnavailableError(f"the connection to {self.target.label} was closed by this program")
        active = _active.get()
        if id(self) in active:
            raise EtlModelsError("units of work do not nest: pass the session on instead of calling run() inside")
        token = _active.set(active | {id(self)})
        try:
            yield
        finally:
            _active.reset(token)

    def retrying(self, *, read_only: bool) -> Retrying:
        """Return the attempts of one unit."""
        return Retrying(self.target.dialect, self.settings.timeout, read_only=read_only)

    def pause(self, retrying: Retrying, error: BaseException, *, read_only: bool) -> float:
        """Return the seconds to wait before the next attempt; raises our error when there shall be none."""
        pause = retrying.pause_after(error)
        if pause is None:
            self.give_up(error, read_only=read_only)
        logger.debug("%s: attempt %d failed, trying again", self.target.label, retrying.failures)
        return pause

    def give_up(self, error: BaseException, *, read_only: bool = False) -> NoReturn:
        """Raise our error for a driver's."""
        try:
            give_up(error, self.target, metadata, read_only=read_only)
        except SchemaVersionError:
            self.schema_is_ready = False  # somebody changed it meanwhile; the next unit looks again
            raise

    def check_file(self, *, read_only: bool) -> bool:
        """Say whether the file has to be made first; a read of a missing one is refused, it would make an empty one."""
        if not self.target.is_missing:
            return False
        if read_only:
            raise DatabaseUnavailableError(
                f"there is no database at {self.target.place}; "
                "it is created by the first write, or by: etl-models db upgrade",
                **self.target.facts,
            )
        return True

    def must_migrate(self, current: str | None, *, read_only: bool) -> bool:
        """Judge the schema; True when the caller has to migrate it first. Raises SchemaVersionError otherwise."""
        if current == revisions.head():
            return False
        if current is not None and not revisions.is_known(current):
            raise self._schema_error(current, "is newer than this version of etl-models, upgrade the package")
        migrates_itself = self.target.dialect.name == "sqlite" or self.settings.auto_migrate
        if self.target.is_memory or (migrates_itself and not read_only):
            return True
        raise self._schema_error(current, "has to be migrated; run: etl-models db upgrade")

    def _schema_error(self, current: str | None, remedy: str) -> SchemaVersionError:
        head = revisions.head()
        return SchemaVersionError(
            f"the schema of {self.target.label} has revision {current or 'none'}, "
            f"this version needs {head}: it {remedy}",
            **self.target.facts,
            current=current,
            head=head,
        )

    def announce(self) -> None:
        """Tell that a database file was made."""
        self._on_created(str(self.target.file))

    def _log_created(self, file: str) -> None:
        # Without any logging configuration a warning reaches stderr: nobody chose this place, so it has to be told.
        level = logging.WARNING if self.settings.is_default_url else logging.INFO
        logger.log(level, "created the database %s", file)

    def healthy(self, session: Session, started: float) -> DatabaseHealth:
        """Look around; ``started`` is the monotonic time before the session was asked for."""
        connection = session.connection()
        look = Look.at(connection, self.target.dialect, started)
        current = revisions.current(connection)
        problem: str | None = None
        try:
            if self.must_migrate(current, read_only=True):
                problem = "the schema has not been made yet"
        except SchemaVersionError as error:
            problem = error.message
        return self._health(
            problem,
            server_version=look.server_version,
            latency_ms=look.latency_ms,
            schema_revision=current,
            facts=dict(look.facts),
        )

    def unhealthy(self, error: BaseException) -> DatabaseHealth:
        """Describe a database that could not be looked at."""
        problem = error if isinstance(error, EtlModelsError) else translate(error, self.target, metadata)
        return self._health(problem.message)

    def _health(self, problem: str | None, **found: object) -> DatabaseHealth:
        return DatabaseHealth.model_validate(
            {
                "ok": problem is None,
                "error": problem,
                "url": self.target.safe_url,
                "dialect": self.target.dialect.name,
                "schema_head": revisions.head(),
                **found,
            }
        )


def _target(settings: DatabaseSettings) -> Target:
    target = Target.parse(settings.url.get_secret_value())
    if settings.password is None or target.url.password is not None or target.dialect.name == "sqlite":
        return target
    return Target(target.url.set(password=settings.password.get_secret_value()), target.dialect)


class Database:
    """The blocking executor. ``url`` wins over ``settings``; without either, settings are loaded.

    ``on_created`` is called with the path when a SQLite file was created; by default it is logged, loudly when
    nobody had chosen the place. Nothing is opened before the first unit.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        on_created: Callable[[str], None] | None = None,
    ) -> None:
        self._plan = _Plan(url, settings, on_created)
        self._engine = build_engine(self._plan.target, self._plan.options)
        self._sessions = Sessions.of(self._engine, self._plan.target.dialect)

    @property
    def target(self) -> Target:
        """Which database it is."""
        return self._plan.target

    @property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine, for what is no unit of work."""
        return self._engine

    def run(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit that may write, and commit it.

        Raises what ``fn`` raises, after a rollback; DatabaseUnavailableError when the database stays away or busy;
        SchemaVersionError when its schema is another one; DuplicateError, ConflictError or InvalidInputError when a
        constraint refuses a value.
        """
        return self._unit(fn, args, kwargs, read_only=False)

    def read(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit that only reads, all of it at one moment. Raises as :meth:`run`."""
        return self._unit(fn, args, kwargs, read_only=True)

    def _unit(self, fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], *, read_only: bool) -> T:
        plan = self._plan
        maker = self._sessions.read if read_only else self._sessions.write
        retrying = plan.retrying(read_only=read_only)
        with plan.unit():
            while True:
                try:
                    if not plan.schema_is_ready:
                        self._make_ready(read_only=read_only)
                    with maker() as session, session.begin():
                        return fn(session, *args, **kwargs)
                except DATABASE_ERRORS as error:
                    pause = plan.pause(retrying, error, read_only=read_only)
                time.sleep(pause)

    def _make_ready(self, *, read_only: bool) -> None:
        plan = self._plan
        is_new = plan.check_file(read_only=read_only)
        with self._sessions.read() as session:
            current = revisions.current(session.connection())
        if plan.must_migrate(current, read_only=read_only):
            self._migrate()
        plan.schema_is_ready = True
        if is_new:
            plan.announce()

    def _migrate(self) -> None:
        from etl_models import migrate

        with self._engine.connect() as connection:
            migrate.upgrade(connection if self.target.is_memory else self.target)

    def create_tables(self) -> None:
        """Bring the schema to the newest revision, creating everything where there is nothing.

        Raises SchemaVersionError when the schema is newer than this library.
        """
        is_new = self._plan.check_file(read_only=False)
        self._migrate()
        self._plan.schema_is_ready = True
        if is_new:
            self._plan.announce()

    def reset(self, *, confirm: str) -> None:
        """Drop all tables of ours with everything in them, and make them anew; a user's own tables stay.

        ``confirm`` has to be the name of the database (of a SQLite database: of its file). Raises InvalidInputError
        otherwise, and nothing has happened.
        """
        from etl_models import migrate

        self.target.check_confirmation(confirm)
        with self._engine.connect() as connection:
            migrate.drop_all(connection)
        self.create_tables()

    def health_check(self) -> DatabaseHealth:
        """Look whether the database can be used, and describe it; raises nothing when it cannot."""
        started = time.monotonic()
        try:
            self._plan.check_file(read_only=True)
            with self._sessions.read() as session:
                return self._plan.healthy(session, started)
        except (*DATABASE_ERRORS, EtlModelsError) as error:
            return self._plan.unhealthy(error)

    def close(self) -> None:
        """Close all connections; the executor cannot be used any more."""
        self._plan.closed = True
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target.safe_url!r})"


class AsyncDatabase:
    """The asynchronous executor: as :class:`Database`, with ``await``. ``fn`` is the same plain function."""

    def __init__(
        self,
        url: str | None = None,
        *,
        settings: Settings | None = None,
        on_created: Callable[[str], None] | None = None,
    ) -> None:
        self._plan = _Plan(url, settings, on_created)
        self._engines = EnginePerLoop(self._plan.target, self._plan.options, AsyncSessions.of)

    @property
    def target(self) -> Target:
        """Which database it is."""
        return self._plan.target

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine of the running event loop."""
        return self._engines.here()[0]

    async def run(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit that may write, and commit it. Raises as :meth:`Database.run`."""
        return await self._unit(fn, args, kwargs, read_only=False)

    async def read(self, fn: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(session, ...)`` as one unit that only reads, all of it at one moment."""
        return await self._unit(fn, args, kwargs, read_only=True)

    async def _unit(
        self, fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], *, read_only: bool
    ) -> T:
        plan = self._plan
        retrying = plan.retrying(read_only=read_only)
        with plan.unit():
            _, sessions = self._engines.here()
            maker = sessions.read if read_only else sessions.write
            while True:
                try:
                    if not plan.schema_is_ready:
                        await self._make_ready(read_only=read_only)
                    async with maker() as session, session.begin():
                        return await session.run_sync(fn, *args, **kwargs)
                except DATABASE_ERRORS as error:
                    pause = plan.pause(retrying, error, read_only=read_only)
                await asyncio.sleep(pause)

    async def _make_ready(self, *, read_only: bool) -> None:
        plan = self._plan
        is_new = plan.check_file(read_only=read_only)
        async with self._engines.here()[1].read() as session:
            current = await session.run_sync(lambda session: revisions.current(session.connection()))
        if plan.must_migrate(current, read_only=read_only):
            await self._migrate()
        plan.schema_is_ready = True
        if is_new:
            plan.announce()

    async def _migrate(self) -> None:
        """Migrate in a thread, on a blocking connection; on ours where there is no other way."""
        from etl_models import migrate

        if self.target.is_memory or not has_driver(self.target, asynchronous=False):
            async with self.engine.connect() as connection:
                await connection.run_sync(migrate.upgrade)
        else:
            await asyncio.to_thread(migrate.upgrade, self.target)

    async def create_tables(self) -> None:
        """Bring the schema to the newest revision. Raises as :meth:`Database.create_tables`."""
        is_new = self._plan.check_file(read_only=False)
        await self._migrate()
        self._plan.schema_is_ready = True
        if is_new:
            self._plan.announce()

    async def reset(self, *, confirm: str) -> None:
        """Drop all tables of ours with everything in them, and make them anew. Raises as :meth:`Database.reset`."""
        from etl_models import migrate

        self.target.check_confirmation(confirm)
        async with self.engine.connect() as connection:
            await connection.run_sync(migrate.drop_all)
        await self.create_tables()

    async def health_check(self) -> DatabaseHealth:
        """Look whether the database can be used, and describe it; raises nothing when it cannot."""
        started = time.monotonic()
        try:
            self._plan.check_file(read_only=True)
            async with self._engines.here()[1].read() as session:
                return await session.run_sync(self._plan.healthy, started)
        except (*DATABASE_ERRORS, EtlModelsError) as error:
            return self._plan.unhealthy(error)

    async def close(self) -> None:
        """Close all connections; the executor cannot be used any more."""
        self._plan.closed = True
        await self._engines.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target.safe_url!r})"
