"""PostgreSQL, through psycopg for both faces; READ COMMITTED, and safe behind PgBouncer when told so.

Session settings travel with the connection request and cost no round trip. A transaction pooler refuses them, and
settings made later would leak to its other clients; then (``transaction_pooling``) they are made anew for each
transaction, and no statement is prepared on the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event

from etl_models.db.constraints import Violation, ViolationKind
from etl_models.db.dialects.base import DatabaseDialect, Driver, EngineOptions, server_place

APPLICATION_NAME = "etl-models"
_IDLE_IN_TRANSACTION = 60_000
"""Milliseconds after which the server ends a session that stopped in the middle of a unit, and frees its locks."""
_MIGRATION_LOCK = 0x65746C5F6D6F6465
"""Advisory lock of whoever changes the schema: the letters ``etl_mode``."""

_KINDS = {
    "23505": ViolationKind.UNIQUE,
    "23503": ViolationKind.FOREIGN_KEY,
    "2BP01": ViolationKind.FOREIGN_KEY,
    "23514": ViolationKind.CHECK,
    "23502": ViolationKind.NOT_NULL,
    "22001": ViolationKind.TOO_LONG,
    "22003": ViolationKind.OUT_OF_RANGE,
}
_OPTION = re.compile(
    r"invalid \w+ value: |for connection option |invalid value for parameter |unrecognized configuration parameter "
)
_KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class PostgreSQLDialect(DatabaseDialect):
    """PostgreSQL 14 and newer."""

    name: ClassVar[str] = "postgresql"
    label: ClassVar[str] = "PostgreSQL"
    schemes: ClassVar[frozenset[str]] = frozenset({"postgresql", "postgres"})
    sync_drivers: ClassVar[tuple[Driver, ...]] = (
        Driver("psycopg", "psycopg", "postgresql"),
        Driver("psycopg2", "psycopg2"),
    )
    async_drivers: ClassVar[tuple[Driver, ...]] = (
        Driver("psycopg", "psycopg", "postgresql"),
        Driver("psycopg_async", "psycopg", "postgresql"),
        Driver("asyncpg", "asyncpg"),
    )
    # psycopg tells no code when connecting fails, so the server's own words decide.
    refusal_texts: ClassVar[tuple[str, ...]] = (
        "does not exist",
        "authentication failed",
        "no password supplied",
        "no pg_hba.conf entry",
        "unsupported startup parameter",
    )
    crowded_texts: ClassVar[tuple[str, ...]] = ("too many clients", "too many connections", "connection slots")

    def engine_arguments(self, url: sa.URL, driver: Driver, options: EngineOptions) -> dict[str, Any]:
        """Give connections a name, time limits, keep-alive packets and, if need be, no prepared statements."""
        return {
            "pool_pre_ping": True,
            "pool_size": options.pool_size,
            "max_overflow": options.max_overflow,
            "pool_recycle": int(options.pool_recycle),
            "pool_timeout": options.timeout,
            "connect_args": _connect_arguments(url, driver, options),
        }

    def install(self, engine: sa.Engine, options: EngineOptions) -> None:
        """Behind a transaction pooler, set the time limits of each transaction at its beginning."""
        if not options.transaction_pooling:
            return
        settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _limits(options).items())

        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(f"SELECT {settings}")

        event.listen(engine, "begin", begin)

    def read_options(self) -> dict[str, Any]:
        """Read at one moment, read-only; psycopg puts both into its BEGIN, at no cost."""
        return {**super().read_options(), "postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}

    def codes(self, error: BaseException) -> tuple[int | str, ...]:
        """Return SQLSTATE and its class."""
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        return (state, state[:2]) if state else ()

    def violation(self, error: BaseException) -> Violation | None:
        """Read everything from the fields the server sends."""
        codes = self.codes(error)
        kind = _KINDS.get(str(codes[0])) if codes else None
        if kind is None:
            return None
        diagnostics = getattr(error, "diag", None) or error.__cause__  # asyncpg keeps the fields on its own error
        column = getattr(diagnostics, "column_name", None)
        return Violation(
            kind,
            constraint=getattr(diagnostics, "constraint_name", None),
            table=getattr(diagnostics, "table_name", None),
            columns=(column,) if column else (),
        )

    def is_missing_object(self, error: BaseException) -> bool:
        """Undefined table, undefined column."""
        return bool({"42P01", "42703"}.intersection(map(str, self.codes(error))))

    def is_refused_write(self, error: BaseException) -> bool:
        """Read-only transaction."""
        return "25006" in self.codes(error)

    def is_refused_option(self, error: BaseException, url: sa.URL) -> bool:  # noqa: ARG002
        """Read the text: psycopg gives no code to what comes of libpq or of a server before the connection is made."""
        return bool(_OPTION.search(str(error)))

    def place(self, url: sa.URL) -> str:
        """Return host, port and name."""
        return server_place(url, 5432)

    @contextmanager
    def migrating(self, connection: sa.Connection, *, wait: float) -> Iterator[None]:
        """One transaction under an advisory lock that ends with it, so that it works through PgBouncer too."""
        with connection.begin():
            before = connection.exec_driver_sql("SHOW lock_timeout").scalar_one()
            _set_local(connection, lock_timeout=f"{int(wait * 1000)}ms", statement_timeout="0")
            _set_local(connection, idle_in_transaction_session_timeout="0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            _set_local(connection, lock_timeout=before)
            yield

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the version and what a session of ours runs with."""
        names = ("server_version", "default_transaction_isolation", "TimeZone", "lock_timeout", "statement_timeout")
        return {name.lower(): str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}


def _limits(options: EngineOptions) -> dict[str, str]:
    return {
        "lock_timeout": f"{options.lock_timeout * 1000}",
        "statement_timeout": f"{int(options.statement_timeout * 1000)}",
        "idle_in_transaction_session_timeout": f"{_IDLE_IN_TRANSACTION}",
    }


def _connect_arguments(url: sa.URL, driver: Driver, options: EngineOptions) -> dict[str, Any]:
    settings = {} if options.transaction_pooling else {"timezone": "UTC", **_limits(options)}
    if driver.name == "asyncpg":
        arguments: dict[str, Any] = {"timeout": options.connect_timeout}
        arguments["server_settings"] = {"application_name": APPLICATION_NAME, **settings}
        if options.transaction_pooling:
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        return arguments
    arguments = {"connect_timeout": options.connect_timeout, "application_name": APPLICATION_NAME, **_KEEPALIVE}
    if settings:
        ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
        arguments["options"] = f"{ours} {url.query.get('options', '')}".strip()
    if options.transaction_pooling and driver.name.startswith("psycopg") and driver.name != "psycopg2":
        arguments["prepare_threshold"] = None
    elif "prepare_threshold" in url.query:  # psycopg would take the text of a URL for the number it wants, and stumble
        return {**_not_in_url(arguments, url), "prepare_threshold": int(str(url.query["prepare_threshold"]))}
    return _not_in_url(arguments, url)


def _not_in_url(arguments: dict[str, Any], url: sa.URL) -> dict[str, Any]:
    # What the URL says itself is the user's will; only `options` adds ours to theirs.
    return {name: value for name, value in arguments.items() if name == "options" or name not in url.query}


def _set_local(connection: sa.Connection, **settings: str) -> None:
    for name, value in settings.items():
        connection.execute(sa.text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})


DIALECT = PostgreSQLDialect()
