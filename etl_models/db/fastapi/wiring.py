"""Which databases an application speaks to, by name; their connections are closed when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.fastapi.handlers import add_problem_handlers
from etl_models.errors import ConfigurationError

DEFAULT = "default"
_STATE = "etl_models_databases"
AnyManager = DatabaseManager | AsyncDatabaseManager
M = TypeVar("M", DatabaseManager, AsyncDatabaseManager)


def connect(
    app: FastAPI, *managers: AnyManager, name: str = DEFAULT, close: bool = True, problems: bool = True
) -> None:
    """Let the dependencies of this package find a database under ``name``.

    A name stands for one database: give its ``AsyncDatabaseManager`` for ``async def`` routes, its ``DatabaseManager``
    for ``def`` routes, or both. Further databases are connected under further names. When ``app`` ends, their
    connections are closed; it may be started again. With ``close=False`` that is up to the caller, who can close the
    managers for good after the application. With ``problems`` errors become problem details, see
    :func:`add_problem_handlers`. An application that is mounted in another has connections of its own. Raises
    ConfigurationError when the name is taken.
    """
    known = _databases(app)
    for manager in managers:
        key = (name, type(manager))
        if key in known:
            raise ConfigurationError(f"a {type(manager).__name__} is connected as {name!r} already")
        known[key] = manager
    if close:
        _close_at_the_end(app, managers)
    if problems:
        add_problem_handlers(app)


def database(app: Any, kind: type[M], name: str) -> M:
    """Return the database connected under that name for this face. Raises ConfigurationError when there is none."""
    for (known, _), manager in _databases(app).items():
        if known == name and isinstance(manager, kind):
            return manager
    raise ConfigurationError(f"no {kind.__name__} is connected as {name!r}: connect(app, {kind.__name__}(...))")


def _databases(app: Any) -> dict[tuple[str, type[Any]], AnyManager]:
    if not hasattr(app.state, _STATE):
        setattr(app.state, _STATE, {})
    found: dict[tuple[str, type[Any]], AnyManager] = getattr(app.state, _STATE)
    return found


def _close_at_the_end(app: FastAPI, managers: tuple[AnyManager, ...]) -> None:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        try:
            async with inner(application) as state:
                yield state
        finally:
            for manager in managers:
                await _disconnect(manager)

    app.router.lifespan_context = lifespan


async def _disconnect(manager: AnyManager) -> None:
    # Not manager.close(), which is for good: an application is started and ended many times in its tests.
    if isinstance(manager, AsyncDatabaseManager):
        for engine in (manager.engine, manager.replica_engine):
            if engine is not None:
                await engine.dispose()
    else:
        for blocking in (manager.engine, manager.replica_engine):
            if blocking is not None:
                await run_in_threadpool(blocking.dispose)
