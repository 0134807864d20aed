"""What recording operations take and give. A value that exists is clean: its constructor redacts and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import TransitionError
from etl_models.models.metric import SpecialNumber
from etl_models.operations.recording.cleaning import recorded_text
from etl_models.reads.base import Read

MAX_ERROR_TYPE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Failure:
    """An error to record: type, message, end of the traceback. Secrets are masked the moment it is made."""

    type: str | None = None
    message: str | None = None
    traceback: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        clean = object.__setattr__
        clean(self, "type", recorded_text(self.type, "error type", limit=MAX_ERROR_TYPE_LENGTH))
        clean(self, "message", recorded_text(self.message, "error message"))
        clean(self, "traceback", recorded_text(self.traceback, "traceback"))


class Owner(NamedTuple):
    """What facts belong to: an attempt, or (``component_execution_id`` set) one of its component executions."""

    execution_id: UUID
    attempt_id: UUID
    component_execution_id: UUID | None = None


class DatasetName(NamedTuple):
    """Identity of a dataset: the source, and the place inside it."""

    namespace: str
    name: str


class Sample(NamedTuple):
    """One measured value; made by :func:`~etl_models.operations.recording.measuring.measure`.

    ``sequence`` is made by the worker and increases; exactly one of ``value`` and ``special`` is set.
    """

    name: str
    value: float | None
    special: SpecialNumber | None
    sequence: int
    recorded_at: datetime


class Use(NamedTuple):
    """A dataset that was read or written."""

    dataset: DatasetName
    direction: DataDirection


@dataclass(frozen=True, slots=True)
class Facts:
    """What was noted of one thing since the last write. ``tags`` (key to value, "" for none) are of executions only."""

    samples: tuple[Sample, ...] = ()
    uses: tuple[Use, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.samples or self.uses or self.tags)


NOTHING = Facts()


class Outcome(Read):
    """What became of a requested change of state.

    ``state`` is the state afterwards. ``reason`` says why the request lost; it is None when the request was applied,
    and also when the state was the requested one already, for then there was nothing left to do.
    """

    applied: bool
    state: ExecutionState | ComponentState
    reason: str | None = None

    @property
    def lost(self) -> bool:
        """Whether the request was refused; a row of the history says so."""
        return self.reason is not None

    def require(self) -> Self:
        """Return the outcome, or raise :class:`TransitionError` when the request lost."""
        if self.reason is not None:
            raise TransitionError(self.reason, state=self.state.value)
        return self


class ComponentStartRead(Read):
    """What starting a component gave: the component execution to record to, and whether this call opened it."""

    id: UUID
    attempt_id: UUID
    name: str
    ordinal: int
    state: ComponentState
    opened: bool
