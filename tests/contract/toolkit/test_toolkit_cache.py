"""The cache of repositories: what it answers, when it forgets, and that it is never trusted too far."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, object_session

from etl_models.db.async_repository import AsyncRepository
from etl_models.db.caching import repository_cache, rows, watch
from etl_models.db.caching.backend import MemoryBackend
from etl_models.db.caching.repository_cache import RepositoryCache
from etl_models.db.engine import build_async_engine, build_engine
from etl_models.db.errors import NotFoundError, StaleDataError, TenantRequiredError
from etl_models.db.repository import Repository
from etl_models.db.target import Target
from etl_models.db.tenancy import every_tenant, tenant_scope
from etl_models.errors import ConfigurationError
from tests.support import redis
from tests.support.sources import ROOT
from tests.support.statements import counted
from tests.support.toolkit import Rows, opened
from tests.support.toolkit_models import Advert, Color, Note, Person, Sample

pytestmark = pytest.mark.contract
TTL = 3600.0


@pytest.fixture(params=["memory", "redis"])
def new_cache(request: pytest.FixtureRequest) -> Iterator[Callable[[], RepositoryCache]]:
    """Makes caches on one store: one object as in one process, several on Redis as in several."""
    with ExitStack() as stack:
        if request.param == "memory":
            one = stack.enter_context(RepositoryCache.in_process(ttl=TTL))
            yield lambda: one
        else:
            server = request.getfixturevalue("redis_server")
            prefix = uuid.uuid4().hex
            yield lambda: stack.enter_context(RepositoryCache.redis(server.url, ttl=TTL, prefix=prefix, deadline=30))


def lock_free(engine: sa.Engine) -> sa.Engine:
    """The engine; on SQLite one whose transactions take no lock."""
    target = Target.parse("sqlite://")
    return engine.execution_options(**target.dialect.read_options()) if engine.dialect.name == "sqlite" else engine


class Reader:
    """A session that reads through a cache, each time as a new one would."""

    def __init__(self, sessions: Rows, cache: RepositoryCache | None) -> None:
        self.sessions = sessions
        self.kind = type("CachedRepository", (Repository,), {"cache": cache})
        self.engine: sa.Engine = sessions.run(lambda session: session.get_bind())

    def repository(self, model: Any = Advert) -> Any:
        """A repository that uses the cache."""
        return self.sessions.repository(model, self.kind)

    def get(self, ident: Any, model: Any = Advert) -> tuple[Any, int]:
        """The row as a new session gets it, and how many queries that took."""
        self.again()
        with counted(self.engine) as counts, self.only_reading():
            row = self.repository(model).get_by_id(ident)
            self.sessions.commit()  # rows stay readable
        return row, counts["SELECT"]

    @contextmanager
    def only_reading(self) -> Iterator[None]:
        """Let the session begin transactions that do not wait for a writer of SQLite."""
        self.sessions.run(lambda session: setattr(session, "bind", lock_free(self.engine)))
        yield
        self.sessions.run(lambda session: setattr(session, "bind", self.engine))

    def again(self) -> None:
        """End the transaction and forget its rows."""
        self.sessions.rollback()
        self.sessions.forget()


@pytest.fixture
def readers(
    rows_of: Callable[..., Rows], new_cache: Callable[[], RepositoryCache]
) -> Callable[..., tuple[Reader, Reader]]:
    """Makes two sessions with an engine each, and on Redis a cache each, as two processes have them."""

    def make(*models: Any) -> tuple[Reader, Reader]:
        first, second = rows_of(*models), rows_of(*models)
        return Reader(first, new_cache()), Reader(second, new_cache())

    return make


def warm(reader: Reader, ident: Any, model: Any = Advert) -> None:
    """Have the row in the cache; a block of the last change may still be on its way out."""
    for _ in range(500):
        if reader.get(ident, model)[1] == 0:
            return
        sleep(0.02)
    pytest.fail("the row does not get into the cache")


def client_of(cache: RepositoryCache) -> Any:
    """The client of Redis inside."""
    backend: Any = cache._backend
    return backend._client


def made(reader: Reader, model: Any = Advert, **values: Any) -> Any:
    """The key of a new row, committed."""
    row = reader.repository(model).create(**values)
    ident = row.id
    reader.sessions.commit()
    return ident


# ------------------------------------------------------------------------------------------------------------- answers


def test_a_second_session_needs_no_query(readers: Any) -> None:
    """The first read of a row asks the database, the next ones of any session do not; rows are attached."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=3)
    assert one.get(ident)[1] == 1
    for reader in (one, two, one):
        row, queries = reader.get(str(ident))
        assert (row.name, row.budget, queries) == ("banner", 3, 0)
        assert reader.sessions.run(lambda session, row=row: object_session(row) is session)
        assert reader.repository().get(ident) is row


