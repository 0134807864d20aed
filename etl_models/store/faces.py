"""Operations as methods: a facade names each operation once, and its parameters cannot drift between the two faces.

``list = reads(list_jobs)`` in a class makes ``jobs.list(...)`` run ``list_jobs(session, ...)`` through the executor,
with the parameters, types and documentation of the operation; ``async_reads`` makes the coroutine of the same name.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from sqlalchemy.orm import Session

from etl_models.database import AsyncDatabase, Database

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Method(Protocol[P, T_co]):
    """What a type checker sees of a blocking method."""

    def __get__(self, instance: object, owner: type) -> Callable[P, T_co]: ...


class AsyncMethod(Protocol[P, T_co]):
    """What a type checker sees of an asynchronous method."""

    def __get__(self, instance: object, owner: type) -> Callable[P, Awaitable[T_co]]: ...


class Face:
    """Holds the blocking executor."""

    def __init__(self, database: Database) -> None:
        self._database = database


class AsyncFace:
    """Holds the asynchronous executor."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database


def reads(operation: Callable[Concatenate[Session, P], T]) -> Method[P, T]:
    """Return the method that runs ``operation`` as a unit that only reads."""

    def method(self: Face, *args: Any, **kwargs: Any) -> T:
        return self._database.read(cast("Callable[..., T]", operation), *args, **kwargs)

    return cast("Method[P, T]", _presented(method, operation))


def writes(operation: Callable[Concatenate[Session, P], T]) -> Method[P, T]:
    """Return the method that runs ``operation`` as a unit that may write."""

    def method(self: Face, *args: Any, **kwargs: Any) -> T:
        return self._database.run(cast("Callable[..., T]", operation), *args, **kwargs)

    return cast("Method[P, T]", _presented(method, operation))


def async_reads(operation: Callable[Concatenate[Session, P], T]) -> AsyncMethod[P, T]:
    """Return the coroutine method that runs ``operation`` as a unit that only reads."""

    async def method(self: AsyncFace, *args: Any, **kwargs: Any) -> T:
        return await self._database.read(cast("Callable[..., T]", operation), *args, **kwargs)

    return cast("AsyncMethod[P, T]", _presented(method, operation))


def async_writes(operation: Callable[Concatenate[Session, P], T]) -> AsyncMethod[P, T]:
    """Return the coroutine method that runs ``operation`` as a unit that may write."""

    async def method(self: AsyncFace, *args: Any, **kwargs: Any) -> T:
        return await self._database.run(cast("Callable[..., T]", operation), *args, **kwargs)

    return cast("AsyncMethod[P, T]", _presented(method, operation))


def _presented(method: Callable[..., Any], operation: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``method`` the documentation of ``operation`` and its signature, with ``self`` in place of the session."""
    signature = inspect.signature(operation)
    _, *rest = signature.parameters.values()
    update_wrapper(method, operation)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[itself, *rest])  # type: ignore[attr-defined]
    method.__annotations__ = {name: note for name, note in method.__annotations__.items() if name != "session"}
    return method
