"""What managers promise of sessions, tables and health, on every database and both faces."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, cast

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import select

from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.dialects.base import EngineOptions
from etl_models.db.engine import build_engine
from etl_models.db.errors import ConflictError, DuplicateError, InvalidDataError, ReadOnlyError, StaleDataError
from etl_models.db.target import Target
from etl_models.errors import ConfigurationError, DatabaseUnavailableError, InvalidInputError, SchemaVersionError
from tests.support.connections import KILL, THREAD, Entry, Ledger, Managers, add, in_use, names
from tests.support.databases import Backend
from tests.support.pgbouncer import pooled
from tests.support.processes import UnavailableError

pytestmark = pytest.mark.contract

CLOSED_PORT = {
    "postgresql": "postgresql://etl:etl-secret@127.0.0.1:1/x",
    "mariadb": "mysql://etl:etl-secret@127.0.0.1:1/x",
}


@pytest.fixture
def managers(face: str, blocking: Callable[[Any], Any]) -> Iterator[Managers]:
    """Opens managers of the face under test, called without ``await``; they are closed at the end."""
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> Any:
            options = {"metadata": Ledger.metadata, **options}
            if face == "async":
                return stack.enter_context(blocking(AsyncDatabaseManager(url, **options)))
            return stack.enter_context(DatabaseManager(url, **options))

        yield make


@pytest.fixture
def manager(database_url: str, managers: Managers) -> Any:
    """A manager whose tables are made."""
    made = managers(database_url)
    made.create_tables()
    return made


# -- a session is a unit of work ---------------------------------------------------------------------------------------


def test_a_session_commits_at_its_end(manager: Any) -> None:
    """What was added in the block is there for the next session, and rows stay readable outside."""
    with manager.session() as session:
        entry = Entry(name="a")
        session.add(entry)
    assert names(manager) == ["a"]
    assert (entry.name, entry.version) == ("a", 1)


def test_a_session_that_an_error_leaves_is_rolled_back(manager: Any) -> None:
    """The error comes out unchanged, nothing was stored, and the connection is free."""

    class OwnError(Exception):
        pass

    with pytest.raises(OwnError), manager.session() as session:  # noqa: PT012
        session.add(Entry(name="a"))
        session.flush()
        raise OwnError
    assert names(manager) == []
    assert in_use(manager) == 0


def test_a_session_may_be_committed_in_the_middle(manager: Any) -> None:
    """What was committed stays, what came after it goes with the error."""
    with pytest.raises(KeyError), manager.session() as session:  # noqa: PT012
        session.add(Entry(name="kept"))
        session.commit()
        session.add(Entry(name="lost"))
        session.flush()
        raise KeyError
    assert names(manager) == ["kept"]


def test_a_session_may_be_rolled_back_in_the_middle(manager: Any) -> None:
    """What comes after a rollback by hand is committed at the end."""
    with manager.session() as session:
        session.add(Entry(name="lost"))
        session.flush()
        session.rollback()
        session.add(Entry(name="kept"))
    assert names(manager) == ["kept"]


def test_an_error_that_was_caught_inside_does_not_hide(manager: Any) -> None:
    """A refusal that the block swallowed without a rollback fails the unit on PostgreSQL and is undone nowhere half."""
    with manager.session() as session:
        session.add(Entry(name="a"))
        session.commit()
        with pytest.raises(sa.exc.IntegrityError):  # inside the block errors are SQLAlchemy's
            session.connection().execute(
                sa.insert(Entry), [{"id": Entry(name="x").id, "name": "a", "version": 1, "amount": 0}]
            )
        session.rollback()
    assert names(manager) == ["a"]


def test_every_session_gives_its_connection_back(manager: Any) -> None:
    """However a session ends, no connection stays in use; more sessions than the pool has connections prove it."""
    for number in range(20):
        with manager.session() as session:
            session.add(Entry(name=str(number)))
        with pytest.raises(ZeroDivisionError), manager.session() as session:  # noqa: PT012
            session.exec(select(Entry)).all()
            raise ZeroDivisionError
        with manager.session(readonly=True) as session:
            session.exec(select(Entry)).all()
    assert in_use(manager) == 0
    assert len(names(manager)) == 20


@pytest.mark.filterwarnings("error")
def test_sessions_are_those_of_sqlmodel_and_of_sqlalchemy(manager: Any) -> None:
    """``exec`` as SQLModel has it and ``execute`` as SQLAlchemy has it both work, without a warning."""
    add(manager, "a")
    with manager.session() as session:
        assert session.exec(select(Entry.name)).all() == ["a"]
        assert session.execute(select(Entry.name)).scalars().all() == ["a"]
        assert session.scalars(select(Entry.name)).all() == ["a"]


# -- errors that leave a session ---------------------------------------------------------------------------------------


def test_a_taken_name_leaves_a_session_as_the_error_of_repositories(manager: Any) -> None:
    """The commit's error is DuplicateError with table, columns and constraint, caused by SQLAlchemy's."""
    add(manager, "a")
    with pytest.raises(DuplicateError) as caught, manager.session() as session:
        session.add(Entry(name="a"))
    assert (caught.value.table, caught.value.columns) == ("entry", ("name",))
    assert caught.value.constraint == "uq_entry_name"
    assert caught.value.message == "another entry already has this name"
    assert isinstance(caught.value.__cause__, sa.exc.IntegrityError)
    assert in_use(manager) == 0


def test_a_reference_to_nothing_and_a_missing_value_leave_a_session_as_such(manager: Any) -> None:
    """Foreign keys are ConflictError, NOT NULL is InvalidDataError."""
    with pytest.raises(ConflictError), manager.session() as session:
        session.add(Entry(name="a", parent_id=Entry(name="b").id))
    with pytest.raises(InvalidDataError), manager.session() as session:
        session.execute(sa.text("INSERT INTO entry (id, name, version, amount) VALUES ('1', NULL, 1, 0)"))
    with pytest.raises(ValidationError), manager.session() as session:
        session.add(Entry(name=None))  # type: ignore[arg-type]


def test_a_row_that_changed_meanwhile_leaves_a_session_as_stale(manager: Any) -> None:
    """The loser of two changes of one version is told so."""
    add(manager, "a")
    with manager.session() as session:
        late = session.exec(select(Entry)).one()
    with manager.session() as session:
        session.exec(select(Entry)).one().amount = 1
    with pytest.raises(StaleDataError), manager.session() as session:  # noqa: PT012
        session.add(late)
        late.amount = 2


def test_a_missing_table_is_told_with_its_remedy(database_url: str, managers: Managers) -> None:
    """Before create_tables() a session says what to do."""
    with pytest.raises(SchemaVersionError, match=r"create_tables\(\) or a migration"):
        add(managers(database_url), "a")


def test_a_closed_manager_says_so(database_url: str, managers: Managers) -> None:
    """After close() there are no sessions any more."""
    manager = managers(database_url)
    manager.close()
    with pytest.raises(DatabaseUnavailableError, match="closed by this program"):
        add(manager, "a")
    assert "closed by this program" in manager.health_check().error


# -- units that are run again ------------------------------------------------------------------------------------------


@pytest.mark.database("postgresql", "mariadb")
def test_a_unit_whose_connection_is_lost_is_run_again(manager: Any, backend: Backend) -> None:
    """``run`` calls the function anew on a new connection; what the first call did is undone."""
    calls: list[int] = []

    def work(session: Any, name: str) -> str:
        session.add(Entry(name=name))
        session.flush()
        calls.append(1)
        if len(calls) == 1:
            thread = session.scalar(sa.text(THREAD[backend.name]))
            session.execute(sa.text(KILL[backend.name].format(thread)))
            session.scalar(sa.text("SELECT 1"))
        return name

    assert manager.run(work, name="a") == "a"
    assert len(calls) == 2
    assert manager.read(lambda session: session.scalars(select(Entry.name)).all()) == ["a"]


@pytest.mark.parametrize("how", ["run", "read"])
def test_a_unit_that_is_a_coroutine_function_is_refused(manager: Any, how: str) -> None:
    """Its body would never run, and the unit would look like a success."""

    async def work(session: Any) -> None:
        session.add(Entry(name="a"))

    with pytest.raises(TypeError, match="plain function"):
        getattr(manager, how)(work)
    assert names(manager) == []


def test_a_unit_that_cannot_succeed_is_run_once(manager: Any) -> None:
    """A refused value is raised at once, as from a session."""
    calls = []

    def work(session: Any) -> None:
        calls.append(1)
        session.add(Entry(name="a"))

    manager.run(work)
    with pytest.raises(DuplicateError):
        manager.run(work)
    assert len(calls) == 2
    with pytest.raises(ReadOnlyError):
        manager.read(work)


# -- reading sessions and replicas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.add(Entry(name="b")),
        lambda session: session.execute(sa.delete(Entry)),
        lambda session: session.delete(session.exec(select(Entry)).one()),
        lambda session: (session.commit(), session.execute(sa.update(Entry).values(amount=1))),
    ],
    ids=["add", "delete", "delete row", "after a commit"],
)
def test_a_reading_session_refuses_to_write(manager: Any, write: Callable[[Any], Any]) -> None:
    """Whatever would write raises ReadOnlyError, with a change that was not flushed as well; nothing is written."""
    add(manager, "a")
    with pytest.raises(ReadOnlyError, match="readonly=True"), manager.session(readonly=True) as session:
        write(session)
    with manager.session() as session:
        entry = session.exec(select(Entry)).one()
        assert (entry.name, entry.amount) == ("a", 0)
    assert in_use(manager) == 0


@pytest.mark.database("sqlite", "postgresql")
def test_a_reading_session_makes_no_table(manager: Any) -> None:
    """Statements that define are refused as well (MariaDB commits before them, and its transaction with it)."""
    with pytest.raises(ReadOnlyError), manager.session(readonly=True) as session:
        session.execute(sa.text("CREATE TABLE other (id INTEGER)"))
    with pytest.raises(SchemaVersionError), manager.session() as session:
        session.execute(sa.text("SELECT * FROM other"))


def test_a_change_in_a_reading_session_is_refused(manager: Any) -> None:
    """An attribute that was set is a change; one that was set to what it had is none."""
    add(manager, "a")
    with manager.session(readonly=True) as session:
        entry = session.exec(select(Entry)).one()
        entry.amount = 0
    with pytest.raises(ReadOnlyError), manager.session(readonly=True) as session:
        session.exec(select(Entry)).one().amount = 5


def test_a_reading_session_sees_one_moment(manager: Any) -> None:
    """What is committed by others meanwhile is seen by the next session only."""
    with manager.session(readonly=True) as session:
        assert session.exec(select(Entry)).all() == []
        add(manager, "a")
        assert session.exec(select(Entry)).all() == []
    assert names(manager, readonly=True) == ["a"]


def test_reading_sessions_use_the_replica(new_database_url: Callable[[], str], managers: Managers) -> None:
    """Two databases that differ: sessions that read see the replica, those that write the primary."""
    primary_url, replica_url = new_database_url(), new_database_url()
    for url, name in ((primary_url, "of the primary"), (replica_url, "of the replica")):
        lone = managers(url)
        lone.create_tables()
        add(lone, name)
    manager = managers(primary_url, replica_url=replica_url)
    assert names(manager) == ["of the primary"]
    assert names(manager, readonly=True) == ["of the replica"]
    assert manager.read(lambda session: session.scalars(select(Entry.name)).all()) == ["of the replica"]
    add(manager, "more")
    assert names(manager, readonly=True) == ["of the replica"]
    manager.reset(confirm=manager.target.database_name)
    assert names(manager, readonly=True) == ["of the replica"], "the replica is never written"
    health = manager.health_check()
    assert health.ok
    assert health.replica.ok
    assert health.replica.url != health.url


def test_a_replica_that_is_down_is_told(
    database_url: str, new_database_url: Callable[[], str], managers: Managers, backend: Backend
) -> None:
    """Without a fallback a reading session says which database cannot be reached; writing goes on."""
    managers(database_url).create_tables()
    manager = managers(database_url, replica_url=_down(backend, new_database_url), timeout=2)
    with pytest.raises(DatabaseUnavailableError, match=r"127\.0\.0\.1:1/x|there is no database at"):
        names(manager, readonly=True)
    add(manager, "a")
    health = manager.health_check()
    assert not health.ok
    assert health.error is None
    assert not health.replica.ok
    assert "etl-secret" not in repr(health)


def test_a_replica_that_is_down_may_be_stood_in_for(
    database_url: str,
    new_database_url: Callable[[], str],
    managers: Managers,
    backend: Backend,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With ``replica_fallback`` the primary is read, read-only still, and a warning says so once for a while."""
    managers(database_url).create_tables()
    manager = managers(database_url, replica_url=_down(backend, new_database_url), replica_fallback=True, timeout=2)
    add(manager, "a")
    assert names(manager, readonly=True) == ["a"]
    assert names(manager, readonly=True) == ["a"]
    with pytest.raises(ReadOnlyError), manager.session(readonly=True) as session:
        session.add(Entry(name="b"))
    warnings = [record.getMessage() for record in caplog.records if record.name == "etl_models.db"]
    assert len(warnings) == 1
    assert warnings[0].startswith("reading from the primary for 30 s: ")
    assert "etl-secret" not in warnings[0]
    health = manager.health_check()
    assert health.ok, "sessions can be had"
    assert not health.replica.ok


