"""Threads, tasks, cancellations, event loops and forks: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.models.execution import Attempt, ComponentExecution, Execution
from etl_models.models.metric import MetricSample
from etl_models.recorder import AsyncRecorder, Recorder
from tests.support.recording import JOB, Story, count

pytestmark = pytest.mark.contract

THREADS = 16


def _states(session: Session, model: Any) -> dict[str, int]:
    table = table_of(model)
    rows = session.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state)).all()
    return {row[0].value: row[1] for row in rows}


def test_threads_share_a_recorder(migrated_url: str, story: Story) -> None:
    """Each has its own current execution; nothing is lost, doubled or mixed up."""
    each = 4
    with Recorder(migrated_url) as recorder:
        recorder.start(JOB).finish()

        def work(thread: int) -> None:
            for number in range(each):
                with recorder.execution(JOB, key=f"{thread}-{number}") as execution:
                    assert recorder.current() is execution
                    with execution.component("extract") as extract:
                        extract.metric("thread", thread)
                        assert recorder.current() is execution

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        assert recorder.dropped == 0
    assert count(story.executor, Execution) == THREADS * each + 1
    assert story.executor.read(_states, Attempt) == {"succeeded": THREADS * each + 1}
    values = story.executor.read(lambda session: list(session.scalars(sa.select(table_of(MetricSample).c.value))))
    assert Counter(values) == dict.fromkeys(map(float, range(THREADS)), each)


@pytest.mark.database("sqlite")
def test_threads_share_an_execution(migrated_url: str, story: Story) -> None:
    """Components that run side by side in one execution, all of one name, and notes from everywhere."""
    with Recorder(migrated_url) as recorder, recorder.execution(JOB) as execution:

        def work(number: int) -> None:
            with execution.component("part") as part:
                part.metric("number", number)
                for _ in range(100):
                    execution.metric("notes", 1)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
    read = story.read(execution.id)
    assert sorted(found.ordinal for found in read.components) == list(range(1, THREADS + 1))
    assert {found.metrics["number"] for found in read.components} == set(range(THREADS))
    assert count(story.executor, MetricSample) == THREADS * 101


@pytest.mark.database("sqlite")
def test_a_thread_does_not_inherit_the_current_execution(migrated_url: str) -> None:
    """Context variables stay in their thread; pass the handle on to use it there."""
    seen: list[Any] = []
    with Recorder(migrated_url) as recorder, recorder.execution(JOB):
        thread = threading.Thread(target=lambda: seen.append(recorder.current()))
        thread.start()
        thread.join()
    if sys.version_info < (3, 14):
        assert seen == [None]


async def test_tasks_share_a_recorder(migrated_url: str, story: Story) -> None:
    """Tasks side by side have their own current execution."""
    async with AsyncRecorder(migrated_url) as recorder:
        await (await recorder.start(JOB)).finish()

        async def work(number: int) -> None:
            async with recorder.execution(JOB, key=str(number)) as execution:
                await asyncio.sleep(0)
                assert recorder.current() is execution
                async with execution.component("extract") as extract:
                    await extract.metric("number", number)

        await asyncio.gather(*(work(number) for number in range(20)))
        assert (recorder.dropped, recorder.current()) == (0, None)
    assert story.executor.read(_states, Attempt) == {"succeeded": 21}


async def test_cancelling_never_leaves_half_a_record(migrated_url: str, story: Story) -> None:
    """Wherever the cancellation strikes, the execution ends, as cancelled or as what it was."""
    rounds = 60
    async with AsyncRecorder(migrated_url) as recorder:
        await (await recorder.start(JOB)).finish()

        async def work(number: int) -> None:
            async with recorder.execution(JOB, key=str(number)) as execution:
                async with execution.component("extract") as extract:
                    await extract.metric("rows", number)
                async with execution.component("load"):
                    await asyncio.sleep(0.001)

        ended = Counter[str]()
        for number in range(rounds):
            task = asyncio.ensure_future(work(number))
            await asyncio.sleep(number * 0.0007)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            ended[type(result).__name__] += 1
        assert set(ended) <= {"CancelledError", "NoneType"}
        assert ended["CancelledError"] > 5
        assert recorder.dropped == 0
    states = story.executor.read(_states, Attempt)
    assert set(states) <= {"succeeded", "cancelled"}, "no attempt is left running"
    assert states["cancelled"] >= 1
    assert set(story.executor.read(_states, ComponentExecution)) <= {"succeeded", "cancelled"}


async def test_a_timeout_ends_the_execution_and_goes_on(migrated_url: str, story: Story) -> None:
    """asyncio.timeout() works around a block as it does elsewhere."""
    async with AsyncRecorder(migrated_url) as recorder:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), recorder.execution(JOB) as execution:
                await asyncio.sleep(60)
    assert (story.read(execution.id).state, story.read(execution.id).reason) == (
        "cancelled",
        "ended by asyncio.exceptions.CancelledError",
    )


@pytest.mark.database("sqlite")
async def test_a_group_of_tasks_ends_all_its_executions(migrated_url: str, story: Story) -> None:
    """One fails, the others are cancelled, and each says which it was."""
    async with AsyncRecorder(migrated_url) as recorder:

        async def work(number: int) -> None:
            async with recorder.execution(JOB, key=str(number)):
                await asyncio.sleep(0.2 if number == 0 else 60)
                raise ValueError("no rows")

        with pytest.raises(ExceptionGroup):  # noqa: PT012 - the group is the point
            async with asyncio.TaskGroup() as group:
                for number in range(4):
                    group.create_task(work(number))
    assert story.executor.read(_states, Execution) == {"failed": 1, "cancelled": 3}


@pytest.mark.database("sqlite", "postgresql")
def test_an_asynchronous_recorder_outlives_its_event_loop(migrated_url: str, story: Story) -> None:
    """asyncio.run() several times with one recorder."""
    recorder = AsyncRecorder(migrated_url)

    async def work(number: int) -> None:
        async with recorder.execution(JOB, key=str(number)):
            pass

    async def end() -> None:
        await recorder.close()

    for number in range(3):
        asyncio.run(work(number))
    asyncio.run(end())
    assert (recorder.dropped, story.executor.read(_states, Attempt)) == (0, {"succeeded": 3})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_goes_on_recording(migrated_url: str, story: Story) -> None:
    """Parent and children use the recorder they share, and another process is another worker."""
    with Recorder(migrated_url) as recorder:
        with recorder.execution(JOB, key="parent") as execution:
            children = []
            for number in range(3):
                child = os.fork()
                if child == 0:
                    try:
                        with recorder.execution(JOB, key=str(number)) as own:
                            own.metric("rows", number)
                        with execution.component("part") as part:
                            part.metric("number", number)
                        os._exit(recorder.dropped)
                    except BaseException:  # noqa: BLE001 - nothing may leave the child
                        os._exit(99)
                children.append(child)
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0, 0, 0]
    assert story.executor.read(_states, Attempt) == {"succeeded": 4}
    read = story.read(execution.id)
    assert sorted(found.metrics["number"] for found in read.components) == [0, 1, 2]
    workers = story.executor.read(lambda session: list(session.scalars(sa.select(table_of(Attempt).c.worker))))
    assert len({worker["process_id"] for worker in workers}) == len({worker["pid"] for worker in workers}) == 4
