"""What leaves a block decides its end, and always leaves it unchanged."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from etl_models.errors import TransitionError
from etl_models.operations.recording.finishing import finish_execution
from etl_models.recorder import AsyncRecorder, Recorder
from tests.support.recording import JOB, Story, at

pytestmark = pytest.mark.contract


class QuietError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def endless() -> None:
    """Never comes back."""
    endless()


def recursion() -> RecursionError:
    """What endless recursion raises."""
    try:
        endless()
    except RecursionError as error:
        return error
    raise AssertionError


def chained() -> Exception:
    """An exception with a cause."""
    try:
        _raise_from(KeyError("dep_time"))
    except ValueError as error:
        return error
    raise AssertionError


def _raise_from(cause: Exception) -> None:
    try:
        raise cause
    except KeyError as error:
        raise ValueError("bad row") from error


EXCEPTIONS: list[tuple[BaseException, str, str | None, str | None]] = [
    (ValueError("no rows"), "failed", "ValueError", None),
    (chained(), "failed", "ValueError", None),
    (TransitionError("mine"), "failed", "etl_models.errors.TransitionError", None),
    (QuietError(), "failed", "tests.contract.test_recorder_exceptions.QuietError", None),
    (ExceptionGroup("both", [ValueError("a"), KeyError("b")]), "failed", "ExceptionGroup", None),
    (recursion(), "failed", "RecursionError", None),
    (MemoryError(), "failed", "MemoryError", None),
    (ValueError("x" * 3_000_000), "failed", "ValueError", None),
    (SystemExit(1), "failed", "SystemExit", "the program exited with code 1"),
    (SystemExit("usage: ..."), "failed", "SystemExit", "the program exited with a message"),
    (SystemExit(0), "succeeded", None, "the program exited with code 0"),
    (SystemExit(), "succeeded", None, "the program exited with code 0"),
    (SystemExit(143), "cancelled", None, "the program exited with code 143"),
    (KeyboardInterrupt(), "cancelled", None, "ended by KeyboardInterrupt"),
    (GeneratorExit(), "cancelled", None, "ended by GeneratorExit"),
    (asyncio.CancelledError(), "cancelled", None, "ended by asyncio.exceptions.CancelledError"),
]


def leave_with(recorder: Any, error: BaseException) -> Any:
    """Let the exception leave a component and its execution; the very same object has to arrive outside."""
    execution = recorder.execution(JOB)
    with pytest.raises(BaseException) as caught, execution as opened, opened.component("extract") as extract:  # noqa: PT012
        extract.metric("rows", 3)
        raise error
    assert caught.value is error
    return opened.id


@pytest.mark.parametrize("case", EXCEPTIONS, ids=[f"{type(case[0]).__name__}-{case[1]}" for case in EXCEPTIONS])
@pytest.mark.database("sqlite")
def test_an_exception_ends_component_and_execution_and_passes_through(
    migrated_url: str, story: Story, case: tuple[BaseException, str, str | None, str | None]
) -> None:
    """State, type, message and the end of the traceback are kept of both."""
    error, state, kind, reason = case
    with Recorder(migrated_url) as recorder:
        read = story.read(leave_with(recorder, error))
        assert (recorder.dropped, recorder.current()) == (0, None)
    (component,) = read.components
    assert (read.state, component.state) == (state, state)
    assert (read.reason, component.reason) == (reason, reason)
    assert component.metrics == {"rows": 3}
    for found in (read.error, component.error):
        assert (found.type if found else None) == kind
        assert len(found.message or "" if found else "") <= 16_384
    assert component.error is None or component.error.traceback


@pytest.mark.parametrize(("error", "state"), [(ValueError("no rows"), "failed"), (SystemExit(0), "succeeded")])
def test_exceptions_end_blocks_alike_on_every_database(
    recorder: Any, story: Story, error: BaseException, state: str
) -> None:
    """What ends a component ends its execution, behind both faces."""
    read = story.read(leave_with(recorder, error))
    assert (read.state, read.components[0].state, read.components[0].metrics) == (state, state, {"rows": 3})


@pytest.mark.database("sqlite")
def test_the_traceback_says_where_and_why(migrated_url: str, story: Story) -> None:
    """The end of it is kept, causes included."""
    with Recorder(migrated_url) as recorder:
        error = story.read(leave_with(recorder, chained())).error
    assert error is not None
    assert error.traceback is not None
    assert "KeyError: 'dep_time'" in error.traceback
    assert error.traceback.rstrip().endswith("ValueError: bad row")
    assert "test_recorder_exceptions.py" in error.traceback


@pytest.mark.database("sqlite")
def test_a_caught_exception_fails_the_component_only(recorder: Any, story: Story) -> None:
    """Who catches it outside the component goes on."""
    with recorder.execution(JOB) as execution:
        with pytest.raises(ValueError, match="no rows"), execution.component("extract"):
            raise ValueError("no rows")
        with execution.component("extract"):
            pass
    read = story.read(execution.id)
    assert (read.state, [found.state for found in read.components]) == ("succeeded", ["failed", "succeeded"])


@pytest.mark.database("sqlite")
def test_an_exception_after_an_end_loses(recorder: Any, story: Story) -> None:
    """The end that was given stands; that it failed afterwards is kept in the history."""
    with pytest.raises(ValueError, match="late"), recorder.execution(JOB) as execution:  # noqa: PT012 - the block is the point
        execution.finish("succeeded")
        raise ValueError("late")
    assert story.read(execution.id).state == "succeeded"
    (lost,) = story.lost(execution.id)
    assert (lost.to_state, "ValueError: late" in str(lost.reason)) == ("failed", True)


@pytest.mark.database("sqlite")
def test_a_strict_recorder_never_replaces_the_exception_of_the_pipeline(migrated_url: str, story: Story) -> None:
    """The store's own error is raised only where nothing else is on its way."""
    with Recorder(migrated_url, strict=True) as recorder:
        Recorder(migrated_url).start(JOB).finish("failed")
        with pytest.raises(ZeroDivisionError), recorder.execution(JOB) as execution:  # noqa: PT012 - the block is the point
            story.executor.run(finish_execution, execution.id, state="succeeded", occurred_at=at(1))
            raise ZeroDivisionError
        with pytest.raises(TransitionError), recorder.execution(JOB) as execution:
            story.executor.run(finish_execution, execution.id, state="failed", occurred_at=at(1))