def test_without_a_cache_every_session_asks(rows_of: Any) -> None:
    """Nothing is cached unless a repository was given a cache."""
    reader = Reader(rows_of(Person, Advert), None)
    ident = made(reader, name="banner")
    assert [reader.get(ident)[1] for _ in range(3)] == [1, 1, 1]


def test_a_cache_can_be_given_to_the_constructor(
    rows_of: Any, new_cache: Callable[[], RepositoryCache], face: str
) -> None:
    """``Repository(session, Model, cache=...)`` and its asynchronous twin use it."""
    sessions = rows_of(Person, Advert)
    ident = made(Reader(sessions, None), name="banner")
    cache = new_cache()
    for _ in range(2):
        sessions.rollback()
        sessions.forget()
        if face == "sync":
            assert Repository(sessions.session, Advert, cache=cache).get(ident).name == "banner"
        else:
            asynchronous = AsyncRepository(sessions.session, Advert, cache=cache)
            assert sessions.runner.run(asynchronous.get(ident)).name == "banner"
    assert (cache.statistics.hits, cache.statistics.fills) == (1, 1)


EVERYTHING = {
    "text": "ä\U0001f600\n'\"\\",
    "whole": -(2**62),
    "real": float("-inf"),
    "maybe_real": float("nan"),
    "yes": True,
    "exact": Decimal("12345678901.2340"),
    "moment": datetime(2024, 2, 29, 23, 59, 59, 999999, UTC),
    "day": date(1, 1, 1),
    "clock": time(23, 59, 59, 999999),
    "span": timedelta(days=-3, microseconds=1),
    "ident": uuid.UUID(int=2**127 + 1),
    "color": Color.BLUE,
    "raw": bytes(range(256)),
    "data": {"enum": ["json", {"a": [1, 1.5, None, True, "x", {}]}]},
    "items": [["float", "nan"], [], {"": ""}],
    "price_micros": 1,
    "price_currency": "USD",
}


def test_every_type_comes_back_exactly(readers: Any) -> None:
    """A row from the cache holds the values, of the types, that the database gives."""
    one, two = readers(Sample)
    ident = made(one, Sample, **EVERYTHING)
    from_database, queries = one.get(ident, Sample)
    assert queries == 1
    expected = {name: (type(value), repr(value)) for name, value in from_database.model_dump().items()}
    cached, queries = two.get(ident, Sample)
    assert queries == 0
    assert {name: (type(value), repr(value)) for name, value in cached.model_dump().items()} == expected
    assert cached.price == from_database.price
    assert cached.to_dict() == from_database.to_dict()


def test_a_cached_row_is_as_good_as_a_loaded_one(readers: Any) -> None:
    """Changes inside JSON are noticed, relations load, versions count, and an older version is refused."""
    one, two = readers(Person, Advert)
    owner = made(one, Person, email="a@b.c")
    ident = made(one, name="banner", data={"a": {"b": 1}}, person_id=owner)
    warm(one, ident)
    warm(two, ident)
    row = one.get(ident)[0]
    stale = two.get(ident)[0]
    assert one.sessions.run(lambda _: row.person.email) == "a@b.c"
    row.data["a"]["b"] = 2
    one.sessions.commit()
    assert row.version == 2
    assert [change.fields for change in one.repository().history(ident)][-1] == ("data", "updated_at", "version")
    one.sessions.commit()
    with pytest.raises(StaleDataError):
        two.repository().update(stale, name="late")
    row, queries = two.get(ident)
    assert (row.data, row.version, queries) == ({"a": {"b": 2}}, 2, 1)


def test_what_names_relations_or_locks_or_changes_goes_to_the_database(readers: Any) -> None:
    """``load``, ``for_update`` and finding a row to change are never answered from the cache."""
    one, _ = readers(Person, Advert)
    ident = made(one, name="banner")
    warm(one, ident)
    for act in (
        lambda repository: repository.get(ident, load="person"),
        lambda repository: repository.for_update().get(ident),
        lambda repository: repository.update(ident, budget=4),
    ):
        one.again()
        with counted(one.engine) as counts:
            act(one.repository())
        assert counts["SELECT"] >= 1


