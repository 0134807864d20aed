"""Every promise on every database: the fixtures that spread a test over them, and the report of those missing.

``ETL_MODELS_TEST_DATABASES=sqlite,postgresql`` chooses databases; ``ETL_MODELS_REQUIRE_DATABASES=...`` (or ``CI=true``:
all chosen ones, and redis) turns a missing one from a skip into a failure. Either way a database that was not tested is
named at the end of the run. ``redis`` is no database that tests are spread over: those of the cache ask for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import redis
from tests.support.databases import Backend, SqliteBackend
from tests.support.faces import Blocking
from tests.support.mariadb_databases import MariadbBackend
from tests.support.postgresql_databases import PostgresqlBackend
from tests.support.processes import UnavailableError

if TYPE_CHECKING:
    from etl_models.database import AsyncDatabase, Database

ALL = ("sqlite", "postgresql", "mariadb")
REDIS = "redis"
FACES = ("sync", "async")
_MISSING = "database-missing"
_NOT_CHOSEN = pytest.mark.database_not_chosen


def _names(variable: str, default: tuple[str, ...], known: tuple[str, ...] = ALL) -> tuple[str, ...]:
    """The databases an environment variable names; unknown names end the run."""
    text = os.environ.get(variable)
    if text is None:
        return default
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if unknown := set(names) - set(known):
        raise pytest.UsageError(f"{variable} names {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    return names


CHOSEN = pytest.StashKey[tuple[str, ...]]()
REQUIRED = pytest.StashKey[tuple[str, ...]]()
NOT_CHOSEN = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the choice once; tests run with such variables removed."""
    chosen = _names("ETL_MODELS_TEST_DATABASES", ALL)
    in_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    required = _names("ETL_MODELS_REQUIRE_DATABASES", (*chosen, REDIS) if in_ci else (), (*ALL, REDIS))
    if left_out := set(required) - {*chosen, REDIS}:
        raise pytest.UsageError(f"required but not chosen: {', '.join(sorted(left_out))}")
    config.addinivalue_line("markers", f"{_NOT_CHOSEN.name}: set on tests of databases that are not chosen")
    config.stash[CHOSEN] = chosen
    config.stash[REQUIRED] = required
    config.stash[NOT_CHOSEN] = {name: "not chosen (ETL_MODELS_TEST_DATABASES)" for name in ALL if name not in chosen}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per chosen database, and per face where it asks for one."""
    if "backend" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("database")
        wanted = marker.args if marker else ALL
        chosen = [name for name in metafunc.config.stash[CHOSEN] if name in wanted]
        metafunc.parametrize("backend", chosen or [pytest.param("none", marks=_NOT_CHOSEN)], indirect=True)
    if "face" in metafunc.fixturenames:
        metafunc.parametrize("face", FACES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of databases that are not chosen."""
    left_out = [item for item in items if item.get_closest_marker(_NOT_CHOSEN.name)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Carry what a worker process found missing to the process that reports."""
    for key, value in report.user_properties:
        if key == _MISSING:
            name, _, reason = str(value).partition(": ")
            _found_missing[name] = reason


_found_missing: dict[str, str] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say loudly which databases this run says nothing about."""
    not_chosen = config.stash[NOT_CHOSEN]
    missing = {**not_chosen, **_found_missing}
    if missing:
        terminalreporter.section(f"DATABASES NOT TESTED: {', '.join(sorted(missing))}", sep="!", red=True, bold=True)
        for name, reason in sorted(missing.items()):
            terminalreporter.line(f"{name}: {reason}")


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    """Every kind of database by name; a server starts with the first test that needs it."""
    kinds: tuple[Backend, ...] = (
        SqliteBackend(tmp_path_factory.mktemp("sqlite")),
        PostgresqlBackend(),
        MariadbBackend(),
    )
    yield {kind.name: kind for kind in kinds}
    for kind in kinds:
        kind.close()


@pytest.fixture(scope="session")
def unavailable() -> dict[str, str]:
    """Why a database cannot be had here, so that a hopeless start is tried once."""
    return {}


@pytest.fixture
def backend(request: pytest.FixtureRequest, backends: dict[str, Backend], unavailable: dict[str, str]) -> Backend:
    """The kind of database this test runs on; skips (in CI: fails) where this machine has none."""
    kind = backends[request.param]
    if kind.name not in unavailable:
        try:
            kind.start()
        except UnavailableError as error:
            unavailable[kind.name] = str(error)
    if reason := unavailable.get(kind.name):
        _report_missing(request, kind.name, reason)
    return kind


def _report_missing(request: pytest.FixtureRequest, name: str, reason: str) -> None:
    request.node.user_properties.append((_MISSING, f"{name}: {reason}"))
    if name in request.config.stash[REQUIRED]:
        pytest.fail(f"{name} is required and missing: {reason}", pytrace=False)
    pytest.skip(f"{name} is missing: {reason}")


@pytest.fixture(scope="session")
def _redis_servers(unavailable: dict[str, str]) -> Iterator[list[redis.RedisServer]]:
    """The one Redis of this process, or none and the reason why."""
    try:
        servers = [redis.start()]
    except UnavailableError as error:
        unavailable[REDIS] = str(error)
        servers = []
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def redis_server(
    request: pytest.FixtureRequest, _redis_servers: list[redis.RedisServer], unavailable: dict[str, str]
) -> redis.RedisServer:
    """A Redis server shared by the tests of this process; skips (in CI: fails) where this machine has none."""
    if reason := unavailable.get(REDIS):
        _report_missing(request, REDIS, reason)
    return _redis_servers[0]


@pytest.fixture
def database_url(backend: Backend) -> Iterator[str]:
    """URL of an empty database: no table (SQLite: no file yet)."""
    with backend.empty() as url:
        yield url


@pytest.fixture
def migrated_url(backend: Backend) -> Iterator[str]:
    """URL of a database at head, holding only what migrations put there."""
    with backend.migrated() as url:
        yield url


@pytest.fixture
def new_database_url(backend: Backend) -> Iterator[Callable[[], str]]:
    """Makes further empty databases of the same kind, one with every call."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(backend.empty())


@pytest.fixture
def new_migrated_url(backend: Backend) -> Iterator[Callable[[], str]]:
    """Makes further databases at head of the same kind."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(backend.migrated())


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """The blocking executor on a database at head."""
    from etl_models.database import Database

    with Database(migrated_url) as opened:
        yield opened


@pytest.fixture
async def async_database(migrated_url: str) -> AsyncIterator[AsyncDatabase]:
    """The asynchronous executor on a database at head, for tests that are coroutines."""
    from etl_models.database import AsyncDatabase

    async with AsyncDatabase(migrated_url) as opened:
        yield opened


@pytest.fixture
def blocking() -> Iterator[Callable[[Any], Any]]:
    """Gives an asynchronous object the blocking signature: ``blocking(AsyncStore(url)).history.list()``."""
    with asyncio.Runner() as runner:
        yield lambda wrapped: Blocking(wrapped, runner)


@pytest.fixture
def executor(migrated_url: str, face: str, blocking: Callable[[Any], Any]) -> Iterator[Database]:
    """A database at head behind each face in turn, called without ``await``: a test over it runs on both."""
    from etl_models.database import AsyncDatabase, Database

    with blocking(AsyncDatabase(migrated_url)) if face == "async" else Database(migrated_url) as opened:
        yield opened