def test_a_replica_that_is_back_is_used_again(
    new_database_url: Callable[[], str], managers: Managers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its rest the replica is tried anew."""
    monkeypatch.setattr("etl_models.db.routing.REPLICA_PAUSE", -1.0)
    primary_url, replica_url = new_database_url(), new_database_url()
    for url, name in ((primary_url, "of the primary"), (replica_url, "of the replica")):
        lone = managers(url)
        lone.create_tables()
        add(lone, name)
    manager = managers(
        primary_url, replica_url=replica_url, replica_fallback=True, pool_size=1, max_overflow=0, timeout=1
    )
    with manager.session(readonly=True) as session:  # takes the one connection, so that the replica cannot serve
        assert session.exec(select(Entry.name)).all() == ["of the replica"]
        assert names(manager, readonly=True) == ["of the primary"]
    assert names(manager, readonly=True) == ["of the replica"]


def _down(backend: Backend, new_database_url: Callable[[], str]) -> str:
    return CLOSED_PORT.get(backend.name) or new_database_url()


@pytest.mark.parametrize(
    ("replica_url", "problem"),
    [
        ("postgresql://127.0.0.1/x", "another kind of database"),
        ("sqlite://", "in memory"),
        ("oracle://x", "not supported"),
    ],
)
@pytest.mark.database("sqlite")
def test_a_replica_that_cannot_be_one_is_refused(
    database_url: str, managers: Managers, replica_url: str, problem: str
) -> None:
    """Another kind of database or one in memory is a mistake in the configuration, told before anything is opened."""
    with pytest.raises(ConfigurationError, match=problem):
        managers(database_url, replica_url=replica_url)


@pytest.mark.database("sqlite")
def test_a_fallback_needs_a_replica(database_url: str, managers: Managers) -> None:
    """``replica_fallback`` without a replica is a mistake."""
    with pytest.raises(ConfigurationError, match="replica_url"):
        managers(database_url, replica_fallback=True)


@pytest.mark.database("sqlite")
def test_reading_makes_no_file(database_url: str, managers: Managers) -> None:
    """A SQLite file that is not there is told; neither a reading session nor a health check makes an empty one."""
    manager = managers(database_url)
    with pytest.raises(DatabaseUnavailableError, match=r"there is no database at .*; create_tables\(\) makes it"):
        names(manager, readonly=True)
    assert not manager.health_check().ok
    assert not manager.target.file.exists()


# -- tables ------------------------------------------------------------------------------------------------------------


def test_tables_are_made_once_with_their_histories(manager: Any) -> None:
    """Making them again changes nothing; the history of versioned tables is among them."""
    add(manager, "a")
    manager.create_tables()
    assert names(manager) == ["a"]
    with manager.session() as session:
        assert session.scalar(sa.text("SELECT COUNT(*) FROM entry_history")) == 1


def test_many_may_make_the_tables_at_once(database_url: str, face: str) -> None:
    """Programs that start together do not get in each other's way."""
    start = threading.Barrier(4)

    def make(_: int) -> None:
        start.wait(30)
        if face == "sync":
            with DatabaseManager(database_url, metadata=Ledger.metadata) as manager:
                manager.create_tables()
            return

        async def main() -> None:
            async with AsyncDatabaseManager(database_url, metadata=Ledger.metadata) as manager:
                await manager.create_tables()

        asyncio.run(main())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(4)))
    engine = build_engine(Target.parse(database_url))
    assert set(Ledger.metadata.tables) <= set(sa.inspect(engine).get_table_names())
    engine.dispose()


