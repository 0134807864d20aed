"""MariaDB and MySQL: strict, UTC, utf8mb4 and READ COMMITTED in every session, whatever the server's defaults are.

READ COMMITTED, not the server's REPEATABLE READ, for four reasons: it is what PostgreSQL does, so one unit behaves
alike on both; after "duplicate key" the row that caused it can be read, where an older snapshot would still miss
it; no gap locks, hence fewer deadlocks; and MariaDB 11's snapshot check (error 1020) has nothing to refuse. Galera
certifies rows whatever the level. It needs row-based (or mixed) binary logging, which is the default.
Read-only units do take one snapshot, as on the other databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event

from etl_models.db.constraints import Violation, ViolationKind
from etl_models.db.dialects.base import READ_ONLY, DatabaseDialect, Driver, EngineOptions, server_place, set_up
from etl_models.errors import DatabaseUnavailableError

# Everything that would change a value silently is an error. ANSI_QUOTES, PIPES_AS_CONCAT and NO_BACKSLASH_ESCAPES
# are left out on purpose: SQLAlchemy and the drivers write the default syntax.
SQL_MODE = (
    "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
_READ_ONLY_TRANSACTION = 1792
_KINDS = {
    1062: ViolationKind.UNIQUE,
    1586: ViolationKind.UNIQUE,
    1216: ViolationKind.FOREIGN_KEY,
    1217: ViolationKind.FOREIGN_KEY,
    1451: ViolationKind.FOREIGN_KEY,
    1452: ViolationKind.FOREIGN_KEY,
    3730: ViolationKind.FOREIGN_KEY,
    4025: ViolationKind.CHECK,
    3819: ViolationKind.CHECK,
    1048: ViolationKind.NOT_NULL,
    1364: ViolationKind.NOT_NULL,
    1406: ViolationKind.TOO_LONG,
    1264: ViolationKind.OUT_OF_RANGE,
}
# There is no field for the names either. The server puts them where these expect them; the value that was refused
# comes before the last "for key", so it cannot pretend to be the name.
_KEY = re.compile(r"for key '(?:(?P<table>[^'.]+)\.)?(?P<name>[^']+)'$")
_CONSTRAINT = re.compile(r"CONSTRAINT `(?P<name>[^`]+)`|[Cc]heck constraint '(?P<check>[^']+)'")
_TABLE = re.compile(r"\(`[^`]+`\.`(?P<table>[^`]+)`, CONSTRAINT|for `[^`]+`\.`(?P<check>[^`]+)`")
_COLUMN = re.compile(r"(?:[Cc]olumn|Field) '(?P<name>[^']+)'")


class MySQLDialect(DatabaseDialect):
    """MariaDB 10.6 and newer, MySQL 8 and newer."""

    name: ClassVar[str] = "mysql"
    label: ClassVar[str] = "MariaDB/MySQL"
    schemes: ClassVar[frozenset[str]] = frozenset({"mysql", "mariadb"})
    sync_drivers: ClassVar[tuple[Driver, ...]] = (
        Driver("pymysql", "pymysql", "mysql"),
        Driver("mysqldb", "MySQLdb"),
        Driver("mysqlconnector", "mysql.connector"),
        Driver("mariadbconnector", "mariadb"),
    )
    async_drivers: ClassVar[tuple[Driver, ...]] = (
        Driver("asyncmy", "asyncmy", "mysql"),
        Driver("aiomysql", "aiomysql"),
    )
    ddl_rolls_back: ClassVar[bool] = False

    def engine_arguments(self, url: sa.URL, driver: Driver, options: EngineOptions) -> dict[str, Any]:
        """Give connections time limits and the character set."""
        connect_args: dict[str, Any] = {"connect_timeout": options.connect_timeout}
        if driver.name in ("pymysql", "asyncmy", "aiomysql"):
            connect_args["charset"] = "utf8mb4"
        if driver.name in ("pymysql", "asyncmy") and options.statement_timeout:
            # A frozen server answers nothing; the statement's own limit has fired long before this one.
            connect_args["read_timeout"] = int(options.statement_timeout) + 30
        return {
            "pool_pre_ping": True,
            "pool_size": options.pool_size,
            "max_overflow": options.max_overflow,
            "pool_recycle": int(options.pool_recycle),
            "pool_timeout": options.timeout,
            "connect_args": {name: value for name, value in connect_args.items() if name not in url.query},
        }

    def install(self, engine: sa.Engine, options: EngineOptions) -> None:
        """Set up each session before SQLAlchemy looks at it (it adapts its quoting to ``sql_mode``)."""
        statements = _session_settings(options)

        def prepare(cursor: Any) -> None:
            for statement in statements:
                cursor.execute(statement)

        event.listen(engine, "connect", lambda connection, _: set_up(connection, prepare), insert=True)
        event.listen(engine, "begin", _begin)

    def codes(self, error: BaseException) -> tuple[int | str, ...]:
        """Return the error number."""
        number = error.args[0] if error.args else None
        return (number,) if isinstance(number, int) else ()

    def violation(self, error: BaseException) -> Violation | None:
        """Read the kind from the number, the names from the text."""
        codes = self.codes(error)
        kind = _KINDS.get(int(codes[0])) if codes else None
        if kind is None:
            return None
        text = str(error.args[1]) if len(error.args) > 1 else ""
        if kind is ViolationKind.UNIQUE:
            key = _KEY.search(text)
            return Violation(kind, constraint=key["name"] if key else None, table=key["table"] if key else None)
        if kind in (ViolationKind.FOREIGN_KEY, ViolationKind.CHECK):
            name, table = _CONSTRAINT.search(text), _TABLE.search(text)
            return Violation(
                kind,
                constraint=(name["name"] or name["check"]) if name else None,
                table=(table["table"] or table["check"]) if table else None,
            )
        column = _COLUMN.search(text)
        return Violation(kind, columns=(column["name"],) if column else ())

    def is_missing_object(self, error: BaseException) -> bool:
        """Unknown table, unknown column."""
        return bool({1146, 1054}.intersection(self.codes(error)))

    def is_refused_write(self, error: BaseException) -> bool:
        """Read-only transaction; a read-only server (1290, 1836) is another matter: it may be a replica."""
        return _READ_ONLY_TRANSACTION in self.codes(error)

    def is_refused_option(self, error: BaseException, url: sa.URL) -> bool:
        """Unknown character set, unknown collation; one that asyncmy does not know ends in an AttributeError there."""
        if "charset" in url.query and isinstance(error.__cause__ or error.__context__, AttributeError):
            return True
        return bool({1115, 1273}.intersection(self.codes(error)))

    def place(self, url: sa.URL) -> str:
        """Return host, port and name."""
        return server_place(url, 3306)

    @contextmanager
    def migrating(self, connection: sa.Connection, *, wait: float) -> Iterator[None]:
        """Hold a named lock of the session: each DDL statement commits, and ends the locks of a transaction.

        A Galera cluster does not share the lock; run migrations through one node there.
        """
        name = _lock_name(connection)
        taken = connection.execute(sa.text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": int(wait)}).scalar()
        connection.rollback()
        if taken != 1:
            raise DatabaseUnavailableError(f"another process is changing the schema and did not finish in {wait:g} s")
        try:
            with connection.begin():
                yield
        finally:
            # A connection that is lost has lost its lock too.
            with suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.text("SELECT RELEASE_LOCK(:name)"), {"name": name})
                connection.rollback()

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the version and what a session of ours runs with."""
        names = ("version", "sql_mode", "time_zone", "character_set_connection", "innodb_lock_wait_timeout")
        row = connection.exec_driver_sql("SELECT " + ", ".join(f"@@{name}" for name in names)).one()
        values = dict(zip(names, map(str, row), strict=True))
        isolation = str(connection.get_isolation_level()).lower()
        return {"server_version": values.pop("version"), "transaction_isolation": isolation, **values}


def _session_settings(options: EngineOptions) -> tuple[str, ...]:
    settings = (
        "SET time_zone = '+00:00'"
        f", sql_mode = '{SQL_MODE}'"
        f", innodb_lock_wait_timeout = {options.lock_timeout}"
        f", lock_wait_timeout = {options.lock_timeout}"
        # One comment is read by MariaDB alone, the other by MySQL alone: each has its own name for the limit.
        f" /*M!100101 , max_statement_time = {options.statement_timeout:g} */"
        f" /*!50708 , max_execution_time = {int(options.statement_timeout * 1000)} */"
    )
    return settings, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(READ_ONLY, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _lock_name(connection: sa.Connection) -> str:
    """Named locks belong to the whole server and are at most 64 characters long."""
    name = str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
    return f"etl_models_{sha256(name.encode()).hexdigest()[:40]}"


DIALECT = MySQLDialect()
