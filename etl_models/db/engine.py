"""From a target to an engine of either face: driver, pool, session settings, and safety after a fork."""

from __future__ import annotations

import importlib.util
import os
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext

from etl_models.db.dialects.base import Driver, EngineOptions
from etl_models.db.retry import Verdict, classify
from etl_models.db.target import Target
from etl_models.db.translate import driver_text
from etl_models.errors import ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_OPTION_ERRORS = (TypeError, ValueError, AttributeError, LookupError)
"""What drivers and SQLAlchemy raise for options they do not know or values that are none."""

_engines: weakref.WeakSet[sa.Engine] = weakref.WeakSet()
_inherited: list[sa.Pool] = []


def build_engine(target: Target, options: EngineOptions | None = None) -> sa.Engine:
    """Return a blocking engine; nothing is connected yet. Raises ConfigurationError when its driver is missing."""
    engine: sa.Engine = _create(sa.create_engine, target, options or EngineOptions(), asynchronous=False)
    _equip(engine, target, options or EngineOptions())
    return engine


def build_async_engine(target: Target, options: EngineOptions | None = None) -> AsyncEngine:
    """Return an asynchronous engine; nothing is connected yet. Raises ConfigurationError as :func:`build_engine`."""
    _require(Driver("greenlet", "greenlet", "async"), "the asynchronous face")
    from sqlalchemy.ext.asyncio import create_async_engine

    engine: AsyncEngine = _create(create_async_engine, target, options or EngineOptions(), asynchronous=True)
    _equip(engine.sync_engine, target, options or EngineOptions())
    return engine


def has_driver(target: Target, *, asynchronous: bool) -> bool:
    """Say whether the driver for that face is installed."""
    return _is_installed(target.dialect.driver(target.explicit_driver, asynchronous=asynchronous))


def _create(create: Any, target: Target, options: EngineOptions, *, asynchronous: bool) -> Any:
    dialect = target.dialect
    driver = dialect.driver(target.explicit_driver, asynchronous=asynchronous)
    _require(driver, dialect.label)
    url = target.url.set(drivername=f"{dialect.name}+{driver.name}")
    try:
        return create(url, hide_parameters=True, **dialect.engine_arguments(target.url, driver, options))
    except (sa.exc.ArgumentError, ImportError, *_OPTION_ERRORS) as error:
        raise _unusable(target, error) from error


def _require(driver: Driver, whom: str) -> None:
    if _is_installed(driver):
        return
    remedy = f"pip install 'etl-models[{driver.extra}]'" if driver.extra else f"install {driver.module}"
    raise ConfigurationError(f"{whom} needs the package {driver.module}, which is not installed; {remedy}")


def _is_installed(driver: Driver) -> bool:
    try:
        return importlib.util.find_spec(driver.module) is not None
    except ModuleNotFoundError:  # the parent of a dotted name
        return False


def _equip(engine: sa.Engine, target: Target, options: EngineOptions) -> None:
    target.dialect.install(engine, options)
    event.listen(engine, "do_connect", _connector(target))
    event.listen(engine, "handle_error", _error_listener(target))
    if not target.is_memory:
        # A database in memory is copied by a fork, its connection with it; any other connection is shared, and two
        # processes that speak on one connection corrupt each other's answers.
        _forget_connections_after_fork()
        _engines.add(engine)


def _connector(target: Target) -> Any:
    def connect(dialect: sa.Dialect, _: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        try:
            return dialect.connect(*arguments, **options)
        except Exception as error:
            # Nothing but options has been sent yet: what a driver takes for a mistake in the program is one in the URL.
            wrong = (*_OPTION_ERRORS, FileNotFoundError, dialect.loaded_dbapi.ProgrammingError)
            if isinstance(error, wrong) or target.dialect.is_refused_option(error, target.url):
                raise _unusable(target, error) from error
            raise

    return connect


def _unusable(target: Target, error: Exception) -> ConfigurationError:
    names = ", ".join(sorted(target.url.query))
    what = f"its options ({names}) cannot be used" if names else "it cannot be used"
    # Texts of these two speak of the driver's inside.
    why = (
        "the driver knows no such value"
        if isinstance(error, AttributeError | LookupError)
        else driver_text(error, target)
    )
    return ConfigurationError(f"the database URL {target.safe_url}: {what}: {why}")


def _error_listener(target: Target) -> Any:
    def on_error(context: ExceptionContext) -> BaseException | None:
        if context.sqlalchemy_exception is None:
            # Raised by a driver before it sent anything: lone surrogates, integers beyond 64 bits.
            if isinstance(context.original_exception, UnicodeError | OverflowError):
                return InvalidInputError("a value cannot be stored: it is no valid text or too large a number")
            return None
        # SQLAlchemy takes only some of these for a lost connection. One that lives on a replica or on a Galera node
        # without quorum has to go as well, or every later unit meets it again.
        if context.connection is not None and _is_lost(context, target):
            context.is_disconnect = True
        return None

    return on_error


def _is_lost(context: ExceptionContext, target: Target) -> bool:
    return classify(context.original_exception, target.dialect) is Verdict.RECONNECT


@cache
def _forget_connections_after_fork() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_connections)


def _forget_connections() -> None:
    for engine in _engines:
        # Kept, so that nothing is closed: closing would speak on the parent's connection, or touch its file locks.
        _inherited.append(engine.pool)
        engine.dispose(close=False)
