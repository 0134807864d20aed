"""What is peculiar to SQLite: files, memory, and what an existing file may be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.database import AsyncDatabase, Database
from etl_models.db.bases import table_of
from etl_models.errors import DatabaseUnavailableError, EtlModelsError
from etl_models.models import Tag

pytestmark = pytest.mark.contract

TAGS = table_of(Tag)


def add_tag(session: Session, key: str) -> None:
    session.execute(sa.insert(TAGS).values(key=key))


def count(session: Session) -> Any:
    return session.scalar(sa.select(sa.func.count()).select_from(TAGS))


@pytest.fixture
def open_database(face: str, blocking: Callable[[Any], Any]) -> Any:
    return lambda url, **options: (
        blocking(AsyncDatabase(url, **options)) if face == "async" else Database(url, **options)
    )


def test_a_read_creates_no_file(open_database: Any, tmp_path: Path) -> None:
    """Asking a database that is not there is an error that tells how it comes to be, and leaves no empty file."""
    file = tmp_path / "etl.db"
    with open_database(f"sqlite:///{file}") as database:
        with pytest.raises(DatabaseUnavailableError, match="created by the first write"):
            database.read(count)
        assert not database.health_check().ok
    assert list(tmp_path.iterdir()) == []


def test_the_first_write_creates_a_private_file_and_tells(open_database: Any, tmp_path: Path) -> None:
    """File, log and shared memory are readable by their owner only, whatever the umask; creation is told once."""
    file = tmp_path / "etl.db"
    told: list[str] = []
    before = os.umask(0)
    try:
        with open_database(f"sqlite:///{file}", on_created=told.append) as database:
            database.run(add_tag, "a")
            database.run(add_tag, "b")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"etl.db": 0o600, "etl.db-wal": 0o600, "etl.db-shm": 0o600}
    assert told == [str(file)]


def test_nobody_is_left_unaware_of_the_default_file(tmp_path: Path, project_root: Path) -> None:
    """A program that chose no database is told on stderr, once, where its data went."""
    code = (
        "from etl_models.database import Database\n"
        "for _ in range(2):\n"
        "    with Database() as database: database.run(lambda session: None)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ETL_MODELS")}
    environment["PYTHONPATH"] = str(project_root)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == ""
    assert result.stderr == f"created the database {tmp_path}/etl_models.db\n"


def test_a_chosen_file_is_created_quietly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who named the place need not be warned."""
    with caplog.at_level(logging.INFO, "etl_models"), Database(f"sqlite:///{tmp_path}/etl.db") as database:
        database.run(add_tag, "a")
    assert [record.levelname for record in caplog.records if "created" in record.message] == ["INFO"]


def test_folders_are_not_created(open_database: Any, tmp_path: Path) -> None:
    """A path with a folder that is not there is probably mistyped."""
    with (
        open_database(f"sqlite:///{tmp_path}/no/where/etl.db") as database,
        pytest.raises(DatabaseUnavailableError, match=r"the folder .*/no/where does not exist"),
    ):
        database.run(add_tag, "a")


@pytest.mark.parametrize("method", ["run", "read"])
def test_a_file_of_another_kind_is_left_alone(open_database: Any, tmp_path: Path, method: Any) -> None:
    """A file that is no database is not overwritten."""
    file = tmp_path / "etl.db"
    file.write_bytes(b"not a database, but long enough to look for a header " * 100)
    before = file.read_bytes()
    with (
        open_database(f"sqlite:///{file}") as database,
        pytest.raises(DatabaseUnavailableError, match="not a database"),
    ):
        getattr(database, method)(count)
    assert file.read_bytes() == before


def test_a_folder_is_no_database(open_database: Any, tmp_path: Path) -> None:
    """A path to a folder is an error of ours."""
    with (
        open_database(f"sqlite:///{tmp_path}") as database,
        pytest.raises(DatabaseUnavailableError, match="it is a folder"),
    ):
        database.run(add_tag, "a")


