"""SQLModel's sessions for users: one kind that writes, one that refuses to; and how each of them ends."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session

from etl_models.db.dialects.base import DatabaseDialect
from etl_models.db.errors import ReadOnlyError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
    from sqlmodel.ext.asyncio.session import AsyncSession

T = TypeVar("T")

REFUSAL = "this session only reads; open session() without readonly=True to write"


class ReadOnlySession(Session):
    """Refuses to flush changes: otherwise they would be lost without a word, or refused late by the database."""


@event.listens_for(ReadOnlySession, "before_flush")
def _refuse(session: Session, *_: Any) -> None:
    if session.new or session.deleted or any(session.is_modified(row) for row in session.dirty):
        raise ReadOnlyError(REFUSAL)


@dataclass(frozen=True, slots=True)
class ModelSessions:
    """Makers of blocking sessions; rows stay readable after the commit."""

    write: sessionmaker[Session]
    read: sessionmaker[Session]

    @classmethod
    def of(cls, engine: sa.Engine, dialect: DatabaseDialect) -> Self:
        """Bind both makers to one engine, hence to one pool."""
        reader = engine.execution_options(**dialect.read_options())
        return cls(
            sessionmaker(engine, class_=Session, expire_on_commit=False),
            sessionmaker(reader, class_=ReadOnlySession, expire_on_commit=False),
        )


@dataclass(frozen=True, slots=True)
class AsyncModelSessions:
    """As :class:`ModelSessions`, for the asynchronous face."""

    write: async_sessionmaker[AsyncSession]
    read: async_sessionmaker[AsyncSession]

    @classmethod
    def of(cls, engine: AsyncEngine, dialect: DatabaseDialect) -> Self:
        """Bind both makers to one engine, hence to one pool."""
        from sqlalchemy.ext.asyncio import async_sessionmaker

        from etl_models.db.async_model_session import AsyncModelSession

        reader = engine.execution_options(**dialect.read_options())
        return cls(
            async_sessionmaker(engine, class_=AsyncModelSession, expire_on_commit=False),
            async_sessionmaker(
                reader, class_=AsyncModelSession, sync_session_class=ReadOnlySession, expire_on_commit=False
            ),
        )


def finished(result: T) -> T:
    """Return what a function did in a unit. Raises TypeError for a coroutine, of which nothing has run yet."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("run and read take a plain function, also when they are awaited; this one is async")
    return result


@contextmanager
def unit(session: Session) -> Iterator[Session]:
    """Commit at the end, roll back when an error comes out, close in any case."""
    try:
        yield session
        session.commit()
    except BaseException:
        _abandon(session)
        raise
    session.close()


@asynccontextmanager
async def async_unit(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """As :func:`unit`; a task that is cancelled rolls back and closes as well, however often it is cancelled."""
    try:
        yield session
        await session.commit()
    except BaseException:
        # In a task of its own, which no cancellation reaches.
        await asyncio.shield(asyncio.ensure_future(session.run_sync(_abandon)))
        raise
    await asyncio.shield(asyncio.ensure_future(session.close()))


def _abandon(session: PlainSession) -> None:
    try:
        session.rollback()
    except sa.exc.SQLAlchemyError:  # of a connection that is gone; what went wrong before is what matters
        pass
    finally:
        session.close()
