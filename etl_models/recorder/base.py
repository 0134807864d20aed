"""What both recorders share: the ledger, the making of handles, and what can be asked without the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Generic, TypedDict, TypeVar, Unpack

from etl_models.domain.naming import Reference
from etl_models.operations.recording.cleaning import TagsInput
from etl_models.recorder import current
from etl_models.recorder.core import ExecutionCore
from etl_models.recorder.handles import BaseExecutionHandle
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.requests import ExecutionId, identity, make_request

Handle = TypeVar("Handle", bound=BaseExecutionHandle)


class StartDetails(TypedDict, total=False):
    """What else can be said of an execution that starts.

    ``trigger`` is what set it off (``cron``, ``manual``), ``nominal_time`` the time it is about, ``parent`` the
    execution it is part of, ``rerun_of`` the one it repeats, ``execution_id`` an id the caller made.
    """

    trigger: str | None
    nominal_time: datetime | None
    parent: BaseExecutionHandle | ExecutionId | None
    rerun_of: BaseExecutionHandle | ExecutionId | None
    execution_id: ExecutionId | None


class BaseRecorder(Generic[Handle]):
    """Makes handles. Threads may share a recorder, and a handle too: notes are collected under a lock."""

    _handle_type: ClassVar[Any]

    def __init__(self, *, strict: bool) -> None:
        self._ledger = Ledger(strict=strict)

    @property
    def strict(self) -> bool:
        """Whether errors of the store and bad arguments are raised."""
        return self._ledger.strict

    @property
    def dropped(self) -> int:
        """How many records could not be kept so far."""
        return self._ledger.dropped

    @property
    def last_error(self) -> Exception | None:
        """Why the last of them could not be kept."""
        return self._ledger.last_error

    def current(self) -> Handle | None:
        """Return the execution whose block this thread or task is in, the innermost one."""
        found: Handle | None = current.innermost(self)
        return found

    def execution(
        self,
        job: str | Reference,
        key: object = None,
        parameters: Mapping[str, object] | None = None,
        tags: TagsInput = None,
        **details: Unpack[StartDetails],
    ) -> Handle:
        """Return an execution to be used in a ``with`` block, which starts and ends it.

        ``job`` is ``namespace/name`` or ``name``; one that is not registered is registered as a draft (a strict
        recorder refuses it). ``key`` makes the execution idempotent: the same key of a job meets the same execution,
        and opens its next attempt when it is over. What an exception makes of it says ``endings``; the exception
        itself passes through.
        """
        return self._make(job, key=key, parameters=parameters, tags=tags, **details)

    def _make(self, job: str | Reference, **arguments: Any) -> Handle:
        request = make_request(self._ledger, job, **arguments)
        handle: Handle = self._handle_type(self, ExecutionCore(self._ledger, request))
        return handle

    def _attached(self, execution_id: object) -> Handle:
        """Return a handle for an execution that was started elsewhere."""
        found = self._ledger.tolerated(identity, execution_id, None)
        handle: Handle = self._handle_type(self, ExecutionCore(self._ledger, found))
        return handle