def test_a_database_in_memory_is_one_for_all_units(open_database: Any) -> None:
    """It is there at once, whether the first unit reads or writes, and every unit sees the same data."""
    with open_database("sqlite://") as database:
        assert database.read(count) == 0
        database.run(add_tag, "a")
        assert database.read(count) == 1
        with pytest.raises(EtlModelsError, match="only reads"):
            database.read(add_tag, "b")
        assert database.health_check().ok
        database.reset(confirm=":memory:")
        assert database.read(count) == 0


def test_databases_in_memory_are_apart() -> None:
    """Two executors on sqlite:// share nothing."""
    with Database("sqlite://") as one, Database("sqlite://") as other:
        one.run(add_tag, "a")
        assert other.read(count) == 0


def test_threads_take_turns_in_memory() -> None:
    """A database in memory has one connection, and its units do not mix."""
    with Database("sqlite://") as database:
        start = threading.Barrier(8)

        def pair(session: Session, number: int) -> None:
            add_tag(session, f"{number}-1")
            if number % 2:
                raise ZeroDivisionError
            add_tag(session, f"{number}-2")

        def work(worker: Any) -> None:
            start.wait()
            for number in range(worker * 20, worker * 20 + 20):
                with contextlib.suppress(ZeroDivisionError):
                    database.run(pair, number)

        with ThreadPoolExecutor(8) as threads:
            for future in [threads.submit(work, worker) for worker in range(8)]:
                future.result()
        assert database.read(count) == 160


async def test_tasks_take_turns_in_memory() -> None:
    """As threads do."""
    async with AsyncDatabase("sqlite://") as database:
        await asyncio.gather(*(database.run(add_tag, str(number)) for number in range(40)))
        assert await database.read(count) == 40


def test_integrity_is_on_for_every_connection(open_database: Any, tmp_path: Path) -> None:
    """Foreign keys, full durability and the log are set on each connection of the pool, not only the first."""
    with open_database(f"sqlite:///{tmp_path}/etl.db") as database:
        database.create_tables()

        def pragmas(session: Session) -> Any:
            return tuple(
                session.scalar(sa.text(f"PRAGMA {name}"))
                for name in ("foreign_keys", "synchronous", "journal_mode", "busy_timeout")
            )

        assert database.run(pragmas) == database.read(pragmas) == (1, 2, "wal", 30_000)


def test_a_writer_does_not_stop_readers(tmp_path: Path) -> None:
    """While a unit writes, others read what was committed before."""
    with Database(f"sqlite:///{tmp_path}/etl.db") as database:
        database.run(add_tag, "a")
        writing, release = threading.Event(), threading.Event()

        def slow(session: Session) -> None:
            add_tag(session, "b")
            writing.set()
            release.wait(10)

        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(database.run, slow)
            assert writing.wait(10)
            assert database.read(count) == 1
            with Database(f"sqlite:///{tmp_path}/etl.db") as other:
                assert other.read(count) == 1
                assert other.health_check().ok
            release.set()
            future.result()
        assert database.read(count) == 2


def test_a_unit_that_read_first_may_write(tmp_path: Path) -> None:
    """Nobody commits between what a unit reads and what it writes: it need not be run twice."""
    attempts: list[int] = []
    with Database(f"sqlite:///{tmp_path}/etl.db") as database, ThreadPoolExecutor(1) as thread:
        database.run(add_tag, "a")
        others: list[Any] = []

        def read_then_write(session: Session) -> None:
            attempts.append(count(session))
            others.append(thread.submit(database.run, add_tag, f"other-{len(attempts)}"))
            time.sleep(0.3)
            add_tag(session, "b")

        database.run(read_then_write)
        for other in others:
            other.result()
        assert attempts == [1]
        assert database.read(count) == 3


def test_a_killed_writer_leaves_nothing_half(tmp_path: Path) -> None:
    """A process that dies inside a unit, after a savepoint too, leaves the file as it was before."""
    url = f"sqlite:///{tmp_path}/etl.db"
    with Database(url) as database:
        database.run(add_tag, "a")
    child = os.fork()
    if child == 0:

        def die(session: Session) -> None:
            with session.begin_nested():
                add_tag(session, "b")
            os._exit(9)

        Database(url).run(die)
    os.waitpid(child, 0)
    with Database(url) as database:
        assert database.read(count) == 1
    with sqlite3.connect(tmp_path / "etl.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
