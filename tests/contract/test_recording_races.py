"""Workers that meet: threads and processes on one database, and exactly one of them is right."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from etl_models.database import Database
from etl_models.domain.ids import uuid7
from etl_models.domain.states import ComponentState
from etl_models.models.execution import Attempt, ComponentExecution, Execution, Transition
from etl_models.operations.recording.components import ComponentRun
from etl_models.store import Store
from tests.support.recording import FLIGHTS, Story, at, count, everything

pytestmark = pytest.mark.contract

WORKERS = 4
KEYS = 200


def race(url: str, rounds: int, work: Callable[[Story, int, int], Any], workers: int = WORKERS) -> list[list[Any]]:
    """Do ``work(story, worker, round)`` in threads that begin each round together; results by round."""
    gate = threading.Barrier(workers)

    def run(worker: int) -> list[Any]:
        try:
            with Database(url) as database:
                database.health_check()  # connected before the start
                story = Story(database)
                results = []
                for round_ in range(rounds):
                    gate.wait(60)
                    results.append(work(story, worker, round_))
                return results
        except BaseException:
            gate.abort()
            raise

    with ThreadPoolExecutor(workers) as pool:
        return [list(results) for results in zip(*pool.map(run, range(workers)), strict=True)]


def test_one_key_started_by_many_is_one_execution(migrated_url: str) -> None:
    """In two hundred races for a key, one worker opens the attempt and the others join it; nobody fails."""
    with Database(migrated_url) as database:
        Story(database).start()
    results = race(
        migrated_url,
        KEYS,
        lambda story, worker, round_: story.start(key=f"day-{round_}", occurred_at=at(round_ + worker / 10)),
    )
    for started in results:
        assert len({(found.execution_id, found.attempt_id) for found in started}) == 1
        assert sorted(found.opened for found in started) == [False] * (WORKERS - 1) + [True]
    with Database(migrated_url) as database:
        assert count(database, Execution) == KEYS + 1
        assert count(database, Attempt) == KEYS + 1
        assert count(database, Transition, lambda table: table.c.applied.is_(False)) == KEYS * (WORKERS - 1)


def test_an_unknown_job_started_by_many_is_one_draft(migrated_url: str) -> None:
    """Recorders that meet a job nobody registered agree on one."""
    results = race(migrated_url, 5, lambda story, _, round_: Story(story.executor, f"new/job-{round_}").start(key="k"))
    assert all(len({found.execution_id for found in started}) == 1 for started in results)


def test_of_two_different_ends_exactly_one_is_applied(migrated_url: str) -> None:
    """The others lose and are kept; the state is that of the one."""
    ends = ("succeeded", "failed", "cancelled", "timed_out")
    rounds = 50
    with Database(migrated_url) as database:
        ids = [Story(database).start().execution_id for _ in range(rounds)]
    results = race(migrated_url, rounds, lambda story, worker, round_: story.finish(ids[round_], ends[worker]))
    with Database(migrated_url) as database:
        for execution_id, outcomes in zip(ids, results, strict=True):
            assert Counter(outcome.applied for outcome in outcomes) == {True: 1, False: WORKERS - 1}
            winner = ends[[outcome.applied for outcome in outcomes].index(True)]
            read = Story(database).read(execution_id)
            assert (read.state, read.attempts[0].state) == (winner, winner)
            assert {transition.to_state for transition in read.transitions if not transition.applied} == {*ends} - {
                winner
            }


def test_of_equal_ends_one_is_applied_and_none_is_lost(migrated_url: str) -> None:
    """Agreeing is no conflict."""
    rounds = 25
    with Database(migrated_url) as database:
        ids = [Story(database).start().execution_id for _ in range(rounds)]
    results = race(migrated_url, rounds, lambda story, _, round_: story.finish(ids[round_], "failed"))
    for outcomes in results:
        assert Counter((outcome.applied, outcome.lost) for outcome in outcomes) == {
            (True, False): 1,
            (False, False): WORKERS - 1,
        }


def test_retries_started_by_many_open_one_attempt(migrated_url: str) -> None:
    """After a failure, the next attempt has one owner too."""
    rounds = 25
    with Database(migrated_url) as database:
        story = Story(database)
        for round_ in range(rounds):
            story.finish(story.start(key=f"day-{round_}").execution_id, "failed")
    results = race(migrated_url, rounds, lambda story, _, round_: story.start(key=f"day-{round_}"))
    for started in results:
        assert {found.attempt for found in started} == {2}
        assert Counter(found.opened for found in started) == {True: 1, False: WORKERS - 1}


def test_no_component_stays_open_behind_an_end(migrated_url: str) -> None:
    """Components that start and end while their attempt is being closed are closed with it, or count as reported."""
    rounds = 25
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
        ids = [Story(store.database).start().execution_id for _ in range(rounds)]

    def work(story: Story, worker: int, round_: int) -> None:
        if worker == 0:
            story.finish(ids[round_], "failed", occurred_at=at(1000))
            return
        run = ComponentRun(uuid7(), ("extract", "weather", "clean")[worker - 1])
        story.start_component(ids[round_], run)
        if worker < 3:
            story.finish_component(ids[round_], run)

    race(migrated_url, rounds, work)
    with Database(migrated_url) as database:
        is_open = count(
            database,
            ComponentExecution,
            lambda table: table.c.state.in_([ComponentState.RUNNING, ComponentState.PENDING]),
        )
        assert is_open == 0
        for execution_id in ids:
            assert Story(database).states(execution_id) == {
                "extract": "succeeded",
                "weather": "succeeded",
                "clean": "lost",
                "load": "upstream_failed",
                "report": "skipped",
            }


def test_components_of_one_name_started_by_many_are_all_there(migrated_url: str) -> None:
    """Every run has its own ordinal."""
    with Database(migrated_url) as database:
        execution_id = Story(database).start().execution_id
    results = race(migrated_url, 10, lambda story, _, round_: story.start_component(execution_id, "part"))
    ordinals = sorted(run.ordinal for runs in results for run in runs)
    assert ordinals == list(range(1, 10 * WORKERS + 1))


_PROCESS = """
import sys
from etl_models.database import Database
from tests.support.recording import Story
with Database(sys.argv[1]) as database:
    story = Story(database)
    sys.stdin.read(1)
    for number in range(20):
        started = story.start(key=f"day-{number}")
        component = story.start_component(started.execution_id, "extract")
        story.finish(started.execution_id, sys.argv[2])
"""


def test_processes_race_like_threads(migrated_url: str) -> None:
    """Separate interpreters start and end the same keys: nobody fails and every execution has one end per attempt."""
    with Database(migrated_url) as database:
        Story(database).start()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, migrated_url, state],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for state in ("succeeded", "failed")
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=120)[1] for process in processes] == ["", ""]
    with Database(migrated_url) as database:
        assert count(database, Execution) == 21
        ended = count(database, Attempt, lambda table: table.c.ended_at.is_not(None))
        assert ended == count(database, Attempt) - 1
        assert "Traceback" not in everything(database)
