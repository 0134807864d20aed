"""The parts a recorder is made of: buffer, clock, steps, ledger, endings, worker."""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import ConflictError, DatabaseUnavailableError, InvalidInputError
from etl_models.operations.recording.batches import Command
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.values import DatasetName, Use
from etl_models.recorder import buffer as buffers
from etl_models.recorder.buffer import Buffer
from etl_models.recorder.endings import failure_of
from etl_models.recorder.ledger import Answer, Ledger, describe
from etl_models.recorder.steady import FixedClock, SteadyClock
from etl_models.recorder.steps import Steps, drive, drive_async
from etl_models.recorder.worker import worker_identity

NOW = datetime(2013, 1, 1, tzinfo=UTC)
COMMAND = Command(print)


def sample(number: int) -> Any:
    """A sample with that value."""
    return measure("rows", number, sequence=number, recorded_at=NOW)


def test_what_is_put_back_comes_before_what_came_since() -> None:
    """Order, datasets and the last value of a tag survive a write that did not happen."""
    buffer = Buffer()
    use = Use(DatasetName("a", "b"), DataDirection.INPUT)
    for number in (1, 2):
        buffer.add_sample(sample(number))
    buffer.add_uses((use, use))
    buffer.add_tags({"a": "old", "b": "old"})
    facts = buffer.take()
    assert not buffer
    buffer.add_sample(sample(3))
    buffer.add_tags({"a": "new"})
    assert buffer.put_back(facts) == 0
    again = buffer.take()
    assert [found.value for found in again.samples] == [1, 2, 3]
    assert (again.uses, again.tags) == ((use,), {"a": "new", "b": "old"})


def test_a_buffer_keeps_the_newest_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its limit the oldest go, and it says how many."""
    monkeypatch.setattr(buffers, "MAX_SAMPLES", 3)
    buffer = Buffer()
    assert [buffer.add_sample(sample(number)) for number in range(5)] == [0, 0, 0, 1, 1]
    facts = buffer.take()
    buffer.add_sample(sample(9))
    assert buffer.put_back(facts) == 1
    assert [found.value for found in buffer.take().samples] == [3, 4, 9]


def test_a_buffer_loses_nothing_between_threads() -> None:
    """Samples added while others are taken are in one of the batches, once."""
    buffer = Buffer()
    taken: list[Any] = []
    done = threading.Event()

    def take() -> None:
        while not done.is_set() or buffer:
            taken.extend(buffer.take().samples)

    with ThreadPoolExecutor(5) as pool:
        taker = pool.submit(take)
        list(pool.map(lambda start: [buffer.add_sample(sample(start + n)) for n in range(500)], range(0, 2000, 500)))
        done.set()
        taker.result(30)
    assert sorted(found.sequence for found in taken) == list(range(2000))


def test_the_clock_of_an_execution_does_not_follow_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting the wall clock back changes no duration."""
    clock = SteadyClock()
    before = clock.now()
    monkeypatch.setattr("etl_models.recorder.steady.utcnow", lambda: NOW)
    time.sleep(0.01)
    assert timedelta(milliseconds=9) <= clock.now() - before < timedelta(seconds=30)
    assert clock.now().tzinfo is UTC