# ---------------------------------------------------------------------------------------------------------- forgetting


def _by_attribute(reader: Reader, ident: Any) -> None:
    row = reader.repository().get(ident)
    row.budget = 7


def _core(statement: Callable[[Any], Any]) -> Callable[[Reader, Any], None]:
    return lambda reader, ident: reader.sessions.run(lambda session: session.execute(statement(ident)))


def _past_the_session(reader: Reader, ident: Any) -> None:
    reader.sessions.run(
        lambda session: session.connection().execute(
            sa.update(Advert.__table__).where(Advert.__table__.c.id == ident).values(budget=7)
        )
    )


WRITES: dict[str, Callable[[Reader, Any], None]] = {
    "update": lambda reader, ident: reader.repository().update(ident, budget=7),
    "attribute": _by_attribute,
    "bulk_update": lambda reader, ident: reader.repository().bulk_update([{"id": ident, "budget": 7}]),
    "upsert": lambda reader, ident: reader.repository().upsert(id=ident, name="banner", budget=7),
    "upsert by name": lambda reader, _: reader.repository().upsert(name="banner", budget=7, match=["name"]),
    "bulk_upsert": lambda reader, ident: reader.repository().bulk_upsert(
        [{"id": ident, "name": "banner", "budget": 7}]
    ),
    "revert_to": lambda reader, ident: reader.repository().revert_to(ident, 1),
    "ORM update": _core(lambda ident: sa.update(Advert).where(Advert.id == ident).values(budget=7)),
    "ORM update of all": _core(lambda _: sa.update(Advert).values(budget=7)),
    "text": _core(lambda _: sa.text("UPDATE advert SET budget = 7")),
    "Core on the connection": _past_the_session,
}


@pytest.mark.parametrize("write", WRITES)
def test_a_committed_change_is_seen_at_once(readers: Any, write: str) -> None:
    """However a row is changed through SQLAlchemy, the next read anywhere has the new value, and none before it."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=7)
    _core(lambda key: sa.update(Advert).where(Advert.id == key).values(budget=1, version=2))(one, ident)
    one.sessions.commit()
    warm(two, ident)
    one.again()
    WRITES[write](one, ident)
    one.sessions.run(Session.flush)
    assert two.get(ident)[0].budget == 1
    warm(two, ident)
    one.sessions.commit()
    assert two.get(ident)[0].budget == 7
    assert one.get(ident)[0].budget == 7


@pytest.mark.parametrize("method", ["delete", "soft_delete"])
def test_a_deleted_row_is_gone_at_once(readers: Any, method: str) -> None:
    """A row that was deleted, or hidden, is not found any more; one that was restored is."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner")
    warm(two, ident)
    getattr(one.repository(), method)(ident)
    one.sessions.commit()
    assert two.get(ident)[0] is None
    assert two.get(ident)[0] is None
    with pytest.raises(NotFoundError):
        two.repository().get(ident)
    if method == "soft_delete":
        one.repository().restore(ident)
        one.sessions.commit()
        assert two.get(ident)[0].name == "banner"


def test_only_what_was_changed_is_forgotten(readers: Any) -> None:
    """A change by the key of one row leaves the others in the cache."""
    one, two = readers(Person, Advert)
    first, second = made(one, name="first"), made(one, name="second")
    warm(two, first)
    warm(two, second)
    one.repository().update(first, budget=5)
    one.repository().bulk_update([{"id": first, "budget": 6}])
    one.repository().create(name="third")
    one.sessions.commit()
    assert two.get(second)[1] == 0
    assert two.get(first)[0].budget == 6


def test_what_the_database_changes_by_itself_is_forgotten(readers: Any) -> None:
    """A row that a foreign key with ``ON DELETE SET NULL`` changes is read anew."""
    one, two = readers(Person, Advert)
    owner = made(one, Person, email="a@b.c")
    ident = made(one, name="banner", person_id=owner)
    warm(two, ident)
    _core(lambda key: sa.delete(Person.__table__).where(Person.__table__.c.id == key))(one, owner)
    one.sessions.commit()
    assert two.get(ident)[0].person_id is None


