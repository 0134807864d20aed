"""What could not be recorded: counted, kept, and told once, never loudly enough to drown the pipeline's own log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, TypeVar

from etl_models.domain.redaction import redact
from etl_models.domain.text import printable, short
from etl_models.errors import (
    AccessDeniedError,
    ConfigurationError,
    DatabaseUnavailableError,
    EtlModelsError,
    SchemaVersionError,
    TransitionError,
)
from etl_models.operations.recording.batches import Command

T = TypeVar("T")

logger = logging.getLogger("etl_models.recorder")

_PASSING = (DatabaseUnavailableError, SchemaVersionError, AccessDeniedError, ConfigurationError)
"""Errors of the store itself: whoever runs it can make them go away."""

_MAX_TOLD = 100
_MAX_MESSAGE = 2000


class Answer(Enum):
    """What a write gives that did not happen."""

    MISSED = auto()
    """The store could not be reached, or not in time: the same may work later."""
    REFUSED = auto()
    """The store took the command and refused it: the same will never work."""


class Ledger:
    """Decides what becomes of errors: raised when ``strict``, else logged and counted. Threads may share it."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.dropped = 0
        self.last_error: Exception | None = None
        self._lock = threading.Lock()
        self._in_trouble = False
        self._told: set[str] = set()

    def written(self) -> None:
        """Note that the store works."""
        if self._in_trouble:
            self._in_trouble = False
            logger.warning("recording works again; %d records were dropped so far", self.dropped)

    def missed(self, commands: Sequence[Command], error: Exception) -> Answer:
        """Note that a write failed, and say in which way; raises the error when strict. Told once for each outage."""
        is_first = self._count(len(commands), error)
        if self.strict:
            raise error
        names = ", ".join(command.name for command in commands)
        if is_first:
            logger.warning("%s could not be recorded, the pipeline goes on without: %s", names, describe(error))
        else:
            logger.debug("%s could not be recorded: %s", names, describe(error))
        return Answer.MISSED if isinstance(error, _PASSING) else Answer.REFUSED

    def made_up(self, count: int) -> None:
        """Take back what was counted as dropped and is kept after all, or could be written later."""
        with self._lock:
            self.dropped -= count

    def skipped(self, count: int) -> None:
        """Note writes that were not tried, because what they belong to is not recorded."""
        with self._lock:
            self.dropped += count

    def mistake(self, error: Exception) -> None:
        """Note an argument that cannot be recorded; raises the error when strict. Each is told once."""
        if self.strict:
            raise error
        text = describe(error)
        with self._lock:
            self.dropped += 1
            self.last_error = error
            tell = text not in self._told and len(self._told) < _MAX_TOLD
            if tell:
                self._told.add(text)
        if tell:
            more = "; others like it are only counted from now on" if len(self._told) == _MAX_TOLD else ""
            logger.warning("left out of the record: %s%s", text, more)

    def lost(self, reason: str) -> None:
        """Note that a change of state was refused; the history keeps it. Raises TransitionError when strict."""
        if self.strict:
            raise TransitionError(reason)
        logger.warning("a change of state was refused, the history keeps the request: %s", printable(reason))

    def tolerated(self, check: Callable[[Any], T], value: object, default: T) -> T:
        """Return the checked value, or ``default`` for one that is a mistake."""
        try:
            return check(value)
        except Exception as error:  # noqa: BLE001  (whatever a caller's object does must not reach the pipeline)
            self.mistake(error)
            return default

    def close(self) -> None:
        """Say at the end how much is missing."""
        if self.dropped:
            logger.warning(
                "%d records were dropped in all; the last reason: %s", self.dropped, describe(self.last_error)
            )

    def _count(self, number: int, error: Exception) -> bool:
        with self._lock:
            self.dropped += number
            self.last_error = error
            is_first, self._in_trouble = not self._in_trouble, True
        return is_first


def describe(error: BaseException | None) -> str:
    """Write an error in one line for a log: no secrets, no control characters, nothing endless."""
    if error is None:
        return "unknown"
    try:
        text = error.message if isinstance(error, EtlModelsError) else f"{type(error).__name__}: {error}"
        return printable(short(redact(text[:_MAX_MESSAGE]), _MAX_MESSAGE))
    except Exception:  # noqa: BLE001  (an exception whose text raises)
        return type(error).__name__
