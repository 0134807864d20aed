"""The asynchronous face: ``AsyncRecorder`` and its handles, the same names with ``await`` and ``async with``.

Cancelling a task never tears a record: a write that has begun is brought to its end, then the cancellation goes on.
What only takes a note (``metric``, ``reads``, ``tag``) need not be awaited; awaiting it writes when there is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack
from uuid import UUID

from etl_models.database import AsyncDatabase
from etl_models.domain.naming import Reference
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.batches import perform
from etl_models.operations.recording.cleaning import TagsInput
from etl_models.operations.recording.values import Outcome
from etl_models.recorder import current
from etl_models.recorder.base import BaseRecorder, StartDetails
from etl_models.recorder.core import ComponentCore
from etl_models.recorder.decorating import JobFunction, KeyInput, ParametersInput
from etl_models.recorder.endings import ErrorInput, failure_of
from etl_models.recorder.handles import (
    BaseComponentHandle,
    BaseExecutionHandle,
    component_ending,
    execution_ending,
)
from etl_models.recorder.requests import ExecutionId
from etl_models.recorder.steps import Commands, Steps, drive_async
from etl_models.recorder.whole import RecordDetails, record_steps
from etl_models.settings import Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class AsyncExecutionHandle(BaseExecutionHandle):
    """An execution being recorded; an asynchronous context manager. Tasks may share it."""

    recorder: AsyncRecorder

    def component(self, name: str) -> AsyncComponentHandle:
        """Return a new run of a component, to be used in an ``async with`` block, which starts and ends it."""
        return AsyncComponentHandle(self, ComponentCore(self._core, name))

    async def start_component(self, name: str, *, ordinal: int = 1) -> AsyncComponentHandle:
        """Start a component from a callback. The same name and ordinal again, from any process, is the same run."""
        core = ComponentCore(self._core, name, ordinal)
        await self._perform(core.start())
        return AsyncComponentHandle(self, core)

    async def finish(
        self,
        state: ExecutionState | str = ExecutionState.SUCCEEDED,
        error: ErrorInput = None,
        reason: str | None = None,
    ) -> Outcome | None:
        """End the execution; the same state again changes nothing. None when it could not be recorded.

        ``queued`` means that it waits to be retried. A strict recorder raises TransitionError when the change lost.
        """
        ending = execution_ending(self._core.ledger, state, error, reason)
        return None if ending is None else await self._perform(self._core.finish(ending))

    async def cancel(self, reason: str | None = None) -> Outcome | None:
        """Ask the execution to end; whoever runs it has the last word."""
        return await self._perform(self._core.cancel(reason))

    async def error(self, error: ErrorInput) -> Self:
        """Note an error that ends nothing."""
        await self._perform(self._core.fail(failure_of(error)))
        return self

    async def flush(self) -> Self:
        """Write now what was noted."""
        await self._perform(self._core.flush())
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._settled().__await__()

    async def _settled(self) -> Self:
        return await self.flush() if self._notes.is_full else self

    async def _perform(self, steps: Steps[T]) -> T:
        return await self.recorder._perform(steps)  # noqa: SLF001  (a recorder and its handles are one thing)

    async def __aenter__(self) -> Self:
        try:
            await self._perform(self._core.start())
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit) as interruption:
            await self._perform(self._core.leave(interruption))
            raise
        current.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        current.leave(self)
        await _leave(self._perform, self._core.leave(error), error)


class AsyncComponentHandle(BaseComponentHandle):
    """One run of a component being recorded; an asynchronous context manager."""

    def __init__(self, execution: AsyncExecutionHandle, core: ComponentCore) -> None:
        super().__init__(core)
        self.execution = execution
        self._perform = execution._perform  # noqa: SLF001  (as above)

    async def finish(
        self,
        state: ComponentState | str = ComponentState.SUCCEEDED,
        error: ErrorInput = None,
        reason: str | None = None,
    ) -> Outcome | None:
        """End the run, as :meth:`AsyncExecutionHandle.finish`."""
        ending = component_ending(self._core.execution.ledger, state, error, reason)
        return None if ending is None else await self._perform(self._core.finish(ending))

    async def error(self, error: ErrorInput) -> Self:
        """Note an error that ends nothing."""
        await self._perform(self._core.fail(failure_of(error)))
        return self

    async def flush(self) -> Self:
        """Write now what was noted."""
        await self._perform(self._core.flush())
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._settled().__await__()

    async def _settled(self) -> Self:
        return await self.flush() if self._notes.is_full else self

    async def __aenter__(self) -> Self:
        await self._perform(self._core.start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await _leave(self._perform, self._core.leave(error), error)


async def _leave(perform_steps: Callable[[Steps[None]], Any], steps: Steps[None], error: BaseException | None) -> None:
    """End with a block; an exception of the pipeline is never replaced by one of the store."""
    try:
        await perform_steps(steps)
    except Exception:
        if error is None:
            raise


class AsyncRecorder(BaseRecorder[AsyncExecutionHandle]):
    """Records executions, to the database of ``url`` or ``settings``, by default that of the surroundings.

    ``database`` is one that is open already. Nothing is opened before the first record; what a recorder opened itself,
    it closes. Tasks may share it.
    """

    _handle_type = AsyncExecutionHandle

    def __init__(
        self,
        url: str | None = None,
        *,
        database: AsyncDatabase | None = None,
        settings: Settings | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(strict=strict)
        self._url = url
        self._settings = settings
        self._database = database
        self._owns_database = database is None

    async def start(
        self,
        job: str | Reference,
        key: object = None,
        parameters: Mapping[str, object] | None = None,
        tags: TagsInput = None,
        *,
        state: ExecutionState | str = ExecutionState.RUNNING,
        **details: Unpack[StartDetails],
    ) -> AsyncExecutionHandle:
        """Start an execution from a callback, or announce it (``state`` scheduled or queued); see :meth:`execution`."""
        handle = self._make(job, key=key, parameters=parameters, tags=tags, state=state, **details)
        await self._perform(handle._core.start())  # noqa: SLF001  (a recorder and its handles are one thing)
        return handle

    async def attach(self, execution_id: ExecutionId) -> AsyncExecutionHandle:
        """Go on with an execution that was started elsewhere. Its ``async with`` block does not end it."""
        handle = self._attached(execution_id)
        await self._perform(handle._core.attach())  # noqa: SLF001  (as above)
        return handle

    async def record(
        self,
        job: str | Reference,
        key: object = None,
        parameters: Mapping[str, object] | None = None,
        tags: TagsInput = None,
        **details: Unpack[RecordDetails],
    ) -> UUID | None:
        """Record an execution that is over, in one transaction; returns its id, None when it could not be recorded."""
        given = {"key": key, "parameters": parameters, "tags": tags, **details}
        return await self._perform(record_steps(self._ledger, job, **given))

    def job(
        self, job: str | Reference, *, key: KeyInput = None, parameters: ParametersInput = None, tags: TagsInput = None
    ) -> Callable[[F], F]:
        """Record every call of the decorated coroutine function as an execution; see :meth:`Recorder.job`.

        Raises InvalidInputError for a function that is not asynchronous: it could not wait for the store.
        """

        def decorate(function: F) -> F:
            plan = JobFunction(self._ledger, function, key, parameters, tags)
            if not plan.is_asynchronous:
                raise InvalidInputError(f"{function.__qualname__} is not asynchronous; decorate it with a Recorder")

            async def call(*args: Any, **kwargs: Any) -> Any:
                async with self.execution(job, **plan.start_arguments(args, kwargs)) as handle:
                    return await function(*args, **plan.call_arguments(args, kwargs, handle))

            decorated: F = plan.dress(call)
            return decorated

        return decorate

    async def _perform(self, steps: Steps[T]) -> T:
        """Bring the steps to their end, whatever happens to the task that asked for them."""
        task = asyncio.ensure_future(drive_async(steps, self._write))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await _patiently(task)
            raise

    async def _write(self, commands: Commands) -> Any:
        """The one way to the store: everything recorded passes here, one transaction each time."""
        try:
            database = self._opened()
            unit = database.read if all(command.reads_only for command in commands) else database.run
            answer = await unit(perform, commands)
        except Exception as error:  # noqa: BLE001  (the pipeline must not die of its store)
            return self._ledger.missed(commands, error)
        self._ledger.written()
        return answer

    def _opened(self) -> AsyncDatabase:
        if self._database is None:
            self._database = AsyncDatabase(self._url, settings=self._settings)
        return self._database

    async def close(self) -> None:
        """Give connections back."""
        if self._owns_database and self._database is not None:
            await self._database.close()
        self._ledger.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


async def _patiently(task: asyncio.Future[Any]) -> None:
    """Wait for a write although this task was cancelled; whoever cancels twice does not want to wait."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.add_done_callback(_forget)
    else:
        _forget(task)


def _forget(task: asyncio.Future[Any]) -> None:
    """Take note of an exception that nobody is there to receive, or asyncio would report it."""
    if not task.cancelled():
        task.exception()
