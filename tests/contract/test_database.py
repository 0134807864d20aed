"""What both executors promise of a unit of work, on every database."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool

from etl_models.database import AsyncDatabase, Database
from etl_models.db.bases import table_of
from etl_models.errors import ConflictError, DatabaseUnavailableError, EtlModelsError, SchemaVersionError
from etl_models.models import Tag
from etl_models.settings import DatabaseSettings, Settings, load_settings
from tests.support.databases import Backend

pytestmark = pytest.mark.contract

TAGS = table_of(Tag)


def add_tag(session: Session, key: str, value: str = "") -> Any:
    session.execute(sa.insert(TAGS).values(key=key, value=value))
    return key


def keys(session: Session) -> Any:
    return sorted(session.scalars(sa.select(TAGS.c.key)))


def set_value(session: Session, key: str, value: str) -> None:
    session.execute(sa.update(TAGS).where(TAGS.c.key == key).values(value=value))


def value_of(session: Session, key: str) -> Any:
    return session.scalar(sa.select(TAGS.c.value).where(TAGS.c.key == key))


def test_a_unit_is_committed_and_its_result_returned(executor: Database) -> None:
    """What the function did is there afterwards, and what it returned comes back."""
    assert executor.run(add_tag, "a", value="1") == "a"
    assert executor.read(value_of, "a") == "1"


def test_a_unit_that_raises_leaves_nothing(executor: Database) -> None:
    """An exception of the function comes out unchanged, and everything before it is undone."""

    class OwnError(Exception):
        pass

    def fails(session: Session) -> None:
        add_tag(session, "a")
        raise OwnError

    with pytest.raises(OwnError):
        executor.run(fails)
    assert executor.read(keys) == []


def test_our_errors_are_not_taken_for_the_databases(executor: Database) -> None:
    """An operation that finds a conflict runs once, and its error is told as it is."""
    calls = []

    def conflict(session: Session) -> None:
        calls.append(1)
        raise ConflictError("stored is something else")

    with pytest.raises(ConflictError, match="stored is something else"):
        executor.run(conflict)
    assert len(calls) == 1


def test_rows_stay_readable_after_the_commit(executor: Database) -> None:
    """Nothing expires at the commit: what was loaded can be used when the session is gone."""
    executor.run(add_tag, "a")
    tag = executor.read(lambda session: session.scalars(sa.select(Tag)).one())
    assert tag.key == "a"


def test_a_savepoint_undoes_its_own_part_only(executor: Database) -> None:
    """The rest of the unit survives a savepoint that is rolled back, on SQLite too."""

    def half(session: Session) -> None:
        add_tag(session, "kept")
        savepoint = session.begin_nested()
        add_tag(session, "undone")
        savepoint.rollback()
        add_tag(session, "after")

    executor.run(half)
    assert executor.read(keys) == ["after", "kept"]


def test_a_savepoint_is_lost_with_its_unit(executor: Database) -> None:
    """A savepoint that was released is undone when the unit fails: releasing is no commit."""

    def fails(session: Session) -> None:
        with session.begin_nested():
            add_tag(session, "a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        executor.run(fails)
    assert executor.read(keys) == []


def test_a_reading_unit_cannot_write(executor: Database) -> None:
    """A write in read() is refused by the database itself, and the executor goes on working."""
    with pytest.raises(EtlModelsError, match="only reads tried to write") as caught:
        executor.read(add_tag, "a")
    assert caught.type is EtlModelsError
    executor.run(add_tag, "b")
    assert executor.read(keys) == ["b"]


def test_a_reading_unit_sees_one_moment(executor: Database, migrated_url: str) -> None:
    """What others commit meanwhile does not show before the next unit."""
    executor.run(add_tag, "a", value="1")

    def read_twice(session: Session) -> Any:
        before = value_of(session, "a")
        with Database(migrated_url) as other, ThreadPoolExecutor(1) as thread:
            thread.submit(other.run, set_value, "a", "2").result()
        session.expire_all()
        return before, value_of(session, "a")

    assert executor.read(read_twice) == ("1", "1")
    assert executor.read(value_of, "a") == "2"


def test_units_do_not_nest(executor: Database) -> None:
    """A unit inside a unit is refused at once instead of waiting for itself."""
    with pytest.raises(EtlModelsError, match="do not nest"):
        executor.run(_nested_in(executor))
    executor.run(add_tag, "a")


def _nested_in(executor: Any) -> Any:
    def nested(_session: Session) -> None:
        if isinstance(executor, Database):
            executor.run(keys)
        else:
            executor._wrapped.run(keys).send(None)

    return nested


def test_a_closed_executor_says_so(executor: Database) -> None:
    """After close() a unit is refused, not run on a new connection nobody will close."""
    executor.close()
    with pytest.raises(DatabaseUnavailableError, match="closed"):
        executor.run(keys)


def increment(session: Session, tag_id: Any) -> None:
    """Read and write under a lock. By the key: in an index that the write changes, MariaDB may miss the moving row."""
    value = session.scalar(sa.select(TAGS.c.value).where(TAGS.c.id == tag_id).with_for_update())
    session.execute(sa.update(TAGS).where(TAGS.c.id == tag_id).values(value=str(int(str(value)) + 1)))


def test_threads_share_an_executor(database: Database) -> None:
    """Sixteen threads add up to the exact sum: no update is lost, none is refused."""
    database.run(add_tag, "n", value="0")
    tag_id = database.read(lambda session: session.scalar(sa.select(TAGS.c.id)))

    with ThreadPoolExecutor(16) as threads:
        for future in [threads.submit(database.run, increment, tag_id) for _ in range(160)]:
            future.result()
    assert database.read(value_of, "n") == "160"


async def test_tasks_share_an_executor(async_database: AsyncDatabase) -> None:
    """Forty tasks add up to the exact sum."""
    await async_database.run(add_tag, "n", value="0")
    tag_id = await async_database.read(lambda session: session.scalar(sa.select(TAGS.c.id)))

    await asyncio.gather(*(async_database.run(increment, tag_id) for _ in range(40)))
    assert await async_database.read(value_of, "n") == "40"


async def test_cancelling_leaves_a_unit_done_or_not_done(async_database: AsyncDatabase) -> None:
    """However a task is cancelled, both rows of its unit are there or neither, and no connection is lost."""

    def pair(session: Session, name: str) -> None:
        add_tag(session, f"{name}-1")
        add_tag(session, f"{name}-2")

    await async_database.run(keys)
    pool = cast("AsyncAdaptedQueuePool", async_database.engine.pool)
    for number in range(60):
        task = asyncio.create_task(async_database.run(pair, str(number)))
        await asyncio.sleep(number % 12 * 0.0007)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    found = await async_database.read(keys)
    numbers = [key.partition("-")[0] for key in found]
    assert all(numbers.count(number) == 2 for number in set(numbers))
    assert pool.checkedout() == 0
    await async_database.run(pair, "last")


def test_one_executor_serves_one_event_loop_after_the_other(migrated_url: str) -> None:
    """A program that calls asyncio.run() twice keeps its executor."""
    executor = AsyncDatabase(migrated_url)

    async def use(key: str) -> Any:
        await executor.run(add_tag, key)
        return await executor.read(keys)

    async def last() -> Any:
        async with executor:
            return await use("b")

    asyncio.run(use("a"))
    assert asyncio.run(last()) == ["a", "b"]


def test_an_empty_server_is_not_filled_by_itself(
    backend: Backend, database_url: str, face: str, blocking: Callable[[Any], Any]
) -> None:
    """On a server the schema is made by db upgrade; on SQLite by the first write."""
    opened = blocking(AsyncDatabase(database_url)) if face == "async" else Database(database_url)
    with opened as database:
        if backend.name == "sqlite":
            database.run(add_tag, "a")
            assert database.read(keys) == ["a"]
            return
        with pytest.raises(SchemaVersionError, match=r"revision none.*etl-models db upgrade"):
            database.run(add_tag, "a")
        database.create_tables()
        database.run(add_tag, "a")


@pytest.mark.database("postgresql", "mariadb")
def test_auto_migrate_fills_a_server(database_url: str, face: str, blocking: Callable[[Any], Any]) -> None:
    """With auto_migrate the first write makes the schema; a read still refuses."""
    settings = Settings(database=DatabaseSettings(url=SecretStr(database_url), auto_migrate=True))
    with blocking(AsyncDatabase(settings=settings)) if face == "async" else Database(settings=settings) as database:
        with pytest.raises(SchemaVersionError):
            database.read(keys)
        database.run(add_tag, "a")
        assert database.read(keys) == ["a"]


def test_a_newer_schema_is_refused_by_name(executor: Database, migrated_url: str) -> None:
    """A library older than the schema names both revisions and touches nothing."""
    with Database(migrated_url) as other:
        with other.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE etl_alembic_version SET version_num = '9999'")
        for unit in (executor.run, executor.read):
            with pytest.raises(SchemaVersionError, match=r"9999.*0001.*upgrade the package") as caught:
                unit(keys)
            assert caught.value.details["current"] == "9999"
        with pytest.raises(SchemaVersionError, match="9999"):
            executor.create_tables()


def test_many_threads_may_meet_at_the_first_write(new_database_url: Callable[[], str], backend: Backend) -> None:
    """Threads that start together make the schema once."""
    settings = Settings(database=DatabaseSettings(url=SecretStr(new_database_url()), auto_migrate=True))
    with Database(settings=settings) as database:
        start = threading.Barrier(4)

        def first(number: int) -> None:
            start.wait()
            database.run(add_tag, str(number))

        with ThreadPoolExecutor(4) as threads:
            for future in [threads.submit(first, number) for number in range(4)]:
                future.result()
        assert database.read(keys) == ["0", "1", "2", "3"]


def test_reset_needs_the_name_and_keeps_what_is_not_ours(executor: Database) -> None:
    """reset() empties our tables only after its name was repeated; a user's table in the same database stays."""
    executor.run(lambda session: session.execute(sa.text("CREATE TABLE customer (id INTEGER PRIMARY KEY)")))
    executor.run(lambda session: session.execute(sa.text("INSERT INTO customer VALUES (7)")))
    executor.run(add_tag, "a")
    with pytest.raises(EtlModelsError, match="confirmed by its name"):
        executor.reset(confirm="yes")
    assert executor.read(keys) == ["a"]
    executor.reset(confirm=executor.target.database_name)
    assert executor.read(keys) == []
    assert executor.read(lambda session: session.scalar(sa.text("SELECT id FROM customer"))) == 7


