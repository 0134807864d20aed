"""The data-layer toolkit on any database and both faces, called without ``await``, so that a promise is tested once."""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from etl_models.db.async_repository import AsyncRepository
from etl_models.db.engine import build_async_engine, build_engine
from etl_models.db.repository import Repository
from etl_models.db.target import Target
from tests.support.faces import Blocking


class Rows(ABC):
    """A session on tables of a test; what it does, it does on the face it stands for."""

    @abstractmethod
    def repository(self, model: type[SQLModel], core: type[Repository[Any]] = Repository) -> Any:
        """A repository of either face behind the blocking signature."""

    @abstractmethod
    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call ``function(session, ...)`` with the blocking session."""

    def commit(self) -> None:
        """End the transaction."""
        self.run(Session.commit)

    def rollback(self) -> None:
        """End the transaction, nothing happened."""
        self.run(Session.rollback)

    def forget(self) -> None:
        """Let everything be read anew."""
        self.run(Session.expunge_all)

    def all(self, statement: Any) -> list[Any]:
        """The rows of a Core statement."""
        return self.run(lambda session: list(session.connection().execute(statement).mappings()))  # type: ignore[no-any-return]


class SyncRows(Rows):
    """On a blocking session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def repository(self, model: type[SQLModel], core: type[Repository[Any]] = Repository) -> Any:
        return core(self.session, model)

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(self.session, *args)


class AsyncRows(Rows):
    """On an asynchronous session."""

    def __init__(self, session: AsyncSession, runner: PresentRunner) -> None:
        self.session = session
        self.runner = runner

    def repository(self, model: type[SQLModel], core: type[Repository[Any]] = Repository) -> Any:
        # Blocking looks at the module to tell our asynchronous objects from others.
        names = {"core": core, "model": model, "__module__": AsyncRepository.__module__}
        kind = type("AsyncKind", (AsyncRepository,), names)
        return Blocking(kind(self.session), cast("asyncio.Runner", self.runner))

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        async def call() -> Any:
            return await self.session.run_sync(function, *args)

        return self.runner.run(call())


class PresentRunner:
    """A runner whose coroutines see the context variables of now; asyncio's sees those of when it was made."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """Run in a copy of the present context."""
        return self._runner.run(coro, context=contextvars.copy_context())


@contextmanager
def opened(url: str, face: str, *tables: sa.Table) -> Iterator[Rows]:
    """Make the tables and open a session on that face; rows stay readable after a commit."""
    target = Target.parse(url)
    engine = build_engine(target)
    with engine.begin() as connection:
        for metadata in {id(table.metadata): table.metadata for table in tables}.values():
            metadata.create_all(connection, [table for table in tables if table.metadata is metadata])
    try:
        if face == "sync":
            with Session(engine, expire_on_commit=False) as session:
                yield SyncRows(session)
        else:
            with asyncio.Runner() as runner:
                yield from _asynchronous(target, PresentRunner(runner))
    finally:
        engine.dispose()


def _asynchronous(target: Target, runner: PresentRunner) -> Iterator[Rows]:
    async def begin() -> tuple[Any, AsyncSession]:
        engine = build_async_engine(target)
        return engine, AsyncSession(engine, expire_on_commit=False)

    async def end(engine: Any, session: AsyncSession) -> None:
        await session.close()
        await engine.dispose()

    engine, session = runner.run(begin())
    try:
        yield AsyncRows(session, runner)
    finally:
        runner.run(end(engine, session))
