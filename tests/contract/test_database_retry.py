"""Units are tried again when others or the network get in the way; every reason is provoked on a real server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.orm import Session

from etl_models.database import AsyncDatabase, Database
from etl_models.db.bases import table_of
from etl_models.db.target import Target
from etl_models.errors import DatabaseUnavailableError
from etl_models.models import Tag
from etl_models.settings import DatabaseSettings, Settings
from tests.support.databases import Backend

pytestmark = pytest.mark.contract

TAGS = table_of(Tag)


def settings_of(url: str, timeout: float) -> Any:
    return Settings(database=DatabaseSettings(url=SecretStr(url), timeout=timeout))


def run_on(face: str, url: str, fn: Any, *args: Any, timeout: float = 30.0) -> Any:
    """One unit on an executor of its own, for threads."""

    async def run() -> Any:
        async with AsyncDatabase(settings=settings_of(url, timeout)) as database:
            return await database.run(fn, *args)

    if face == "async":
        return asyncio.run(run())
    with Database(settings=settings_of(url, timeout)) as database:
        return database.run(fn, *args)


@pytest.fixture
def tags(migrated_url: str) -> Any:
    """Ids of two tags with the value 0."""
    with Database(migrated_url) as database:
        database.run(lambda session: session.execute(sa.insert(TAGS), [{"key": key, "value": "0"} for key in "ab"]))
        return database.read(lambda session: list(session.scalars(sa.select(TAGS.c.id).order_by(TAGS.c.key))))


def increment(session: Session, tag_id: Any) -> None:
    value = session.scalar(sa.select(TAGS.c.value).where(TAGS.c.id == tag_id).with_for_update())
    session.execute(sa.update(TAGS).where(TAGS.c.id == tag_id).values(value=str(int(str(value)) + 1)))


def values(url: str) -> Any:
    with Database(url) as database:
        return database.read(lambda session: list(session.scalars(sa.select(TAGS.c.value).order_by(TAGS.c.key))))


class Meeting:
    """Brings two units to the same point, in their first attempts only."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)
        self._met = threading.local()
        self.attempts: list[int] = []

    def __call__(self) -> None:
        self.attempts.append(threading.get_ident())
        if not getattr(self._met, "done", False):
            self._met.done = True
            self._barrier.wait(10)


@pytest.mark.database("postgresql", "mariadb")
def test_a_deadlock_is_run_again(migrated_url: str, tags: Any, face: str) -> None:
    """Two units that lock the same rows in opposite order both succeed, each having counted once."""
    meet = Meeting()

    def crosswise(session: Session, first: Any, second: Any) -> None:
        increment(session, first)
        meet()
        increment(session, second)

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(run_on, face, migrated_url, crosswise, *pair) for pair in (tags, tags[::-1])]:
            future.result()
    assert values(migrated_url) == ["2", "2"]
    assert len(meet.attempts) >= 3, "no deadlock came about"


@pytest.mark.database("postgresql")
def test_a_serialization_failure_is_run_again(migrated_url: str, tags: Any, face: str) -> None:
    """Write skew under SERIALIZABLE, found at the commit, is run again until one unit sees the other."""
    meet = Meeting()

    def skew(session: Session, mine: Any) -> None:
        session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
        total = sum(int(str(value)) for value in session.scalars(sa.select(TAGS.c.value)))
        meet()
        session.execute(sa.update(TAGS).where(TAGS.c.id == mine).values(value=str(total + 1)))

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(run_on, face, migrated_url, skew, tag_id) for tag_id in tags]:
            future.result()
    assert sorted(values(migrated_url)) == ["1", "2"]
    assert len(meet.attempts) >= 3, "no failure came about"


def test_waiting_for_a_lock_ends_and_is_run_again(backend: Backend, migrated_url: str, tags: Any, face: str) -> None:
    """Somebody who holds a row longer than one lock wait does not make the unit fail, only late."""
    holder = Database(migrated_url)
    held, attempts = threading.Event(), []

    def hold(session: Session) -> None:
        increment(session, tags[0])
        held.set()
        time.sleep(2.5)

    def counted(session: Session) -> None:
        attempts.append(1)
        increment(session, tags[0])

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(holder.run, hold)
        assert held.wait(10)
        # A third of the patience is one lock wait: one second. SQLite waits all of it at once.
        run_on(face, migrated_url, counted, timeout=4.0 if backend.name != "sqlite" else 10.0)
        holding.result()
    holder.close()
    assert values(migrated_url)[0] == "2"
    if backend.name != "sqlite":
        assert len(attempts) >= 2, "no lock wait ended"


def test_patience_ends(backend: Backend, migrated_url: str, tags: Any, face: str) -> None:
    """When a lock is held too long the unit gives up within its time, and says that the database is busy."""
    holder = Database(migrated_url)
    held, release = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        increment(session, tags[0])
        held.set()
        release.wait(30)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(holder.run, hold)
        assert held.wait(10)
        started = time.monotonic()
        try:
            with pytest.raises(DatabaseUnavailableError, match="too busy"):
                run_on(face, migrated_url, increment, tags[0], timeout=2.0)
            assert time.monotonic() - started < 25
        finally:
            release.set()
            holding.result()
    holder.close()
    assert values(migrated_url) == ["1", "0"]


def kill_self(session: Session, backend_name: Any) -> None:
    if backend_name == "postgresql":
        session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    else:
        session.execute(sa.text("KILL CONNECTION_ID()"))


