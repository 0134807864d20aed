"""SQLModel's asynchronous session, without its warning about ``execute``: a toolkit's user may run any statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlmodel.ext.asyncio.session import AsyncSession


class AsyncModelSession(AsyncSession):
    """Takes ``exec()`` for selects as SQLModel has it, and ``execute()`` for all else, as the blocking session does."""

    if not TYPE_CHECKING:
        execute = PlainAsyncSession.execute
