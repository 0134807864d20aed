"""``Blocking``: an asynchronous object behaves like its blocking twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import pytest


class Shop:
    """An asynchronous object with what faces have: methods, a property, context managers, chaining."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def __aenter__(self) -> Self:
        self.log.append("open")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.log.append("closed")

    @property
    def till(self) -> Shop:
        return Shop()

    async def sell(self, what: str) -> str:
        await asyncio.sleep(0)
        return f"sold {what}"

    async def fail(self) -> None:
        raise LookupError("nothing left")

    def note(self, text: str) -> Self:
        asyncio.get_running_loop()
        self.log.append(text)
        return self

    @asynccontextmanager
    async def customer(self) -> AsyncIterator[Shop]:
        yield self


@pytest.fixture
def shop(blocking: Callable[[Any], Any]) -> Any:
    """The shop without ``await``."""
    return blocking(Shop())


def test_coroutines_give_their_results(shop: Any) -> None:
    """A coroutine method is called like a plain one, on nested objects as well."""
    assert shop.sell("tea") == "sold tea"
    assert shop.till.sell("tea") == "sold tea"


def test_errors_are_those_of_the_wrapped_object(shop: Any) -> None:
    """What the coroutine raises is raised."""
    with pytest.raises(LookupError, match="nothing left"):
        shop.fail()


def test_context_managers_open_and_close(shop: Any) -> None:
    """``async with`` becomes ``with``, for the object itself and for what its methods return."""
    with shop as opened, opened.customer() as customer:
        assert customer.sell("tea") == "sold tea"
    assert shop.log == ["open", "closed"]


def test_plain_methods_run_inside_the_loop_and_chain(shop: Any) -> None:
    """A method that returns its object can be chained."""
    assert shop.note("a").note("b").log == ["a", "b"]