@pytest.mark.database("sqlite")
def test_a_generator_that_is_closed_ends_its_execution(migrated_url: str, story: Story) -> None:
    """Whoever stops iterating cancels the rest."""
    with Recorder(migrated_url) as recorder:
        ids = []

        def rows() -> Iterator[int]:
            with recorder.execution(JOB) as execution:
                ids.append(execution.id)
                yield 1
                yield 2

        iterator = rows()
        next(iterator)
        iterator.close()  # type: ignore[attr-defined]
        assert recorder.current() is None
    assert story.read(ids[0]).state == "cancelled"


async def test_an_asynchronous_generator_that_is_closed_ends_its_execution(migrated_url: str, story: Story) -> None:
    """The same with await."""
    async with AsyncRecorder(migrated_url) as recorder:
        ids = []

        async def rows() -> AsyncIterator[int]:
            async with recorder.execution(JOB) as execution:
                ids.append(execution.id)
                yield 1
                yield 2

        iterator = rows()
        await anext(iterator)
        await iterator.aclose()  # type: ignore[attr-defined]
    assert story.read(ids[0]).state == "cancelled"


_INTERRUPTED = """
import sys, time
from etl_models.recorder import Recorder
with Recorder(sys.argv[1]) as recorder, recorder.execution("flights/load-flights", key="day") as execution:
    with execution.component("extract"):
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.database("sqlite")
def test_an_interrupted_process_says_so(migrated_url: str, story: Story) -> None:
    """Control-C ends component and execution as cancelled, and the program with its usual code."""
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED, migrated_url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, 130), errors
    execution_id = story.start(key="day").execution_id
    read = story.read(execution_id)
    assert (read.attempts[0].state, read.components[0].state) == ("cancelled", "cancelled")
    assert read.attempts[0].reason == "ended by KeyboardInterrupt"