def test_reset_needs_the_name_and_keeps_other_tables(manager: Any) -> None:
    """Without the database's name nothing happens; with it the tables of the metadata are empty, others untouched."""
    with manager.session() as session:
        session.execute(sa.text("CREATE TABLE other (id INTEGER)"))
    with manager.session() as session:
        session.execute(sa.text("INSERT INTO other VALUES (1)"))
        session.add(Entry(name="a"))
    for wrong in ("", "yes", "other"):
        with pytest.raises(InvalidInputError, match="has to be confirmed by its name"):
            manager.reset(confirm=wrong)
    assert names(manager) == ["a"]
    manager.reset(confirm=manager.target.database_name)
    assert names(manager) == []
    with manager.session() as session:
        assert session.scalar(sa.text("SELECT COUNT(*) FROM other")) == 1
        assert session.scalar(sa.text("SELECT COUNT(*) FROM entry_history")) == 0


def test_reset_leaves_what_others_refer_to(manager: Any, backend: Backend) -> None:
    """A row outside the metadata that refers to one of its tables is a conflict, and nothing is lost."""
    kind = {"postgresql": "UUID", "mariadb": "CHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"}.get(
        backend.name, "CHAR(32)"
    )
    add(manager, "a")
    with manager.session() as session:
        session.execute(sa.text(f"CREATE TABLE other (id {kind}, FOREIGN KEY (id) REFERENCES entry (id))"))
    with manager.session() as session:
        session.execute(sa.text("INSERT INTO other SELECT id FROM entry"))
    with pytest.raises(ConflictError.__mro__[2]):  # the root's ConflictError
        manager.reset(confirm=manager.target.database_name)
    assert names(manager) == ["a"]


