"""SQLite: transactions begun by us, write-ahead log, full durability, foreign keys.

The driver's own transactions are switched off: it begins none before a SAVEPOINT or a DDL statement, which loses
acknowledged work and tears migrations. ``BEGIN IMMEDIATE`` takes the write lock at once, so that no unit reads
first and finds at its first write that its view of the data is out of date, an error no waiting can mend.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from etl_models.db.constraints import Violation, ViolationKind
from etl_models.db.dialects.base import READ_ONLY, DatabaseDialect, Driver, EngineOptions, set_up
from etl_models.errors import ConfigurationError, ConflictError, DatabaseUnavailableError

_KINDS = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: ViolationKind.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: ViolationKind.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_ROWID: ViolationKind.UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: ViolationKind.FOREIGN_KEY,
    sqlite3.SQLITE_CONSTRAINT_CHECK: ViolationKind.CHECK,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: ViolationKind.NOT_NULL,
    sqlite3.SQLITE_TOOBIG: ViolationKind.TOO_LONG,
}
# SQLite has no field for the constraint, only this text (in English always, there are no translations of it).
_DETAIL = re.compile(r"constraint failed: (?P<subject>.+)$", re.DOTALL)
_MISSING = re.compile(r"no such (?:table|column)|has no column named")
_BAD_OPTION = re.compile(r"no such (?:access mode|cache mode|vfs)")
_OPTIONS = ("cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri")
"""What the driver takes; SQLAlchemy would ignore anything else, with a warning."""
_CANNOT_OPEN = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_NO_LOG = (
    "it keeps a write-ahead log, which even reading has to open beside it, and its folder cannot be written; allow "
    "that, copy the file elsewhere, or give it up for this file with PRAGMA journal_mode=DELETE"
)
_QUERY_ONLY = "etl_query_only"


class SQLiteDialect(DatabaseDialect):
    """SQLite, in a file or in memory."""

    name: ClassVar[str] = "sqlite"
    label: ClassVar[str] = "SQLite"
    schemes: ClassVar[frozenset[str]] = frozenset({"sqlite"})
    sync_drivers: ClassVar[tuple[Driver, ...]] = (Driver("pysqlite", "sqlite3"),)
    async_drivers: ClassVar[tuple[Driver, ...]] = (Driver("aiosqlite", "aiosqlite", "async"),)

    def engine_arguments(self, url: sa.URL, driver: Driver, options: EngineOptions) -> dict[str, Any]:
        """Give a memory database one connection that never closes; units take turns on it."""
        _check_options(url)
        connect_args = {"isolation_level": None, "timeout": options.timeout, "check_same_thread": False}
        arguments: dict[str, Any] = {"connect_args": connect_args, "pool_timeout": options.timeout}
        arguments["poolclass"] = AsyncAdaptedQueuePool if driver in self.async_drivers else QueuePool
        if is_memory(url):
            return {**arguments, "pool_size": 1, "max_overflow": 0, "pool_recycle": -1}
        return {**arguments, "pool_size": options.pool_size, "max_overflow": options.max_overflow}

    def install(self, engine: sa.Engine, options: EngineOptions) -> None:
        """Make the file private when it is new, set the PRAGMAs, and begin transactions ourselves."""
        path = file_of(engine.url)
        event.listen(engine, "do_connect", lambda *_: _make_private_file(path))
        event.listen(
            engine,
            "connect",
            lambda connection, _: set_up(connection, lambda cursor: _prepare(cursor, options.timeout, path)),
        )
        event.listen(engine, "begin", _begin)

    def codes(self, error: BaseException) -> tuple[int | str, ...]:
        """Return the extended and the primary result code."""
        code = getattr(error, "sqlite_errorcode", None)
        return () if code is None else (code, code & 0xFF)

    def violation(self, error: BaseException) -> Violation | None:
        """Read kind from the code, columns or name from the text."""
        kind = _KINDS.get(getattr(error, "sqlite_errorcode", 0))
        if kind is None:
            return None
        found = _DETAIL.search(str(error))
        subject = found["subject"] if found else ""
        if kind in (ViolationKind.UNIQUE, ViolationKind.NOT_NULL) and not subject.startswith("index "):
            pairs = [item.rpartition(".") for item in subject.split(", ")] if subject else []
            return Violation(kind, table=pairs[0][0] if pairs else None, columns=tuple(pair[2] for pair in pairs))
        return Violation(kind, constraint=subject.removeprefix("index ").strip("'") or None)

    def is_missing_object(self, error: BaseException) -> bool:
        """There is one code for every mistake in a statement, so the text decides."""
        return isinstance(error, sqlite3.OperationalError) and bool(_MISSING.search(str(error)))

    def is_refused_write(self, error: BaseException) -> bool:
        """``SQLITE_READONLY``, from ``query_only`` as well as from the file's permissions."""
        return sqlite3.SQLITE_READONLY in self.codes(error)

    def is_refused_option(self, error: BaseException, url: sa.URL) -> bool:  # noqa: ARG002
        """An option inside a ``file:`` name; there is one code for every mistake, so the text decides."""
        return isinstance(error, sqlite3.OperationalError) and bool(_BAD_OPTION.search(str(error)))

    def place(self, url: sa.URL) -> str:
        """Return the file."""
        path = file_of(url)
        return "memory" if path is None else str(path)

    @contextmanager
    def migrating(self, connection: sa.Connection, *, wait: float) -> Iterator[None]:  # noqa: ARG002 - the timeout of the connection
        """Hold the write lock; foreign keys are off meanwhile and checked before the commit.

        Changing a table on SQLite means copying and dropping it, and dropping a parent would delete its children.
        The setting is ignored inside a transaction, so it is made before one begins.
        """
        _raw(connection, "PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise ConflictError(f"the migration would leave rows of {broken[0]} that refer to nothing")
        finally:
            _raw(connection, "PRAGMA foreign_keys=ON")

    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        """Return the library's version and the PRAGMAs that durability and integrity stand on."""
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in names}
        return {"server_version": sqlite3.sqlite_version, **values}


