"""UUIDv7 keys."""

import os
import threading
import time
from uuid import RFC_4122, UUID

import pytest

from etl_models.domain.ids import uuid7


def test_keys_increase_and_carry_the_time() -> None:
    """10,000 keys in a row are strictly increasing version 7 UUIDs that begin with the present millisecond."""
    before = time.time_ns() // 1_000_000
    keys = [uuid7() for _ in range(10_000)]
    assert keys == sorted(set(keys))
    assert {key.version for key in keys} == {7}
    assert {key.variant for key in keys} == {RFC_4122}
    assert before <= keys[0].int >> 80 <= time.time_ns() // 1_000_000


def test_threads_never_make_the_same_key() -> None:
    """Eight threads making 2,000 keys each make 16,000 different ones, each thread's increasing."""
    made: list[list[UUID]] = []

    def make() -> None:
        made.append([uuid7() for _ in range(2_000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({key for keys in made for key in keys}) == 16_000
    assert all(keys == sorted(keys) for keys in made)


def test_a_clock_that_steps_back_does_not_turn_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the clock steps back two hours, keys still increase."""
    first = uuid7()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 7_200_000_000_000)
    assert first < uuid7() < uuid7()


def test_a_forked_child_makes_keys_of_its_own() -> None:
    """Parent and child make different keys in the same millisecond."""
    uuid7()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"".join(uuid7().bytes for _ in range(100)))
        os._exit(0)
    mine = {uuid7() for _ in range(100)}
    os.waitpid(child, 0)
    data = os.read(reader, 1_600)
    os.close(reader)
    os.close(writer)
    theirs = {UUID(bytes=data[start : start + 16]) for start in range(0, 1_600, 16)}
    assert len(theirs) == 100
    assert not mine & theirs