def test_a_rollback_forgets_nothing(readers: Any) -> None:
    """What was not committed neither changes nor removes what is cached."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=1)
    warm(two, ident)
    one.repository().update(ident, budget=2)
    one.sessions.rollback()
    row, queries = two.get(ident)
    assert (row.budget, queries) == (1, 0)


def test_a_transaction_reads_what_it_wrote(readers: Any) -> None:
    """A session that has changed something reads from the database until it ends, and shows it to nobody else."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=1)
    warm(two, ident)
    one.repository().update(ident, budget=2)
    new = one.repository().create(name="new").id
    for _ in range(2):
        one.sessions.forget()
        assert one.repository().get(ident).budget == 2
        assert one.repository().get(new).name == "new"
    assert two.get(ident)[0].budget == 1
    assert two.get(new)[0] is None
    one.sessions.rollback()
    assert one.get(ident)[0].budget == 1
    assert one.get(new)[0] is None


def test_what_is_not_flushed_counts_as_changed(readers: Any) -> None:
    """Before a flush, too, a session that holds changes reads from the database."""
    one, _ = readers(Person, Advert)
    first, second = made(one, name="first"), made(one, name="second")
    warm(one, second)
    row = one.get(first)[0]
    row.budget = 9
    with counted(one.engine) as counts:
        assert one.repository().get(second).name == "second"
    assert counts["SELECT"] >= 1


# -------------------------------------------------------------------------------------------------------------- races


