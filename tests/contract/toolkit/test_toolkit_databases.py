"""Databases by name: set once by the program, found by dependencies."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from sqlmodel import select

from etl_models.db import (
    AsyncDatabaseManager,
    DatabaseManager,
    async_database,
    database,
    forget_database,
    get_async_session,
    get_async_session_of,
    get_db,
    get_db_of,
    use_database,
)
from etl_models.db.errors import ReadOnlyError
from etl_models.errors import ConfigurationError
from tests.support.connections import Entry, Ledger

pytestmark = pytest.mark.contract


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    for name in ("default", "reporting"):
        forget_database(name)


def test_nothing_is_set_at_import() -> None:
    """A program that imports the toolkit has no database and opens nothing."""
    code = (
        "import etl_models.db as db, etl_models.errors\n"
        "try: next(db.get_db())\n"
        "except etl_models.errors.ConfigurationError as error: print(error)\n"
        "else: raise SystemExit(1)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "use_database(DatabaseManager(url))" in result.stdout


def test_a_url_is_no_database() -> None:
    """It is refused when it is set, not when the first session is wanted."""
    wrong: Any = "sqlite://"
    with pytest.raises(TypeError, match="DatabaseManager is needed, not str"):
        use_database(wrong)


def test_several_databases_live_in_one_process(new_database_url: Callable[[], str]) -> None:
    """Each name leads to its own database; what one session stores, the other does not see."""
    for name in ("default", "reporting"):
        use_database(DatabaseManager(new_database_url(), metadata=Ledger.metadata), name=name).create_tables()
    with contextmanager(get_db)() as session, contextmanager(get_db_of("reporting"))() as other:
        session.add(Entry(name="here"))
        other.add(Entry(name="there"))
    with database().session() as session, database("reporting").session(readonly=True) as other:
        assert session.exec(select(Entry.name)).all() == ["here"]
        assert other.exec(select(Entry.name)).all() == ["there"]
    with pytest.raises(ReadOnlyError), contextmanager(get_db_of("reporting", readonly=True))() as other:
        other.add(Entry(name="refused"))
    for name in ("default", "reporting"):
        database(name).close()


async def test_several_databases_live_in_one_loop(new_database_url: Callable[[], str]) -> None:
    """As above, asynchronously; an error that leaves the block undoes its unit."""
    for name in ("default", "reporting"):
        manager = use_database(AsyncDatabaseManager(new_database_url(), metadata=Ledger.metadata), name=name)
        await manager.create_tables()
    async with asynccontextmanager(get_async_session)() as session:
        session.add(Entry(name="here"))
    with pytest.raises(KeyError):  # noqa: PT012
        async with asynccontextmanager(get_async_session_of("reporting"))() as other:
            other.add(Entry(name="there"))
            raise KeyError
    async with async_database().session() as session, async_database("reporting").session() as other:
        assert (await session.exec(select(Entry.name))).all() == ["here"]
        assert (await other.exec(select(Entry.name))).all() == []
    for name in ("default", "reporting"):
        await async_database(name).close()


@pytest.mark.database("sqlite")
def test_a_name_that_was_not_set_is_told_with_its_remedy(database_url: str) -> None:
    """The error names what is set, and what to call; each face has its own."""
    use_database(DatabaseManager(database_url))
    with pytest.raises(ConfigurationError, match=r"'reporting'.*set are: default.*name='reporting'"):
        database("reporting")
    with pytest.raises(ConfigurationError, match=r"AsyncDatabaseManager\(url\)"):
        async_database()


def test_dependencies_take_nothing_from_a_request() -> None:
    """A framework fills parameters from the request, so there are none; the same arguments give the same function."""
    for dependency in (get_db, get_async_session, get_db_of("reporting"), get_async_session_of("reporting")):
        assert not inspect.signature(dependency).parameters
    assert inspect.isgeneratorfunction(get_db_of("reporting"))
    assert inspect.isasyncgenfunction(get_async_session_of("reporting"))
    assert get_db_of("reporting") is get_db_of("reporting")
    assert get_db_of("reporting") is not get_db_of("reporting", readonly=True)
