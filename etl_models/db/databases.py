"""The databases of a program by name, and sessions of them as generator functions, for frameworks that inject.

Nothing is set at import: a program says ``use_database(DatabaseManager(url))`` once, when it starts. ``get_db`` and
``get_async_session`` take no arguments, because a framework would take arguments from the request; for another database
there is ``get_db_of("reporting")``. Without a framework: ``with database("reporting").session() as session``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from sqlmodel import Session

from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession

DEFAULT = "default"

_Manager = TypeVar("_Manager", DatabaseManager, AsyncDatabaseManager)
_blocking: dict[str, DatabaseManager] = {}
_asynchronous: dict[str, AsyncDatabaseManager] = {}


def use_database(manager: _Manager, *, name: str = DEFAULT) -> _Manager:
    """Make ``manager`` the database of that name for this process, and return it; it replaces an earlier one.

    A name may stand for a blocking and an asynchronous manager at once. Whoever made a manager closes it. Raises
    TypeError for what is no manager, a URL for example.
    """
    if isinstance(manager, AsyncDatabaseManager):
        _asynchronous[name] = manager
    elif isinstance(manager, DatabaseManager):
        _blocking[name] = manager
    else:
        raise TypeError(f"a DatabaseManager or an AsyncDatabaseManager is needed, not {type(manager).__name__}")
    return manager


def forget_database(name: str = DEFAULT) -> None:
    """Forget the managers of that name; they are not closed."""
    _blocking.pop(name, None)
    _asynchronous.pop(name, None)


def database(name: str = DEFAULT) -> DatabaseManager:
    """Return the blocking manager of that name. Raises ConfigurationError when none was set."""
    return _found(_blocking, name, DatabaseManager)


def async_database(name: str = DEFAULT) -> AsyncDatabaseManager:
    """Return the asynchronous manager of that name. Raises ConfigurationError when none was set."""
    return _found(_asynchronous, name, AsyncDatabaseManager)


def get_db() -> Iterator[Session]:
    """Yield a session of the default database: committed at the end, rolled back on an error, always closed."""
    with database().session() as session:
        yield session


async def get_async_session() -> AsyncIterator[AsyncSession]:
    """Yield an asynchronous session of the default database, as :func:`get_db` does."""
    async with async_database().session() as session:
        yield session


@cache
def get_db_of(name: str, *, readonly: bool = False) -> Callable[[], Iterator[Session]]:
    """Return what :func:`get_db` is, for the database of that name; the same function for the same arguments."""

    def get_named_db() -> Iterator[Session]:
        with database(name).session(readonly=readonly) as session:
            yield session

    return get_named_db


@cache
def get_async_session_of(name: str, *, readonly: bool = False) -> Callable[[], AsyncIterator[AsyncSession]]:
    """Return what :func:`get_async_session` is, for the database of that name."""

    async def get_named_session() -> AsyncIterator[AsyncSession]:
        async with async_database(name).session(readonly=readonly) as session:
            yield session

    return get_named_session


def _found(managers: dict[str, _Manager], name: str, kind: type[_Manager]) -> _Manager:
    if (manager := managers.get(name)) is not None:
        return manager
    argument = "" if name == DEFAULT else f", name={name!r}"
    known = f" (set are: {', '.join(sorted(managers))})" if managers else ""
    raise ConfigurationError(
        f"no database {name!r} was set for this process{known}; "
        f"call etl_models.db.use_database({kind.__name__}(url){argument}) when the program starts"
    )