def test_a_value_read_before_a_change_is_not_cached_after_it(readers: Any) -> None:
    """A reader that was overtaken by a writer between its query and the cache leaves nothing there."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=1)
    overtaken: list[str] = []

    def overtake(connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if statement.startswith("SELECT") and "FROM advert" in statement and not overtaken:
            overtaken.append(statement)
            _in_a_thread(lambda: _write(url, ident, 2))

    url = two.engine.url
    sa.event.listen(two.engine, "after_cursor_execute", overtake)
    row = two.get(ident)[0]
    sa.event.remove(two.engine, "after_cursor_execute", overtake)
    assert (row.budget, len(overtaken)) == (1, 1)
    for reader in (one, two, one, two):
        assert reader.get(ident)[0].budget == 2


def _in_a_thread(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def _write(url: sa.URL, ident: Any, budget: int) -> None:
    engine = build_engine(Target.parse(url.set(drivername=url.get_backend_name())))
    with Session(engine) as session:
        Repository(session, Advert).update(ident, budget=budget)
        session.commit()
    engine.dispose()


@pytest.mark.parametrize("isolation", [None, "REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_is_not_cached(readers: Any, isolation: str | None) -> None:
    """A transaction that sees the database as it was before a change does not put that into the cache."""
    one, two = readers(Person, Advert)
    if two.engine.dialect.name == "sqlite":
        isolation = None  # each transaction there sees a snapshot
    if isolation == "SERIALIZABLE" and two.engine.dialect.name in ("mysql", "mariadb"):
        pytest.skip("reading locks there, nobody can change anything")
    ident, other = made(one, name="banner", budget=1), made(one, name="other")
    two.again()
    options = {} if isolation is None else {"isolation_level": isolation}
    with two.only_reading():
        two.sessions.run(lambda session: session.connection(execution_options=options))
        two.sessions.all(sa.select(Advert.__table__).where(Advert.__table__.c.id == other))  # the snapshot begins
        one.repository().update(ident, budget=2)
        one.sessions.commit()
        assert two.repository().get(ident).budget in ((1, 2) if isolation is None else (1,))
        two.sessions.commit()
    assert one.get(ident)[0].budget == 2
    assert two.get(ident)[0].budget == 2


def test_under_load_nobody_reads_what_was_overwritten(
    database_url: str, face: str, rows_of: Any, new_cache: Callable[[], RepositoryCache]
) -> None:
    """While one writes and several read, each in sessions of its own, no read is older than the last commit before."""
    ident = made(Reader(rows_of(Person, Advert), new_cache()), name="banner", budget=0)
    state = {"committed": 0, "done": False}
    late: list[tuple[int, int]] = []
    reads = [0]

    def write(session: Session, number: int) -> None:
        Repository(session, Advert).update(ident, budget=number)

    def read(session: Session, cache: RepositoryCache) -> int:
        reads[0] += 1
        return Repository(session, Advert, cache=cache).get(ident).budget

    def note(least: int, seen: int) -> None:
        if seen < least:
            late.append((least, seen))

    if face == "sync":
        _load_by_threads(database_url, new_cache, state, write, read, note)
    else:
        asyncio.run(_load_by_tasks(database_url, new_cache, state, write, read, note))
    assert (late, state["committed"]) == ([], WRITTEN)
    assert reads[0] > 3


WRITTEN = 40


def _load_by_threads(url: str, new_cache: Any, state: Any, write: Any, read: Any, note: Any) -> None:
    engine = build_engine(Target.parse(url))

    def reading(cache: RepositoryCache) -> None:
        while not state["done"]:
            least = state["committed"]
            with Session(lock_free(engine)) as session:
                note(least, read(session, cache))

    threads = [threading.Thread(target=reading, args=(new_cache(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, WRITTEN + 1):
            with Session(engine) as session:
                write(session, number)
                session.commit()
            state["committed"] = number
    finally:
        state["done"] = True
        for thread in threads:
            thread.join()
        engine.dispose()


async def _load_by_tasks(url: str, new_cache: Any, state: Any, write: Any, read: Any, note: Any) -> None:
    engine = build_async_engine(Target.parse(url))

    async def reading(cache: RepositoryCache) -> None:
        while not state["done"]:
            least = state["committed"]
            async with AsyncSession(engine) as session:
                session.sync_session.bind = lock_free(engine.sync_engine)
                note(least, await session.run_sync(read, cache))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(reading(new_cache()))
        try:
            for number in range(1, WRITTEN + 1):
                async with AsyncSession(engine) as session:
                    await session.run_sync(write, number)
                    await session.commit()
                state["committed"] = number
                await asyncio.sleep(0)
        finally:
            state["done"] = True
    await engine.dispose()


def test_a_writer_that_dies_after_its_commit_leaves_nothing_old(readers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be forgotten is out of the cache before the COMMIT, and cannot come back until the writer says so."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner", budget=1)
    warm(two, ident)
    with monkeypatch.context() as patch:
        patch.setattr(RepositoryCache, "release", lambda *_: None)
        one.repository().update(ident, budget=2)
        one.sessions.commit()
        one.again()
    for _ in range(3):
        row, queries = two.get(ident)
        assert (row.budget, queries) == (2, 1)


# ----------------------------------------------------------------------------------------------------- who may see what


def test_rows_of_another_tenant_are_not_given(readers: Any) -> None:
    """A cached row is refused to other tenants, and to whoever has none, and gets into no session of theirs."""
    one, two = readers(Note)
    with tenant_scope("acme"):
        ident = made(one, Note, name="ours")
        warm(one, ident, Note)
        warm(two, ident, Note)
    with tenant_scope("globex"):
        row, queries = two.get(ident, Note)
        assert (row, queries) == (None, 0)
        assert two.sessions.run(lambda session: list(session.identity_map)) == []
    two.again()
    with pytest.raises(TenantRequiredError):
        two.repository(Note).get_by_id(ident)
    with every_tenant():
        assert two.get(ident, Note)[0].name == "ours"
    two.again()
    assert two.repository(Note).every_tenant().get(ident).name == "ours"


def test_hidden_rows_are_cached_for_those_who_see_them(readers: Any) -> None:
    """One cached row serves every scope, each by its own rule."""
    one, two = readers(Person, Advert)
    ident = made(one, name="banner")
    one.repository().soft_delete(ident)
    one.sessions.commit()
    warm(one, ident)
    assert one.get(ident)[0] is None
    two.again()
    with counted(two.engine) as counts:
        assert two.repository().get_by_id(ident) is None
        assert two.repository().with_deleted().get(ident).is_deleted
        assert two.repository().only_deleted().get(ident).is_deleted
    assert counts["SELECT"] == 0


def test_a_lost_connection_can_be_rolled_back(new_cache: Callable[[], RepositoryCache], database_url: str) -> None:
    """Listening to a connection that was lost in its transaction adds no error of its own."""
    new_cache()
    engine = build_engine(Target.parse(database_url))
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.invalidate()
        transaction.rollback()
        assert connection.scalar(sa.text("SELECT 1")) == 1
    engine.dispose()


def test_databases_are_told_apart(new_cache: Callable[[], RepositoryCache], new_database_url: Any, face: str) -> None:
    """Rows of one database are never given for those of another with the same keys."""
    cache, key = new_cache(), uuid.uuid4()
    with ExitStack() as stack:
        sessions = [stack.enter_context(opened(new_database_url(), face, Person.__table__)) for _ in range(2)]
        readers = [Reader(each, cache) for each in sessions]
        for number, reader in enumerate(readers):
            made(reader, Person, id=key, email=f"{number}@b.c")
        for reader in readers:
            warm(reader, key, Person)
        assert [reader.get(key, Person)[0].email for reader in readers] == ["0@b.c", "1@b.c"]


# ------------------------------------------------------------------------------------------------------------ Redis


PROGRAM = """
import sys, uuid
from sqlalchemy.orm import Session
from etl_models.db import Repository, RepositoryCache
from etl_models.db.engine import build_engine
from etl_models.db.target import Target
from tests.support.toolkit_models import Advert

