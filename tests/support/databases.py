"""Fresh databases on each kind of server: empty ones, and ones with our schema at head.

A migration runs once per kind and process; every further database at head is a copy of that template. Each context
manager yields a URL in plain form, no driver named, and removes the database afterwards.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pymysql

from tests.support import mariadb, postgresql

_TEMPLATE = "etl_template"


def migrate_to_head(url: str) -> None:
    """Bring the database to the newest schema the way a user would."""
    from etl_models.database import Database

    with Database(url) as database:
        database.create_tables()


class Backend(ABC):
    """One kind of database; servers are started on first use and live until ``close``."""

    name: str

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def start(self) -> None:  # noqa: B027 - a file needs no server
        """Make sure databases can be made here; raises UnavailableError where they cannot."""

    @abstractmethod
    @contextmanager
    def empty(self) -> Iterator[str]:
        """A database without any table (SQLite: a file that does not exist yet)."""

    @abstractmethod
    @contextmanager
    def migrated(self) -> Iterator[str]:
        """A database at head, holding only what the migrations put there."""

    def close(self) -> None:  # noqa: B027 - as start
        """Stop what was started."""


class SqliteBackend(Backend):
    """Files in one folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    @contextmanager
    def empty(self) -> Iterator[str]:
        yield f"sqlite:///{self._new_file()}"

    @contextmanager
    def migrated(self) -> Iterator[str]:
        file = self._new_file()
        shutil.copyfile(self._template, file)
        try:
            yield f"sqlite:///{file}"
        finally:
            for path in (file, *file.parent.glob(f"{file.name}-*")):
                path.unlink(missing_ok=True)

    def _new_file(self) -> Path:
        return self._folder / f"etl_{next(self._numbers)}.db"

    @cached_property
    def _template(self) -> Path:
        file = self._folder / f"{_TEMPLATE}.db"
        migrate_to_head(f"sqlite:///{file}")
        connection = sqlite3.connect(file)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        return file


class PostgresqlBackend(Backend):
    """One cluster; databases at head are made by ``CREATE DATABASE ... TEMPLATE``."""

    name = "postgresql"

    def __init__(self) -> None:
        super().__init__()
        self._server: postgresql.PostgresqlServer | None = None

    def start(self) -> None:
        if self._server is None:
            self._server = postgresql.start()

    @contextmanager
    def empty(self) -> Iterator[str]:
        with self._created("TEMPLATE template0") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        with self._created(f"TEMPLATE {self._template}") as url:
            yield url

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @contextmanager
    def _created(self, options: str) -> Iterator[str]:
        database = f"etl_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {database} {options} {self._copy_strategy}")
        try:
            yield self._running.url(database)
        finally:
            # FORCE: a test that leaves a connection open must not take the next one down with it.
            self._execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    @cached_property
    def _template(self) -> str:
        self._execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        migrate_to_head(self._running.url(_TEMPLATE))
        return _TEMPLATE

    @cached_property
    def _copy_strategy(self) -> str:
        """Copying files is twice as fast as logging every page; servers before 15 know nothing else."""
        with psycopg.connect(self._running.url("postgres")) as connection:
            return "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""

    @property
    def _running(self) -> postgresql.PostgresqlServer:
        assert self._server is not None, "call start() first"
        return self._server

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._running.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