# -- health ------------------------------------------------------------------------------------------------------------


def test_health_tells_what_is_there(manager: Any, backend: Backend) -> None:
    """Version, latency, settings of a session and the pool; never the password; JSON for a probe."""
    health = manager.health_check()
    assert (health.ok, health.error, health.replica) == (True, None, None)
    assert health.dialect == {"mariadb": "mysql"}.get(backend.name, backend.name)
    assert health.server_version[0].isdigit()
    assert health.latency_ms > 0
    assert health.pool["in_use"] == 0
    known = {"sqlite": "foreign_keys", "postgresql": "timezone", "mariadb": "time_zone"}
    assert known[backend.name] in health.facts
    assert "etl-secret" not in health.model_dump_json()
    with manager.session() as session:
        session.scalar(sa.text("SELECT 1"))
        assert in_use(manager) == 1


def test_health_of_what_cannot_be_reached(backend: Backend, managers: Managers, tmp_path: Any) -> None:
    """A dead server, or a file nobody can make, is told in words; nothing is raised, and no password is shown."""
    manager = managers(CLOSED_PORT.get(backend.name, f"sqlite:///{tmp_path}/none/x.db"), timeout=2)
    health = manager.health_check()
    assert not health.ok
    assert "cannot be reached" in health.error or "there is no database" in health.error
    assert (health.latency_ms, health.server_version, health.facts) == (None, None, {})
    assert "etl-secret" not in repr(health)
    assert "etl-secret" not in repr(manager)


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.mark.database("postgresql", "mariadb")
def test_a_connection_killed_while_idle_is_replaced(
    manager: Any, backend: Backend, managers: Managers, database_url: str
) -> None:
    """The next session gets another connection and notices nothing."""
    with manager.session() as session:
        thread = session.scalar(sa.text(THREAD[backend.name]))
    with managers(database_url).session() as other:
        other.execute(sa.text(KILL[backend.name].format(thread)))
    add(manager, "a")
    with manager.session() as session:
        assert session.scalar(sa.text(THREAD[backend.name])) != thread
    assert names(manager) == ["a"]


