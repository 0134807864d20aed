"""Repositories as dependencies, on the session of the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar, overload

from fastapi import Depends

from etl_models.db.async_repository import AsyncRepository
from etl_models.db.fastapi.sessions import get_session_of, get_sync_session_of
from etl_models.db.fastapi.wiring import DEFAULT
from etl_models.db.reading import ReadRepository

A = TypeVar("A", bound=AsyncRepository[Any])
R = TypeVar("R", bound=ReadRepository[Any])


@overload
def get_repository(
    kind: type[A], *, readonly: bool = False, database: str = DEFAULT
) -> Callable[..., Awaitable[A]]: ...
@overload
def get_repository(
    kind: type[R], *, readonly: bool = False, database: str = DEFAULT
) -> Callable[..., Awaitable[R]]: ...
def get_repository(
    kind: type[Any], *, readonly: bool = False, database: str = DEFAULT
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency: a repository of that class on the session of this request.

    Subclasses of ``AsyncRepository`` stand on :func:`get_session`, blocking ones on :func:`get_sync_session` (use them
    in ``def`` routes); with ``readonly`` on the sessions that only read.
    """
    made: Callable[..., Awaitable[Any]] = _repository(kind, readonly, database)  # type: ignore[arg-type]
    return made


@cache
def _repository(kind: type[Any], readonly: bool, name: str) -> Callable[..., Awaitable[Any]]:  # noqa: FBT001
    source: Any = get_session_of if issubclass(kind, AsyncRepository) else get_sync_session_of
    # The very objects of the module: whoever overrides get_session in a test overrides it for repositories too.
    get = source(name, readonly=readonly)

    async def repository(session: Any = Depends(get)) -> Any:
        return kind(session)

    return repository
