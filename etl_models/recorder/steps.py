"""How a recording asks for writes: generators that yield commands and are sent what became of them.

The logic is written once, in such generators; a driver of each face carries the commands out, and knows nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeAlias, TypeVar

from etl_models.operations.recording.batches import Command

T = TypeVar("T")

Commands: TypeAlias = tuple[Command, ...]
Steps: TypeAlias = Generator[Commands, Any, T]


def drive(steps: Steps[T], write: Callable[[Commands], Any]) -> T:
    """Run steps to their end; ``write`` carries out the commands of one transaction and returns the last result."""
    resume: Callable[[], Commands] = lambda: next(steps)  # noqa: E731  (replaced in every round)
    while True:
        try:
            commands = resume()
        except StopIteration as stop:
            result: T = stop.value
            return result
        try:
            answer = write(commands)
        except BaseException as error:  # noqa: BLE001  (the steps put back what they had taken, and raise it again)
            resume = _thrower(steps, error)
        else:
            resume = _sender(steps, answer)


async def drive_async(steps: Steps[T], write: Callable[[Commands], Awaitable[Any]]) -> T:
    """As :func:`drive`, for a ``write`` that is awaited."""
    resume: Callable[[], Commands] = lambda: next(steps)  # noqa: E731  (as above)
    while True:
        try:
            commands = resume()
        except StopIteration as stop:
            result: T = stop.value
            return result
        try:
            answer = await write(commands)
        except BaseException as error:  # noqa: BLE001  (as above)
            resume = _thrower(steps, error)
        else:
            resume = _sender(steps, answer)


def _sender(steps: Steps[T], answer: Any) -> Callable[[], Commands]:
    return lambda: steps.send(answer)


def _thrower(steps: Steps[T], error: BaseException) -> Callable[[], Commands]:
    return lambda: steps.throw(error)
