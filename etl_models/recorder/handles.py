"""The part of a handle that needs no store, the same in both faces: what can be noted and what can be asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.domain.vocabulary import DataDirection
from etl_models.operations.recording.components import finishing_component_state
from etl_models.operations.recording.finishing import finishing_state
from etl_models.recorder.core import ComponentCore, ExecutionCore
from etl_models.recorder.endings import Ending, ErrorInput, failure_of
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.notes import Notes


class NotingHandle:
    """Notes facts; they are written in batches, at the latest with the end of what they are about."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def metric(self, name: str, value: object) -> Self:
        """Note a number: int, float (NaN and infinities too), Decimal, a numpy scalar, or a timedelta (in seconds)."""
        self._notes.metric(name, value)
        return self._noted()

    def metrics(self, values: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """Note several numbers by name."""
        for name, value in {**(values or {}), **more}.items():
            self._notes.metric(name, value)
        return self._noted()

    def reads(self, *datasets: str | os.PathLike[str]) -> Self:
        """Note datasets that are read: a URL, ``namespace/name``, a name, or a path."""
        self._notes.uses(datasets, DataDirection.INPUT)
        return self._noted()

    def writes(self, *datasets: str | os.PathLike[str]) -> Self:
        """Note datasets that are written."""
        self._notes.uses(datasets, DataDirection.OUTPUT)
        return self._noted()

    def _noted(self) -> Self:
        """Called after every note; the blocking face writes when there is enough."""
        return self


class BaseExecutionHandle(NotingHandle):
    """An execution being recorded. ``recorder`` made it."""

    def __init__(self, recorder: Any, core: ExecutionCore) -> None:
        super().__init__(core.notes)
        self.recorder = recorder
        self._core = core

    @property
    def id(self) -> UUID:
        """The execution; a proposal until its start was written, for a key may meet one that exists."""
        return self._core.id

    @property
    def attempt(self) -> int | None:
        """The number of the attempt, from 1; None until the start was written."""
        return None if self._core.known is None else self._core.known.attempt

    @property
    def attempt_id(self) -> UUID | None:
        """The attempt; None for an attached handle that could not ask the store, which then means the newest."""
        return self._core.attempt_id

    @property
    def key(self) -> str | None:
        """The idempotency key."""
        if self._core.known is not None:
            return self._core.known.key
        return None if self._core.request is None else self._core.request.key

    @property
    def joined(self) -> bool:
        """Whether the attempt was running already, in other hands."""
        return self._core.known is not None and not self._core.known.opened and not self._core.is_attached

    def tag(self, *names: str | Mapping[str, object], **values: object) -> Self:
        """Note tags: ``tag("daily")``, ``tag(team="ops")``. A key has one value, the last."""
        self._notes.tags(names, values)
        return self._noted()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} attempt {self.attempt}>"


class BaseComponentHandle(NotingHandle):
    """One run of a component being recorded."""

    def __init__(self, core: ComponentCore) -> None:
        super().__init__(core.notes)
        self._core = core

    @property
    def id(self) -> UUID:
        """The component execution; a proposal until its start was written."""
        return self._core.run.id

    @property
    def name(self) -> str:
        """The component."""
        return self._core.run.name

    @property
    def ordinal(self) -> int:
        """Which run of this component in the attempt it is, from 1."""
        return self._core.run.ordinal

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.id}>"


def execution_ending(
    ledger: Ledger, state: ExecutionState | str, error: ErrorInput, reason: str | None
) -> Ending | None:
    """Return how an execution is to end; None for a state that cannot be, which is a mistake in the ledger."""
    return _ending(ledger.tolerated(finishing_state, state, None), error, reason)


def component_ending(
    ledger: Ledger, state: ComponentState | str, error: ErrorInput, reason: str | None
) -> Ending | None:
    """As :func:`execution_ending`, for a component."""
    return _ending(ledger.tolerated(finishing_component_state, state, None), error, reason)


def _ending(state: ExecutionState | ComponentState | None, error: ErrorInput, reason: object) -> Ending | None:
    if state is None:
        return None
    text = reason if reason is None or isinstance(reason, str) else type(reason).__name__
    return Ending(state, text, failure_of(error))