class MariadbBackend(Backend):
    """One server; creating tables is slow there, so databases at head are emptied and used again.

    A test may do anything to such a database: one whose tables are no longer those of the template is dropped.
    """

    name = "mariadb"

    def __init__(self) -> None:
        super().__init__()
        self._server: mariadb.MariadbServer | None = None
        self._idle: list[str] = []

    def start(self) -> None:
        if self._server is None:
            self._server = mariadb.start()

    @contextmanager
    def empty(self) -> Iterator[str]:
        database = self._create()
        try:
            yield self._running.url(database)
        finally:
            self._drop(database)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        database = self._idle.pop() if self._idle else self._copy_of_template()
        try:
            yield self._running.url(database)
        finally:
            self._take_back(database)

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @cached_property
    def _template_definitions(self) -> dict[str, str]:
        """CREATE statements of the template's tables, by table; the template is made on the way."""
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        migrate_to_head(self._running.url(_TEMPLATE))
        return self._definitions(_TEMPLATE)

    def _take_back(self, database: str) -> None:
        self._disconnect_all(database)
        if self._definitions(database) == self._template_definitions:
            self._empty(database)
            self._idle.append(database)
        else:
            self._drop(database)

    def _copy_of_template(self) -> str:
        definitions = self._template_definitions
        database = self._create()
        self._execute(
            f"USE {database}",
            *definitions.values(),
            *(f"INSERT INTO `{table}` SELECT * FROM {_TEMPLATE}.`{table}`" for table in definitions),
        )
        return database

    def _definitions(self, database: str) -> dict[str, str]:
        tables = [row[0] for row in self._query(f"SHOW FULL TABLES IN `{database}` WHERE Table_type = 'BASE TABLE'")]
        statements = self._query_each(f"SHOW CREATE TABLE `{database}`.`{table}`" for table in tables)
        return {table: _without_counter(rows[0][1]) for table, rows in zip(tables, statements, strict=True)}

    def _empty(self, database: str) -> None:
        """Back to the rows of the template. Deleting is faster than TRUNCATE, which makes the table anew."""
        tables = list(self._template_definitions)
        held = self._query_each(
            f"SELECT EXISTS (SELECT 1 FROM `{database}`.`{table}`), EXISTS (SELECT 1 FROM {_TEMPLATE}.`{table}`)"
            for table in tables
        )
        statements: list[str] = []
        for table, ((has_rows, is_seeded),) in zip(tables, held, strict=True):
            if has_rows:
                statements += [
                    f"DELETE FROM `{database}`.`{table}`",
                    f"ALTER TABLE `{database}`.`{table}` AUTO_INCREMENT = 1",
                ]
            if is_seeded:
                statements.append(f"INSERT INTO `{database}`.`{table}` SELECT * FROM {_TEMPLATE}.`{table}`")
        self._execute(*statements)

    def _create(self) -> str:
        database = f"etl_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {database}")
        return database

    def _drop(self, database: str) -> None:
        self._disconnect_all(database)
        self._execute(f"DROP DATABASE IF EXISTS {database}")

    def _disconnect_all(self, database: str) -> None:
        """End connections a test left open: their locks would stop the emptying."""
        for (connection_id,) in self._query(f"SELECT id FROM information_schema.processlist WHERE db = '{database}'"):
            try:
                self._execute(f"KILL {connection_id}")
            except pymysql.err.OperationalError:
                continue  # It has ended by itself meanwhile.

    @property
    def _running(self) -> mariadb.MariadbServer:
        assert self._server is not None, "call start() first"
        return self._server

    def _execute(self, *statements: str) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            for statement in ("SET foreign_key_checks = 0", *statements):
                cursor.execute(statement)

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        (rows,) = self._query_each([statement])
        return rows

    def _query_each(self, statements: Any) -> list[list[tuple[Any, ...]]]:
        with self._connect() as connection, connection.cursor() as cursor:
            return [list(cursor.fetchall()) for statement in statements if cursor.execute(statement) is not None]

    def _connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host="127.0.0.1",
            port=self._running.port,
            user=mariadb.USER,
            password=mariadb.PASSWORD,
            autocommit=True,
            charset="utf8mb4",
        )


def _without_counter(create_statement: str) -> str:
    """SHOW CREATE TABLE tells the next automatic key, which is data and no part of the definition."""
    head, _, options = create_statement.rpartition("\n)")
    return f"{head}\n)" + " ".join(word for word in options.split() if not word.startswith("AUTO_INCREMENT="))
