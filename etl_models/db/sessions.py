"""Sessions of both faces: one kind that writes, one that only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from etl_models.db.dialects.base import DatabaseDialect

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker


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