@pytest.mark.database("postgresql", "mariadb")
def test_a_connection_killed_in_the_middle_is_told_and_given_up(manager: Any, backend: Backend) -> None:
    """The session that had it fails as a whole; the one after it works."""
    with pytest.raises(DatabaseUnavailableError), manager.session() as session:  # noqa: PT012
        session.add(Entry(name="a"))
        session.flush()
        thread = session.scalar(sa.text(THREAD[backend.name]))
        session.execute(sa.text(KILL[backend.name].format(thread)))
        session.scalar(sa.text("SELECT 1"))
    assert names(manager) == []
    assert in_use(manager) == 0


def test_the_pool_is_as_large_as_told(database_url: str, managers: Managers) -> None:
    """With one connection and no overflow a second session waits, and its patience ends with words."""
    manager = managers(database_url, pool_size=1, max_overflow=0, timeout=0.5)
    manager.create_tables()
    with manager.session(readonly=True) as session:
        session.exec(select(Entry)).all()
        with pytest.raises(DatabaseUnavailableError, match="all connections of this process are in use"):
            names(manager, readonly=True)
    assert manager.health_check().pool["size"] == 1


def test_an_old_connection_is_made_anew(database_url: str, managers: Managers, backend: Backend) -> None:
    """``pool_recycle`` reaches the pool of servers."""
    manager = managers(database_url, pool_recycle=7)
    with manager.session() as session:
        pool = (
            session.get_bind().pool
            if not hasattr(session, "run_sync")
            else session.run_sync(lambda s: s.get_bind().pool)
        )
    assert pool._recycle == (-1 if backend.name == "sqlite" else 7)