def is_memory(url: sa.URL) -> bool:
    """Say whether the URL means a database in memory, which ends with its connection."""
    database = url.database or ":memory:"
    return database == ":memory:" or database.startswith("file::memory:") or url.query.get("mode") == "memory"


def file_of(url: sa.URL) -> Path | None:
    """Return the absolute path of the database file; None for a database in memory."""
    if is_memory(url):
        return None
    name = url.database or ""
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file:").partition("?")[0])
        name = re.sub(r"^//(?:localhost)?(?=/)", "", name)
    return Path(name).absolute()


def _check_options(url: sa.URL) -> None:
    unknown = sorted(set(url.query).difference(_OPTIONS))
    if unknown and not url.query.get("uri"):
        raise ConfigurationError(
            f"the database URL has options SQLite's driver does not know: {', '.join(unknown)}; known are "
            f"{', '.join(_OPTIONS)}, and SQLite's own ones in sqlite:///file:/path?mode=ro&uri=true"
        )


def _make_private_file(path: Path | None) -> None:
    """Create a missing file readable by its owner only; SQLite gives its companions the same mode.

    What cannot be opened is told here, in words: the driver would only say "unable to open database file".
    """
    if path is None:
        return
    try:
        mode: int | None = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    except OSError as error:  # no permission to look into one of the folders above it
        raise _unavailable(path, str(error.strerror)) from error
    if mode is not None:
        if stat.S_ISDIR(mode):
            raise _unavailable(path, "it is a folder")
        if not os.access(path, os.R_OK):
            raise _unavailable(path, "no permission to read it")
        return
    if not path.parent.is_dir():
        raise _unavailable(path, f"the folder {path.parent} does not exist")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:  # another process was first
        return
    except OSError as error:
        raise _unavailable(path, str(error.strerror)) from error


def _unavailable(path: Path, reason: str) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(f"cannot open the database {path}: {reason}", dialect="sqlite", place=str(path))


def _prepare(cursor: Any, timeout: float, path: Path | None) -> None:
    try:
        _set_pragmas(cursor, timeout)
    except sqlite3.OperationalError as error:
        if path is not None and error.sqlite_errorcode & 0xFF in _CANNOT_OPEN and not os.access(path.parent, os.W_OK):
            raise _unavailable(path, _NO_LOG) from error
        raise


def _set_pragmas(cursor: Any, timeout: float) -> None:
    cursor.execute(f"PRAGMA busy_timeout={int(timeout * 1000)}")
    cursor.execute("PRAGMA foreign_keys=ON")
    # trusted_schema stays on, as it is by default: off, SQLite 3.40 refuses json_valid() in the checks of JSON columns
    # (no statement on such a table would work), and we define no functions of our own that a schema could misuse.
    cursor.execute("PRAGMA synchronous=FULL")
    _use_write_ahead_log(cursor)


def _use_write_ahead_log(cursor: Any) -> None:
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone()[0] in ("wal", "memory"):
        return
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        # What cannot be written is still to be read; and whoever holds the lock now is changing the mode as well.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY):
            raise


def _begin(connection: sa.Connection) -> None:
    read_only = bool(connection.get_execution_options().get(READ_ONLY, False))
    if connection.info.get(_QUERY_ONLY, False) != read_only:
        connection.exec_driver_sql(f"PRAGMA query_only={int(read_only)}")
        connection.info[_QUERY_ONLY] = read_only
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _raw(connection: sa.Connection, statement: str) -> None:
    """Run a statement outside any transaction: SQLAlchemy would begin one."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


DIALECT = SQLiteDialect()
