"""Sessions of both faces: one kind that writes, one that only reads."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from etl_models.db.dialects.base import DatabaseDialect, EngineOptions
from etl_models.db.engine import build_async_engine
from etl_models.db.target import Target

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

Makers = TypeVar("Makers")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makers of blocking sessions; rows stay readable after the commit."""

    write: sessionmaker[Session]
    read: sessionmaker[Session]

    @classmethod
    def of(cls, engine: sa.Engine, dialect: DatabaseDialect) -> Self:
        """Bind both makers to one engine, hence to one pool."""
        reader = engine.execution_options(**dialect.read_options())
        return cls(sessionmaker(engine, expire_on_commit=False), sessionmaker(reader, expire_on_commit=False))


@dataclass(frozen=True, slots=True)
class AsyncSessions:
    """As :class:`Sessions`, for the asynchronous face."""

    write: async_sessionmaker[AsyncSession]
    read: async_sessionmaker[AsyncSession]

    @classmethod
    def of(cls, engine: AsyncEngine, dialect: DatabaseDialect) -> Self:
        """Bind both makers to one engine, hence to one pool."""
        from sqlalchemy.ext.asyncio import async_sessionmaker

        reader = engine.execution_options(**dialect.read_options())
        return cls(
            async_sessionmaker(engine, expire_on_commit=False), async_sessionmaker(reader, expire_on_commit=False)
        )


class EnginePerLoop(Generic[Makers]):
    """One asynchronous engine for each event loop: a connection belongs to the loop that opened it.

    ``sessions`` makes the makers of sessions that go with an engine. A database in memory is its connection, so it has
    one engine for all loops (its driver does not mind).
    """

    def __init__(
        self,
        target: Target,
        options: EngineOptions,
        sessions: Callable[[AsyncEngine, DatabaseDialect], Makers],
    ) -> None:
        self._target = target
        self._options = options
        self._sessions = sessions
        self._made: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[AsyncEngine, Makers]] = (
            weakref.WeakKeyDictionary()
        )
        self._memory: tuple[AsyncEngine, Makers] | None = None

    def here(self) -> tuple[AsyncEngine, Makers]:
        """Return engine and sessions of the running loop. Raises ConfigurationError when the driver is missing."""
        if self._target.is_memory:
            if self._memory is None:
                self._memory = self._make()
            return self._memory
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]

    def _make(self) -> tuple[AsyncEngine, Makers]:
        engine = build_async_engine(self._target, self._options)
        return engine, self._sessions(engine, self._target.dialect)

    async def close(self) -> None:
        """Close the connections of the running loop; those of ended loops can only be dropped."""
        here = asyncio.get_running_loop()
        for loop, (engine, _) in list(self._made.items()):
            await engine.dispose(close=loop is here)
        if self._memory is not None:
            await self._memory[0].dispose()