@pytest.mark.parametrize(
    "choice",
    [{"pool_size": 0}, {"max_overflow": -1}, {"pool_recycle": 0}, {"timeout": 0}, {"statement_timeout": -1}],
    ids=lambda choice: next(iter(choice)),
)
@pytest.mark.database("sqlite")
def test_options_that_cannot_work_are_refused(database_url: str, managers: Managers, choice: dict[str, Any]) -> None:
    """A pool of nothing, or times below nothing, are mistakes in the configuration, told at once and by name."""
    with pytest.raises(ConfigurationError, match=next(iter(choice))):
        managers(database_url, **choice)


@pytest.mark.database("sqlite")
def test_options_may_be_given_as_a_whole_and_by_name(database_url: str, managers: Managers) -> None:
    """A name wins over the whole; an unknown one is a mistake of the program."""
    manager = managers(database_url, options=EngineOptions(pool_size=3, timeout=1), pool_size=2)
    manager.create_tables()
    assert manager.health_check().pool["size"] == 2
    assert manager.health_check().facts["busy_timeout"] == "1000"
    with pytest.raises(TypeError):
        managers(database_url, pool_sise=2)


@pytest.mark.database("postgresql")
def test_behind_a_pooler_nothing_is_prepared_and_limits_are_those_of_the_transaction(
    database_url: str, managers: Managers
) -> None:
    """``transaction_pooling`` reaches the driver: no prepared statements, no settings in the request to connect."""
    manager = managers(database_url, transaction_pooling=True, statement_timeout=7)

    def look(session: Any) -> tuple[Any, str, str]:
        driver = session.connection().connection.driver_connection
        options = driver.info.get_parameters().get("options", "")
        return driver.prepare_threshold, options, session.scalar(sa.text("SHOW statement_timeout"))

    assert manager.run(look) == (None, "", "7s")
    assert managers(database_url, statement_timeout=7).run(look)[0] == 5