url, cache_url, prefix, ident = sys.argv[1:]
engine = build_engine(Target.parse(url))
with RepositoryCache.redis(cache_url, ttl=60, prefix=prefix) as cache, Session(engine) as session:
    repository = Repository(session, Advert, cache=cache)
    print(repository.get(ident).budget, cache.statistics.hits)
    repository.update(ident, budget=2)
    session.commit()
"""


def test_processes_share_what_is_cached(rows_of: Any, database_url: str, redis_server: redis.RedisServer) -> None:
    """Another process is answered from the same cache, and its change is seen here."""
    prefix = uuid.uuid4().hex
    with RepositoryCache.redis(redis_server.url, ttl=TTL, prefix=prefix) as cache:
        reader = Reader(rows_of(Person, Advert), cache)
        ident = made(reader, name="banner", budget=1)
        warm(reader, ident)
        reader.again()
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, database_url, redis_server.url, prefix, str(ident)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.split(), done.stderr) == (["1", "1"], "")
        assert reader.get(ident)[0].budget == 2


@pytest.fixture
def own_redis(redis_server: redis.RedisServer) -> Iterator[redis.RedisServer]:
    """A server of the test's own, to do harm to; ``redis_server`` has said whether there can be one."""
    server = redis.start()
    yield server
    server.stop()


