"""The blocking face: ``Recorder`` and its handles. Every method is one line over the shared core."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from uuid import UUID

from etl_models.database import Database
from etl_models.domain.naming import Reference
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.operations.recording.batches import perform
from etl_models.operations.recording.cleaning import TagsInput
from etl_models.operations.recording.values import Outcome
from etl_models.recorder import current
from etl_models.recorder.base import BaseRecorder, StartDetails
from etl_models.recorder.core import ComponentCore, ExecutionCore
from etl_models.recorder.decorating import JobFunction, KeyInput, ParametersInput
from etl_models.recorder.endings import ErrorInput, failure_of
from etl_models.recorder.handles import (
    BaseComponentHandle,
    BaseExecutionHandle,
    component_ending,
    execution_ending,
)
from etl_models.recorder.requests import ExecutionId
from etl_models.recorder.steps import Commands, Steps, drive
from etl_models.recorder.whole import RecordDetails, record_steps
from etl_models.settings import Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class ExecutionHandle(BaseExecutionHandle):
    """An execution being recorded; a context manager. Threads may share it."""

    recorder: Recorder

    def component(self, name: str) -> ComponentHandle:
        """Return a new run of a component, to be used in a ``with`` block, which starts and ends it."""
        return ComponentHandle(self, ComponentCore(self._core, name))

    def start_component(self, name: str, *, ordinal: int = 1) -> ComponentHandle:
        """Start a component from a callback. The same name and ordinal again, from any process, is the same run."""
        core = ComponentCore(self._core, name, ordinal)
        self._perform(core.start())
        return ComponentHandle(self, core)

    def finish(
        self,
        state: ExecutionState | str = ExecutionState.SUCCEEDED,
        error: ErrorInput = None,
        reason: str | None = None,
    ) -> Outcome | None:
        """End the execution; the same state again changes nothing. None when it could not be recorded.

        ``queued`` means that it waits to be retried. A strict recorder raises TransitionError when the change lost.
        """
        ending = execution_ending(self._core.ledger, state, error, reason)
        return None if ending is None else self._perform(self._core.finish(ending))

    def cancel(self, reason: str | None = None) -> Outcome | None:
        """Ask the execution to end; whoever runs it has the last word."""
        return self._perform(self._core.cancel(reason))

    def error(self, error: ErrorInput) -> Self:
        """Note an error that ends nothing."""
        self._perform(self._core.fail(failure_of(error)))
        return self

    def flush(self) -> Self:
        """Write now what was noted."""
        self._perform(self._core.flush())
        return self

    def _noted(self) -> Self:
        return self.flush() if self._notes.is_full else self

    def _perform(self, steps: Steps[T]) -> T:
        return self.recorder._perform(steps)  # noqa: SLF001  (a recorder and its handles are one thing)

    def __enter__(self) -> Self:
        try:
            self._perform(self._core.start())
        except (KeyboardInterrupt, SystemExit) as interruption:
            self._perform(self._core.leave(interruption))
            raise
        current.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        current.leave(self)
        _leave(self._perform, self._core, error)


class ComponentHandle(BaseComponentHandle):
    """One run of a component being recorded; a context manager."""

    def __init__(self, execution: ExecutionHandle, core: ComponentCore) -> None:
        super().__init__(core)
        self.execution = execution
        self._perform = execution._perform  # noqa: SLF001  (as above)

    def finish(
        self,
        state: ComponentState | str = ComponentState.SUCCEEDED,
        error: ErrorInput = None,
        reason: str | None = None,
    ) -> Outcome | None:
        """End the run, as :meth:`ExecutionHandle.finish`."""
        ending = component_ending(self._core.execution.ledger, state, error, reason)
        return None if ending is None else self._perform(self._core.finish(ending))

    def error(self, error: ErrorInput) -> Self:
        """Note an error that ends nothing."""
        self._perform(self._core.fail(failure_of(error)))
        return self

    def flush(self) -> Self:
        """Write now what was noted."""
        self._perform(self._core.flush())
        return self

    def _noted(self) -> Self:
        return self.flush() if self._notes.is_full else self

    def __enter__(self) -> Self:
        self._perform(self._core.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _leave(self._perform, self._core, error)


def _leave(
    perform_steps: Callable[[Steps[None]], None], core: ExecutionCore | ComponentCore, error: BaseException | None
) -> None:
    """End with a block; an exception of the pipeline is never replaced by one of the store."""
    try:
        perform_steps(core.leave(error))
    except Exception:
        if error is None:
            raise


class Recorder(BaseRecorder[ExecutionHandle]):
    """Records executions, to the database of ``url`` or ``settings``, by default that of the surroundings.

    ``database`` is one that is open already. Nothing is opened before the first record; what a recorder opened itself,
    it closes. Threads may share it.
    """

    _handle_type = ExecutionHandle

    def __init__(
        self,
        url: str | None = None,
        *,
        database: Database | None = None,
        settings: Settings | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(strict=strict)
        self._url = url
        self._settings = settings
        self._database = database
        self._owns_database = database is None
        self._opening = threading.Lock()

    def start(
        self,
        job: str | Reference,
        key: object = None,
        parameters: Mapping[str, object] | None = None,
        tags: TagsInput = None,
        *,
        state: ExecutionState | str = ExecutionState.RUNNING,
        **details: Unpack[StartDetails],
    ) -> ExecutionHandle:
        """Start an execution from a callback, or announce it (``state`` scheduled or queued); see :meth:`execution`."""
        handle = self._make(job, key=key, parameters=parameters, tags=tags, state=state, **details)
        self._perform(handle._core.start())  # noqa: SLF001  (a recorder and its handles are one thing)
        return handle

    def attach(self, execution_id: ExecutionId) -> ExecutionHandle:
        """Go on with an execution that was started elsewhere. Its ``with`` block does not end it."""
        handle = self._attached(execution_id)
        self._perform(handle._core.attach())  # noqa: SLF001  (as above)
        return handle

    def record(
        self,
        job: str | Reference,
        key: object = None,
        parameters: Mapping[str, object] | None = None,
        tags: TagsInput = None,
        **details: Unpack[RecordDetails],
    ) -> UUID | None:
        """Record an execution that is over, in one transaction; returns its id, None when it could not be recorded."""
        given = {"key": key, "parameters": parameters, "tags": tags, **details}
        return self._perform(record_steps(self._ledger, job, **given))

    def job(
        self, job: str | Reference, *, key: KeyInput = None, parameters: ParametersInput = None, tags: TagsInput = None
    ) -> Callable[[F], F]:
        """Record every call of the decorated function as an execution. A parameter ``execution`` gets the handle.

        ``key`` is a text with the names of arguments in braces (``"{day}"``), or a function of the arguments;
        ``parameters`` a mapping, or such a function. A coroutine function is recorded with blocking writes; use
        AsyncRecorder where that matters.
        """

        def decorate(function: F) -> F:
            plan = JobFunction(self._ledger, function, key, parameters, tags)

            def call(*args: Any, **kwargs: Any) -> Any:
                with self.execution(job, **plan.start_arguments(args, kwargs)) as handle:
                    return function(*args, **plan.call_arguments(args, kwargs, handle))

            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with self.execution(job, **plan.start_arguments(args, kwargs)) as handle:
                    return await function(*args, **plan.call_arguments(args, kwargs, handle))

            decorated: F = plan.dress(call_async if plan.is_asynchronous else call)
            return decorated

        return decorate

    def _perform(self, steps: Steps[T]) -> T:
        return drive(steps, self._write)

    def _write(self, commands: Commands) -> Any:
        """The one way to the store: everything recorded passes here, one transaction each time."""
        try:
            database = self._opened()
            unit = database.read if all(command.reads_only for command in commands) else database.run
            answer = unit(perform, commands)
        except Exception as error:  # noqa: BLE001  (the pipeline must not die of its store)
            return self._ledger.missed(commands, error)
        self._ledger.written()
        return answer

    def _opened(self) -> Database:
        with self._opening:
            if self._database is None:
                self._database = Database(self._url, settings=self._settings)
            return self._database

    def close(self) -> None:
        """Give connections back."""
        if self._owns_database and self._database is not None:
            self._database.close()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