def test_sequence_numbers_grow_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all threads, within the same nanosecond, and when the wall clock goes back."""
    clock = SteadyClock()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: clock.next_sequence(), range(2000)))
    assert len(set(numbers)) == 2000
    monkeypatch.setattr(time, "time_ns", lambda: 5)
    assert SteadyClock().next_sequence() > max(numbers)
    assert max(numbers) < 2**63


def test_what_is_told_again_has_the_same_numbers() -> None:
    """After the fact, sequence numbers count from the moment told."""
    one, two = FixedClock(NOW), FixedClock(NOW)
    assert [one.next_sequence() for _ in range(3)] == [two.next_sequence() for _ in range(3)]
    assert one.now() == NOW


# ---------------------------------------------------------------------------------------------------------------- steps


def _two_writes(seen: list[Any]) -> Steps[str]:
    try:
        seen.append((yield (COMMAND,)))
        seen.append((yield (COMMAND, COMMAND)))
    except KeyboardInterrupt:
        seen.append("interrupted")
        raise
    return "done"


async def test_both_drivers_carry_out_the_same_steps() -> None:
    """Commands go out in order, answers come in, and the result comes back."""
    blocking: list[Any] = []
    awaited: list[Any] = []

    async def write(commands: Any) -> int:
        return len(commands)

    assert drive(_two_writes(blocking), len) == await drive_async(_two_writes(awaited), write) == "done"
    assert blocking == awaited == [1, 2]


async def test_an_error_of_a_write_is_raised_inside_the_steps() -> None:
    """So that they can put back what they had taken."""
    seen: list[Any] = []

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    async def interrupted_later(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(_two_writes(seen), interrupted)
    with pytest.raises(KeyboardInterrupt):
        await drive_async(_two_writes(seen), interrupted_later)
    assert seen == ["interrupted", "interrupted"]


# --------------------------------------------------------------------------------------------------------------- ledger


def test_an_outage_is_told_once_and_its_end_as_well(caplog: pytest.LogCaptureFixture) -> None:
    """However many records it costs."""
    ledger = Ledger(strict=False)
    with caplog.at_level(logging.INFO, "etl_models.recorder"):
        answers = [ledger.missed([COMMAND, COMMAND], DatabaseUnavailableError("away")) for _ in range(5)]
        ledger.written()
        ledger.written()
        answers.append(ledger.missed([COMMAND], ConflictError("no")))
        ledger.close()
    assert answers == [Answer.MISSED] * 5 + [Answer.REFUSED]
    assert (ledger.dropped, str(ledger.last_error)) == (11, "no")
    assert [found.getMessage().split(",")[0].split(";")[0] for found in caplog.records] == [
        "print",
        "recording works again",
        "print could not be recorded",
        "11 records were dropped in all",
    ]


def test_mistakes_are_told_up_to_a_limit(caplog: pytest.LogCaptureFixture) -> None:
    """A pipeline that makes a new mistake with every row must not fill the disk with its log."""
    ledger = Ledger(strict=False)
    for number in range(500):
        ledger.mistake(InvalidInputError(f"bad {number}"))
    assert (ledger.dropped, len(caplog.records)) == (500, 100)
    assert "only counted" in caplog.records[-1].getMessage()


def test_a_line_of_log_is_one_line_without_secrets() -> None:
    """Whatever the error says, and even when it cannot say anything."""

    class Quiet(Exception):  # noqa: N818 - named for what it does
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(ValueError("a\nb\x1b[31m password=hunter2 " + "x" * 9000)).startswith(
        "ValueError: a\\nb\\x1b[31m password=********"
    )
    assert len(describe(ValueError("x" * 9000))) <= 2000
    assert (describe(Quiet()), describe(None)) == ("Quiet", "unknown")


def test_anything_can_be_given_as_an_error() -> None:
    """Callbacks hand over exceptions, texts and other things."""
    assert failure_of(None) is None
    text, number = failure_of("no rows"), failure_of(5)
    assert text is not None
    assert number is not None
    assert (text.type, text.message, number.type, number.message) == (None, "no rows", "int", "5")
    assert failure_of(text) is text


# --------------------------------------------------------------------------------------------------------------- worker


def test_a_worker_is_told_apart_from_every_other() -> None:
    """Host, pid, the machine's boot and an id of the process; the same for the whole life of the process."""
    identity = worker_identity()
    assert (identity["pid"], identity) == (os.getpid(), worker_identity())
    assert {"host", "process_id", "python", "etl_models"} <= identity.keys()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_is_another_worker() -> None:
    """With a pid and a process id of its own."""
    mine = worker_identity()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(worker_identity()["process_id"]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100).decode() not in ("", mine["process_id"])
    os.close(reader)
    os.close(writer)