def test_without_redis_everything_works(
    rows_of: Any, own_redis: redis.RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server goes, rows come from the database and changes are committed; it is told once, without secrets."""
    monkeypatch.setattr(repository_cache, "PAUSE_SECONDS", 0.0)
    caplog.set_level(logging.INFO, "etl_models.db.cache")
    with RepositoryCache.redis(own_redis.url, ttl=TTL) as cache:
        reader = Reader(rows_of(Person, Advert), cache)
        ident = made(reader, name="banner", budget=1)
        warm(reader, ident)
        own_redis.stop()
        assert [reader.get(ident)[1] for _ in range(2)] == [1, 1]
        reader.repository().update(ident, budget=2)
        reader.sessions.commit()
        assert reader.get(ident)[0].budget == 2
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert redis.PASSWORD not in caplog.text
        back = redis.start(own_redis.port)
        try:
            warm(reader, ident)
            assert reader.get(ident)[0].budget == 2
        finally:
            back.stop()
        assert [record.levelname for record in caplog.records][:2] == ["WARNING", "INFO"]


def test_a_change_redis_was_not_told_of_is_told_later(
    rows_of: Any, own_redis: redis.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that hangs delays nobody for long; when it answers again, it first hears what it has missed."""
    monkeypatch.setattr(repository_cache, "PAUSE_SECONDS", 0.0)
    arguments: Any = {"ttl": TTL, "deadline": 0.05}
    with (
        RepositoryCache.redis(own_redis.url, **arguments) as mine,
        RepositoryCache.redis(own_redis.url, ttl=TTL, deadline=30) as another,
    ):
        one, two = Reader(rows_of(Person, Advert), mine), Reader(rows_of(Person, Advert), another)
        ident = made(one, name="banner", budget=1)
        warm(two, ident)
        watch.unregister(another)  # another process does not hear what happens in this one
        own_redis.pause()
        one.repository().update(ident, budget=2)
        one.sessions.commit()
        assert one.get(ident)[0].budget == 2
        own_redis.resume()
        monkeypatch.setattr(
            client_of(mine).connection_pool,
            "connection_kwargs",
            {
                **client_of(mine).connection_pool.connection_kwargs,
                "socket_timeout": 30,
            },
        )
        client_of(mine).connection_pool.disconnect()
        assert one.get(ident)[0].budget == 2
        assert two.get(ident)[0].budget == 2


def test_redis_never_holds_up_the_event_loop(rows_of: Any, own_redis: redis.RedisServer, face: str) -> None:
    """While the server thinks, other tasks run: here one that lets the server answer."""
    if face == "sync":
        pytest.skip("there is no loop")
    with RepositoryCache.redis(own_redis.url, ttl=TTL, deadline=60) as cache:
        reader = Reader(rows_of(Person, Advert), cache)
        ident = made(reader, name="banner", budget=1)
        warm(reader, ident)
        reader.again()
        sessions: Any = reader.sessions
        repository = AsyncRepository(sessions.session, Advert, cache=cache)

        async def resume() -> None:
            await asyncio.sleep(0.05)
            own_redis.resume()

        async def both() -> Any:
            own_redis.pause()
            return (await asyncio.gather(repository.get(ident), resume()))[0]

        hits = cache.statistics.hits
        assert sessions.runner.run(both()).budget == 1
        assert (cache.statistics.failures, cache.statistics.hits) == (0, hits + 1)


def test_the_store_holds_no_code(rows_of: Any, redis_server: redis.RedisServer) -> None:
    """What is stored is JSON, and names tell nothing of the row; what somebody else put there is not believed."""
    prefix = uuid.uuid4().hex
    with RepositoryCache.redis(redis_server.url, ttl=TTL, prefix=prefix) as cache:
        reader = Reader(rows_of(Person, Advert), cache)
        ident = made(reader, name="banner", budget=1)
        warm(reader, ident)
        client = client_of(cache)
        names = [name.decode() for name in client.keys(f"{prefix}*")]
        assert not [name for name in names if "banner" in name or str(ident) in name]
        (name,) = [name for name in names if ":r:advert:" in name]
        stamp, _, payload = client.get(name).partition(b"\n")
        assert json.loads(payload)[1]["budget"] == 1
        for damage in (b"", b"[]", b"\x80\x04.", payload[:-2], payload.replace(b'"budget"', b'"other"')):
            client.set(name, stamp + b"\n" + damage, px=60_000)
            row, queries = reader.get(ident)
            assert (row.budget, queries) == (1, 1)


# --------------------------------------------------------------------------------------------------- without a database


@given(st.binary())
def test_any_bytes_are_a_row_or_nothing(payload: bytes) -> None:
    """Reading what is stored never raises."""
    shape = rows.shape_of(Advert)
    assert shape is not None
    assert rows.unpacked(shape, Advert, (uuid.uuid4(),), payload) is None


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan"), timedelta(0)])
def test_a_time_to_live_is_above_zero(wrong: Any) -> None:
    """Rows are neither kept for ever nor for no time."""
    with pytest.raises(ConfigurationError):
        RepositoryCache.in_process(ttl=wrong)


def test_a_full_cache_drops_what_was_used_longest_ago(rows_of: Any) -> None:
    """The memory of a process holds as many rows as it was told."""
    with RepositoryCache.in_process(ttl=TTL, max_entries=2) as cache:
        reader = Reader(rows_of(Person, Advert), cache)
        first, second, third = (made(reader, name=str(number)) for number in range(3))
        for ident in (first, second, first, third):
            reader.get(ident)
        assert [reader.get(ident)[1] for ident in (first, third, second)] == [0, 0, 1]


def test_an_address_that_cannot_be_understood_is_refused(redis_server: redis.RedisServer) -> None:
    """Its password is not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        RepositoryCache.redis("http://:hidden@host", ttl=1)
    assert "hidden" not in str(caught.value)


def test_nothing_is_imported_unless_it_is_used() -> None:
    """Repositories work without the cache and without Redis' client."""
    program = (
        "import sys, etl_models.db.repository, etl_models.db.async_repository\n"
        "print([name for name in sys.modules if name.startswith(('redis', 'etl_models.db.caching'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_becomes_owed_while_a_debt_is_paid_stays_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is then too much to be kept one by one, and all is to be forgotten instead."""
    monkeypatch.setattr(repository_cache, "MAX_OWED", 1)
    engine = sa.create_engine("sqlite://")
    paid: list[frozenset[str]] = []

    class Busy(MemoryBackend):
        def release(self, names: Collection[str], marker: str) -> None:
            if not paid:
                cache._owe((frozenset({"{db}:late"}), "another"))  # as another thread would just now
            paid.append(frozenset(names))
            super().release(names, marker)

    with RepositoryCache(Busy(10), ttl=60, database="db") as cache:
        cache.release(cache.block(engine, frozenset({"early"})))
    assert paid == [{"{db}:early"}, {"{db}:*"}]