def test_health_tells_what_is_there(executor: Database, backend: Backend) -> None:
    """A health check names version, latency, revision and the settings of a session, and no password."""
    health = executor.health_check()
    assert health.ok
    assert health.error is None
    assert health.dialect == {"mariadb": "mysql"}.get(backend.name, backend.name)
    assert health.server_version
    assert health.latency_ms
    assert health.schema_revision == health.schema_head == "0001"
    assert "etl-secret" not in repr(health)
    wanted = {
        "sqlite": {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"},
        "postgresql": {"default_transaction_isolation": "read committed", "timezone": "UTC"},
        "mariadb": {"transaction_isolation": "read committed", "time_zone": "+00:00"},
    }[backend.name]
    assert wanted.items() <= health.facts.items()


def test_health_of_what_cannot_be_reached(face: str, blocking: Callable[[Any], Any]) -> None:
    """A health check of a database that is away says so instead of raising."""
    url = "postgresql://etl:geheim@127.0.0.1:1/etl"
    with blocking(AsyncDatabase(url)) if face == "async" else Database(url) as database:
        health = database.health_check()
    assert not health.ok
    assert "cannot be reached" in str(health.error)
    assert "geheim" not in repr(health) + repr(database)


def test_both_faces_have_the_same_signatures() -> None:
    """Whoever knows one executor knows the other."""
    public = [name for name in vars(Database) if not name.startswith("_")]
    assert public == [name for name in vars(AsyncDatabase) if not name.startswith("_")]
    for name in public:
        sync, asynchronous = getattr(Database, name), getattr(AsyncDatabase, name)
        if callable(sync):
            assert inspect.iscoroutinefunction(asynchronous)
            assert inspect.signature(sync) == inspect.signature(asynchronous)
    assert inspect.signature(Database.__init__) == inspect.signature(AsyncDatabase.__init__)


@pytest.mark.database("mariadb")
def test_the_password_may_come_by_itself(
    migrated_url: str, face: str, blocking: Callable[[Any], Any], tmp_path: Path
) -> None:
    """A URL without password and a file that holds it open the database together."""
    (tmp_path / "password").write_text("etl-secret\n")
    environment = {
        "ETL_MODELS_DATABASE_URL": migrated_url.replace(":etl-secret", ""),
        "ETL_MODELS_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
    }
    settings = load_settings(directory=tmp_path, environment=environment)
    with blocking(AsyncDatabase(settings=settings)) if face == "async" else Database(settings=settings) as database:
        assert database.read(keys) == []
        assert "etl-secret" not in repr(database)
