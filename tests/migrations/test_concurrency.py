"""Several processes that migrate at once, and processes that die while they do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import event

from etl_models import migrate
from etl_models.database import Database
from etl_models.settings import DatabaseSettings, Settings
from tests.migrations.rows import dump, seed


def in_child(work: Callable[[], Any]) -> int:
    """Run ``work`` in a forked process that ends without any cleaning up; return its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def status_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def start_together(works: list[Callable[[], Any]]) -> list[int]:
    """Fork one process for each, let all begin at the same moment, and return how they ended."""
    begin = time.monotonic() + 0.2

    def waiting(work: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            time.sleep(max(0, begin - time.monotonic()))
            work()

        return run

    children = [in_child(waiting(work)) for work in works]
    return [status_of(child) for child in children]


@pytest.mark.parametrize("round_", range(3))
def test_four_processes_upgrade_at_once(database_url: str, round_: int) -> None:
    """All four succeed: one migrates, the others wait and find it done."""
    assert start_together([lambda: migrate.upgrade(database_url)] * 4) == [0, 0, 0, 0]
    migrate.check(database_url)


def test_four_programs_meet_at_the_first_write(database_url: str) -> None:
    """Four workers that start on an empty database, and may make its schema, all get their unit done."""
    settings = Settings(database=DatabaseSettings(url=SecretStr(database_url), auto_migrate=True))

    def work() -> None:
        with Database(settings=settings) as database:
            database.run(lambda session: session.execute(sa.text("DELETE FROM etl_tag")))

    assert start_together([work] * 4) == [0, 0, 0, 0]
    migrate.check(database_url)


@pytest.mark.usefixtures("extra_revision")
def test_up_and_down_at_once_leave_one_or_the_other(database_url: str) -> None:
    """Opposite migrations take turns; whichever comes last, the schema is whole."""
    migrate.upgrade(database_url, "0001")
    works = [lambda: migrate.upgrade(database_url), lambda: migrate.downgrade(database_url, "0001")] * 2
    assert start_together(works) == [0, 0, 0, 0]
    with Database(database_url) as database:
        names = sa.inspect(database.engine).get_table_names()
    assert ("etl_note" in names) == (migrate.current(database_url) == "0002")


class Killer:
    """Ends this process, without mercy, right after its ``number``-th statement that changes the schema."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().split(None, 1)[0].upper() in {"CREATE", "DROP", "ALTER", "INSERT", "UPDATE", "DELETE"}:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def killed_after(number: int, work: Callable[[], Any]) -> bool:
    """Run ``work`` in a child that dies after so many statements; False when it had fewer."""

    def doomed() -> None:
        event.listen(sa.Engine, "after_cursor_execute", Killer(number))
        work()

    status = status_of(in_child(doomed))
    assert status in (0, -signal.SIGKILL)
    return status != 0


def stops(url: str, stride: int) -> list[int]:
    """After which statements to kill: the first three, then every ``stride``-th."""
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(sa.Engine, "after_cursor_execute", count)
    try:
        migrate.upgrade(url)
    finally:
        event.remove(sa.Engine, "after_cursor_execute", count)
    return sorted({1, 2, 3, *range(4, statements, stride)})


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.nightly), 6])
def test_an_upgrade_that_was_killed_is_healed_by_the_next(database_url: str, stride: int) -> None:
    """After whichever statement a migrating process dies, the next upgrade ends with the right schema."""
    killed = 0
    for number in stops(database_url, stride):
        migrate.drop_all(database_url)
        if not killed_after(number, lambda: migrate.upgrade(database_url)):
            break
        killed += 1
        migrate.upgrade(database_url)
        migrate.check(database_url)
    assert killed >= 40 // stride


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.nightly), 9])
def test_a_downgrade_that_was_killed_is_healed_by_the_next(database_url: str, stride: int) -> None:
    """Going down can be interrupted anywhere too: the next downgrade ends at nothing, and up works again."""
    killed = 0
    for number in stops(database_url, stride):
        migrate.upgrade(database_url)
        if not killed_after(number, lambda: migrate.downgrade(database_url, "base")):
            break
        killed += 1
        migrate.downgrade(database_url, "base")
        assert migrate.current(database_url) is None
    assert killed >= 20 // stride
    migrate.upgrade(database_url)
    migrate.check(database_url)


@pytest.mark.usefixtures("extra_revision")
def test_rows_outlive_a_killed_step(database_url: str) -> None:
    """A step over existing rows, killed after each of its statements, loses none of them once it is run again."""
    migrate.upgrade(database_url, "0001")
    with Database(database_url) as database, database.engine.begin() as connection:
        seed(connection)
    with Database(database_url) as database, database.engine.connect() as connection:
        before = dump(connection)
    for number in range(1, 40):
        was_killed = killed_after(number, lambda: migrate.upgrade(database_url))
        migrate.upgrade(database_url)
        with Database(database_url) as database, database.engine.connect() as connection:
            assert dump(connection) == before
        migrate.downgrade(database_url, "0001")
        if not was_killed:
            break
    else:
        pytest.fail("the step never came to its end")
    assert number > 4
