"""What the data layer asks of a database. Each sibling module answers for one; nothing else branches on a name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict

import sqlalchemy as sa

from etl_models.db.constraints import Violation
from etl_models.errors import ConfigurationError

READ_ONLY = "etl_read_only"
"""Execution option of connections that run a read-only unit."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A DBAPI driver: SQLAlchemy's name, the module that must be importable, and the extra that brings it."""

    name: str
    module: str
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine needs to know beside its URL; times in seconds. Raises ConfigurationError for what cannot work.

    ``pool_size`` connections are kept, ``max_overflow`` more are opened when all are busy; an idle one older than
    ``pool_recycle`` is made anew. ``timeout`` is how long to wait for a connection or a lock; ``statement_timeout`` how
    long one statement may take on a server, 0 for no limit. ``transaction_pooling`` is for PgBouncer.
    """

    pool_size: int = 5
    max_overflow: int = 10
    pool_recycle: float = 1800.0
    timeout: float = 30.0
    statement_timeout: float = 300.0
    transaction_pooling: bool = False

    def __post_init__(self) -> None:
        for name, least in (("pool_size", 1), ("max_overflow", 0), ("statement_timeout", 0)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name} must be at least {least}")
        for name in ("pool_recycle", "timeout"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be more than 0")

    @property
    def connect_timeout(self) -> int:
        """A third of the patience, so that an attempt that failed leaves time for another; at least 2."""
        return max(2, min(10, int(self.timeout / 3)))

    @property
    def lock_timeout(self) -> int:
        """How long one statement waits for a lock; again a third of the patience, at least 1."""
        return max(1, int(self.timeout / 3))


class EngineChoices(TypedDict, total=False):
    """The fields of :class:`EngineOptions` as keyword arguments."""

    pool_size: int
    max_overflow: int
    pool_recycle: float
    timeout: float
    statement_timeout: float
    transaction_pooling: bool


class DatabaseDialect(ABC):
    """One kind of database. Stateless; ``error`` is always the driver's own exception, never SQLAlchemy's wrapper."""

    name: ClassVar[str]
    label: ClassVar[str]
    schemes: ClassVar[frozenset[str]]
    sync_drivers: ClassVar[tuple[Driver, ...]]
    async_drivers: ClassVar[tuple[Driver, ...]]
    ddl_rolls_back: ClassVar[bool] = True
    refusal_texts: ClassVar[tuple[str, ...]] = ()
    """For errors without any code: texts that mean the URL leads nowhere."""
    crowded_texts: ClassVar[tuple[str, ...]] = ()
    """For errors without any code: texts that mean there is no room for another connection now."""

    def driver(self, explicit: str | None, *, asynchronous: bool) -> Driver:
        """Return the driver a URL asks for, or the default of the face when it names none or one of the other face."""
        mine, others = self.sync_drivers, self.async_drivers
        if asynchronous:
            mine, others = others, mine
        known = {driver.name: driver for driver in mine}
        if explicit is None:
            return mine[0]
        if explicit in known:
            return known[explicit]
        is_of_the_other_face = any(driver.name == explicit for driver in others)
        return mine[0] if is_of_the_other_face else Driver(explicit, explicit)

    @abstractmethod
    def engine_arguments(self, url: sa.URL, driver: Driver, options: EngineOptions) -> dict[str, Any]:
        """Return the keyword arguments of ``create_engine`` that belong to this database."""

    @abstractmethod
    def install(self, engine: sa.Engine, options: EngineOptions) -> None:
        """Attach what every connection and every transaction of ``engine`` must begin with."""

    def read_options(self) -> dict[str, Any]:
        """Return execution options of read-only units: one moment of the data, and writing refused."""
        return {READ_ONLY: True}

    @abstractmethod
    def codes(self, error: BaseException) -> tuple[int | str, ...]:
        """Return the error's codes, the most exact first; empty when it has none."""

    @abstractmethod
    def violation(self, error: BaseException) -> Violation | None:
        """Return which constraint or limit a value broke, None when the error is of another sort."""

    @abstractmethod
    def is_missing_object(self, error: BaseException) -> bool:
        """Say whether the statement named a table or column that is not there."""

    @abstractmethod
    def is_refused_write(self, error: BaseException) -> bool:
        """Say whether a write was refused because the transaction or the database is read-only."""

    def is_refused_option(self, error: BaseException, url: sa.URL) -> bool:  # noqa: ARG002 - most drivers tell by the class
        """Say whether a connection was refused because of an option of the URL that is unknown or has a wrong value."""
        return False

    @abstractmethod
    def place(self, url: sa.URL) -> str:
        """Return where the database is, for messages: a file, or ``host:port/name``."""

    @abstractmethod
    def migrating(self, connection: sa.Connection, *, wait: float) -> AbstractContextManager[None]:
        """Begin a transaction in which this process alone changes the schema; commit or roll back at the end.

        Waits up to ``wait`` seconds for another process that is at it.
        """

    @abstractmethod
    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return ``server_version`` and the session settings that matter, for a health check."""


def set_up(connection: Any, prepare: Callable[[Any], None]) -> None:
    """Run ``prepare(cursor)`` on a driver's new connection, and close the connection when that fails.

    The pool would only forget it, and an asynchronous driver's connection cannot end by itself.
    """
    try:
        cursor = connection.cursor()
        try:
            prepare(cursor)
        finally:
            cursor.close()
    except BaseException:
        connection.close()
        raise


def server_place(url: sa.URL, default_port: int) -> str:
    """Return ``host:port/name`` of a server's URL."""
    return f"{url.host or 'localhost'}:{url.port or default_port}/{url.database or ''}"
