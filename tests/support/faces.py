"""The asynchronous face behind the blocking one's signature, so that a promise is tested once and run on both."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self


class Blocking:
    """Wraps an asynchronous object: every awaitable is awaited, every ``async with`` becomes ``with``.

    ``Blocking(AsyncDatabase(url)).run(fn)`` behaves like ``Database(url).run(fn)``. Objects that come back are wrapped
    when they are asynchronous themselves. Use it in plain tests only: it brings its own event loop.
    """

    def __init__(self, wrapped: Any, runner: asyncio.Runner) -> None:
        self._wrapped = wrapped
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        return self._blocking(value) if callable(value) else self._outside(value)

    def __enter__(self) -> Self:
        entered = self._runner.run(_call(self._wrapped.__aenter__))
        return self if entered is self._wrapped else type(self)(entered, self._runner)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        suppressed: bool | None = self._runner.run(_call(self._wrapped.__aexit__, kind, error, traceback))
        return suppressed

    def _blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            inner = [argument._wrapped if isinstance(argument, Blocking) else argument for argument in args]
            return self._outside(self._runner.run(_call(function, *inner, **kwargs)))

        return call

    def _outside(self, value: Any) -> Any:
        if value is self._wrapped:
            return self
        return type(self)(value, self._runner) if _is_asynchronous(value) else value


def _is_asynchronous(value: Any) -> bool:
    """Whether it is an asynchronous context manager, or one of our objects with coroutine methods."""
    kind = type(value)
    if hasattr(kind, "__aenter__"):
        return True
    return kind.__module__.split(".")[0] == "etl_models" and any(
        inspect.iscoroutinefunction(member) for name, member in inspect.getmembers(kind) if not name.startswith("_")
    )


async def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call inside the loop, because some objects tie themselves to the running one when they are made."""
    result = function(*args, **kwargs)
    return await result if isinstance(result, Awaitable) else result