@pytest.mark.database("postgresql", "mariadb")
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_connection_lost_in_the_middle_is_replaced(
    executor: Database, backend: Backend, tags: Any, after: Any
) -> None:
    """Wherever in a unit its connection ends, the unit is run again as a whole on another one."""
    attempts = []

    def unlucky(session: Session) -> None:
        attempts.append(1)
        for number in range(3):
            if len(attempts) == 1 and number == after:
                kill_self(session, backend.name)
            increment(session, tags[0])

    executor.run(unlucky)
    assert len(attempts) == 2
    assert executor.read(lambda session: session.scalar(sa.select(TAGS.c.value).where(TAGS.c.id == tags[0]))) == "3"


@pytest.mark.database("postgresql", "mariadb")
def test_a_connection_lost_while_idle_is_not_noticed(
    executor: Database, backend: Backend, migrated_url: str, tags: Any
) -> None:
    """A server that restarts between two units costs no attempt."""
    sql = "SELECT pg_backend_pid()" if backend.name == "postgresql" else "SELECT CONNECTION_ID()"
    idle = executor.run(lambda session: session.scalar(sa.text(sql)))
    with Database(migrated_url) as other, other.engine.connect() as connection:
        kill = "SELECT pg_terminate_backend({})" if backend.name == "postgresql" else "KILL {}"
        connection.exec_driver_sql(kill.format(idle))
    attempts = []

    def counted(session: Session) -> None:
        attempts.append(1)
        increment(session, tags[0])

    executor.run(counted)
    assert len(attempts) == 1


@pytest.mark.database("postgresql")
def test_a_server_that_became_a_replica_is_left(executor: Database, tags: Any) -> None:
    """'Read-only transaction' in a writing unit means a failover: the connection is left, the unit repeated."""
    attempts = []

    def write(session: Session) -> None:
        attempts.append(session.scalar(sa.text("SELECT pg_backend_pid()")))
        if len(attempts) == 1:
            session.execute(sa.text("SET TRANSACTION READ ONLY"))
        increment(session, tags[0])

    executor.run(write)
    assert len(set(attempts)) == 2


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_closed_port_is_told_soon(scheme: Any, face: str) -> None:
    """Nobody listens: a few tries, then an error that names host and port and not the password."""
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError) as caught:
        run_on(face, f"{scheme}://etl:geheim@127.0.0.1:1/etl", increment, 1)
    assert time.monotonic() - started < 20
    assert "127.0.0.1:1/etl" in caught.value.message
    assert "geheim" not in caught.value.message + repr(caught.value.details)


@pytest.mark.database("postgresql", "mariadb")
def test_a_database_that_is_not_there_is_told_at_once(migrated_url: str, face: str) -> None:
    """No such database: trying again would not make it."""
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError, match=r"(does not exist|Unknown database)"):
        run_on(face, migrated_url.rpartition("/")[0] + "/nowhere", increment, 1)
    assert time.monotonic() - started < 20


@pytest.mark.database("mariadb")
def test_a_wrong_password_is_told_at_once_and_not_shown(migrated_url: str, face: str) -> None:
    """Access denied: one try, and an error without the password."""
    url = migrated_url.replace("etl-secret", "wrong-secret")
    with pytest.raises(DatabaseUnavailableError, match="Access denied") as caught:
        run_on(face, url, increment, 1)
    assert "wrong-secret" not in caught.value.message


def test_all_connections_in_use_is_told(executor: Database, migrated_url: str, face: str) -> None:
    """When no connection of the pool becomes free in time, the error says so."""
    settings = Settings(database=DatabaseSettings(url=SecretStr(migrated_url), timeout=1, pool_size=1, max_overflow=0))
    if face == "async":
        asyncio.run(_crowd(settings))
        return
    with Database(settings=settings) as database:
        database.read(lambda session: None)
        with (
            database.engine.connect(),
            pytest.raises(DatabaseUnavailableError, match="all connections of this process are in use"),
        ):
            database.read(lambda session: session.scalar(sa.text("SELECT 1")))


async def _crowd(settings: Any) -> None:
    async with AsyncDatabase(settings=settings) as database:
        await database.read(lambda session: None)
        async with database.engine.connect():
            with pytest.raises(DatabaseUnavailableError, match="all connections of this process are in use"):
                await database.read(lambda session: session.scalar(sa.text("SELECT 1")))


def test_a_forked_child_uses_connections_of_its_own(migrated_url: str, tags: Any) -> None:
    """Four children of a process with open connections count 40 each; nothing is lost, mixed up or closed."""
    with Database(migrated_url) as database:
        database.run(increment, tags[0])
        children = [_fork(database, tags[0]) for _ in range(4)]
        for _ in range(10):
            database.run(increment, tags[0])
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        database.run(increment, tags[0])
    assert values(migrated_url)[0] == str(1 + 4 * 40 + 10 + 1)


def _fork(database: Database, tag_id: Any) -> Any:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for _ in range(40):
                database.run(increment, tag_id)
            status = 0
        finally:
            os._exit(status)
    return child


@pytest.mark.database("sqlite")
def test_eight_writers_of_one_file_lose_nothing(migrated_url: str, tags: Any) -> None:
    """Processes that read and then write in the same file all succeed: each takes the write lock first."""
    database = Database(migrated_url)
    children = [_fork(database, tags[0]) for _ in range(8)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert values(migrated_url)[0] == str(8 * 40)
    with sqlite3.connect(str(Target.parse(migrated_url).file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