@pytest.mark.database("postgresql")
def test_a_pooler_that_deals_transactions_out_is_no_hindrance(database_url: str, managers: Managers) -> None:
    """Behind a real PgBouncer tables are made, eight writers at once lose nothing, and limits do not leak."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(pooled(database_url))
        except UnavailableError as error:
            pytest.skip(str(error))
        managers(url, transaction_pooling=True).create_tables()

        def work(number: int) -> None:
            with DatabaseManager(url, metadata=Ledger.metadata, transaction_pooling=True) as manager:
                for count in range(10):
                    add(manager, f"{number} {count}")
                    assert f"{number} {count}" in names(manager, readonly=True)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        manager = managers(url, transaction_pooling=True, statement_timeout=7)
        assert len(names(manager)) == 80
        assert manager.health_check().facts["statement_timeout"] == "7s"
        told = managers(url, timeout=2).health_check().error
        assert "transaction_pooling" in told
    assert managers(database_url, transaction_pooling=True).health_check().facts["statement_timeout"] == "5min"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_uses_connections_of_its_own(database_url: str) -> None:
    """Children go on with the manager they inherited, beside their parent; nothing is lost or mixed up."""
    with DatabaseManager(database_url, metadata=Ledger.metadata) as manager:
        manager.create_tables()
        add(manager, "before")
        children = [_fork(manager, number) for number in range(3)]
        add(manager, *(f"parent {number}" for number in range(10)))
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        assert len(names(manager)) == 1 + 10 + 3 * 10
        assert in_use(manager) == 0


def _fork(manager: DatabaseManager, number: int) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for count in range(10):
                add(manager, f"child {number} {count}")
            status = 0
        finally:
            os._exit(status)
    return child


def test_threads_share_a_manager(database_url: str) -> None:
    """Eight threads with a pool of five lose nothing."""
    with DatabaseManager(database_url, metadata=Ledger.metadata, max_overflow=0) as manager:
        manager.create_tables()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: add(manager, str(number)), range(80)))
        assert len(names(manager)) == 80
        assert in_use(manager) == 0


def test_an_asynchronous_manager_serves_one_event_loop_after_the_other(database_url: str) -> None:
    """Each loop has connections of its own; none is handed to a loop that did not open it."""
    manager = AsyncDatabaseManager(database_url, metadata=Ledger.metadata)

    async def use(name: str) -> int:
        await manager.create_tables()
        async with manager.session() as session:
            session.add(Entry(name=name))
        async with manager.session(readonly=True) as session:
            return len((await session.exec(select(Entry))).all())

    assert [asyncio.run(use(name)) for name in "abc"] == [1, 2, 3]
    asyncio.run(manager.close())


async def test_a_cancelled_task_leaves_its_unit_done_or_not_done(database_url: str) -> None:
    """Wherever a task is cancelled, and cancelled again, both rows are there or none, and no connection is lost."""
    async with AsyncDatabaseManager(database_url, metadata=Ledger.metadata, pool_size=2, max_overflow=0) as manager:
        await manager.create_tables()

        async def unit(number: int) -> None:
            async with manager.session() as session:
                session.add(Entry(name=f"{number} a"))
                await session.flush()
                session.add(Entry(name=f"{number} b"))

        for number in range(40):
            task = asyncio.create_task(unit(number))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            while cast("sa.QueuePool", manager.engine.pool).checkedout():  # noqa: ASYNC110 - the rollback goes on behind the second cancellation
                await asyncio.sleep(0.001)
        async with manager.session() as session:
            found = (await session.exec(select(Entry.name))).all()
        assert {name[:-2] for name in found if name.endswith("a")} == {
            name[:-2] for name in found if name.endswith("b")
        }


def test_both_faces_have_the_same_signatures() -> None:
    """Every public name of one manager is one of the other, with the same parameters."""

    def shape(kind: type) -> dict[str, list[str]]:
        members = inspect.getmembers(kind, lambda member: callable(member) or isinstance(member, property))
        public = {name: member for name, member in members if not name.startswith("_")}
        return {
            name: [] if isinstance(member, property) else [str(item) for item in inspect.signature(member).parameters]
            for name, member in public.items()
        }

    assert shape(DatabaseManager) == shape(AsyncDatabaseManager)
    assert str(inspect.signature(DatabaseManager)) == str(inspect.signature(AsyncDatabaseManager))
