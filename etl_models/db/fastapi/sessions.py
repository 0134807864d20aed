"""A session per request: committed before the response is sent, rolled back on errors, always closed.

The commit is part of the request: whatever it raises becomes the response, and no client is told of a row that is not
there. A request whose client has gone, or whose task is cancelled, is rolled back. A response that is streamed begins
after the commit, so its generator opens a session of its own.

Within one request everything that asks for the same database and the same kind of session shares one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import cache
from types import TracebackType
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, Semaphore, to_thread
from anyio.lowlevel import RunVar
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import ClientDisconnect, HTTPConnection

from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.fastapi.wiring import DEFAULT, database

T = TypeVar("T")


def get_session_of(name: str = DEFAULT, *, readonly: bool = False) -> Callable[..., Awaitable[AsyncSession]]:
    """Return a dependency: the asynchronous session of this request on the database connected as ``name``.

    With ``readonly`` it reads from the replica, where there is one, and refuses to write. The same arguments give the
    same dependency.
    """
    return _asynchronous(name, readonly)


def get_sync_session_of(name: str = DEFAULT, *, readonly: bool = False) -> Callable[..., Awaitable[Session]]:
    """Return a dependency: as :func:`get_session_of`, a blocking session for ``def`` routes."""
    return _blocking(name, readonly)


@cache
def _asynchronous(name: str, readonly: bool) -> Callable[..., Awaitable[AsyncSession]]:  # noqa: FBT001

    async def opened(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
        manager = database(connection.app, AsyncDatabaseManager, name)
        async with _shielded(manager.session(readonly=readonly)) as session:
            yield session
            await _check_client(connection, readonly=readonly)

    # "function": it ends when the route has returned, before the response is sent. The session is handed on by a plain
    # dependency, so that Depends(get_session) is right without further words.
    async def session(session: AsyncSession = Depends(opened, scope="function")) -> AsyncSession:
        """The session of this request."""
        return session

    return session


async def _thread_to_spare() -> AsyncIterator[None]:
    """Let at most half of the worker threads belong to requests with blocking sessions.

    If all of them waited for a connection or a lock, the request that has it could not end: FastAPI needs a thread for
    its answer. One turn per request, however many sessions it has; whoever waits for it holds nothing.
    """
    turns = _turns.get(None)
    if turns is None:
        threads = to_thread.current_default_thread_limiter().total_tokens
        turns = Semaphore(max(1, int(min(threads, _MANY) // 2)))
        _turns.set(turns)
    async with turns:
        yield


_MANY = 1000
_turns: RunVar[Semaphore | None] = RunVar("etl_models_blocking_requests")


@cache
def _blocking(name: str, readonly: bool) -> Callable[..., Awaitable[Session]]:  # noqa: FBT001
    async def opened(
        connection: HTTPConnection, _: None = Depends(_thread_to_spare, scope="function")
    ) -> AsyncIterator[Session]:
        manager = database(connection.app, DatabaseManager, name)
        async with _shielded(_InThread(manager.session(readonly=readonly))) as session:
            yield session
            await _check_client(connection, readonly=readonly)

    async def session(session: Session = Depends(opened, scope="function")) -> Session:
        """The session of this request."""
        return session

    return session


get_session = get_session_of()
"""The asynchronous session of this request."""
get_read_session = get_session_of(readonly=True)
"""As :func:`get_session`, for routes that only read: on the replica where there is one."""
get_sync_session = get_sync_session_of()
"""The blocking session of this request, for ``def`` routes."""
get_sync_read_session = get_sync_session_of(readonly=True)
"""As :func:`get_sync_session`, for routes that only read: on the replica where there is one."""


@asynccontextmanager
async def _shielded(manager: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Let the end of the block run to its end: a cancelled task could neither roll back nor return a connection."""
    entered = await manager.__aenter__()
    try:
        yield entered
    except BaseException as error:
        with CancelScope(shield=True):
            swallowed = await manager.__aexit__(type(error), error, error.__traceback__)
        if not swallowed:
            raise
    else:
        with CancelScope(shield=True):
            await manager.__aexit__(None, None, None)


class _InThread(AbstractAsyncContextManager[T]):
    """A blocking context manager, entered and left in a worker thread."""

    def __init__(self, manager: AbstractContextManager[T]) -> None:
        self._manager = manager

    async def __aenter__(self) -> T:
        return await run_in_threadpool(self._manager.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        # Not one of the threads that routes use: all of them may be waiting for the connection that is given back here.
        return await to_thread.run_sync(self._manager.__exit__, kind, error, traceback, limiter=CapacityLimiter(1))


async def _check_client(connection: HTTPConnection, *, readonly: bool) -> None:
    """Raise ClientDisconnect when nobody waits for the answer any more."""
    if readonly or not isinstance(connection, Request):
        return
    # A body that the route did not read stands before the news: the first look takes it away.
    if await connection.is_disconnected() or await connection.is_disconnected():
        raise ClientDisconnect
