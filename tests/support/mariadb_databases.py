"""The kind of database ``mariadb``: one server, its databases copied from a template table by table."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeAlias

import pymysql

from tests.support import mariadb
from tests.support.databases import TEMPLATE, ServerBackend

_NO_SUCH_THREAD = 1094

_Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"


class MariadbBackend(ServerBackend):
    """One server for all tests of this process."""

    name = "mariadb"

    def __init__(self) -> None:
        super().__init__()
        self._server: mariadb.MariadbServer | None = None
        self._connection: _Connection | None = None

    def start(self) -> None:
        if self._server is None:
            self._server = mariadb.start()

    def close(self) -> None:
        if self._server is not None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._server.stop()
            self._server = None

    @property
    def _running(self) -> mariadb.MariadbServer:
        assert self._server is not None, "call start() first"
        return self._server

    def _url(self, database: str) -> str:
        return self._running.url(database)

    def _create(self, database: str) -> None:
        self._execute(f"CREATE DATABASE {database}")

    def _copy_template_to(self, database: str) -> None:
        definitions = self._schema_of_template
        self._create(database)
        self._execute(
            f"USE {database}",
            *definitions.values(),
            *(f"INSERT INTO `{table}` SELECT * FROM {TEMPLATE}.`{table}`" for table in definitions),
        )

    def _drop(self, database: str) -> None:
        self._disconnect_all(database)
        self._execute("USE information_schema", f"DROP DATABASE IF EXISTS {database}")

    def _disconnect_all(self, database: str) -> None:
        connections = self._query(
            f"SELECT id FROM information_schema.processlist WHERE db = '{database}' AND id <> connection_id()"
        )
        for (connection,) in connections:
            try:
                self._execute(f"KILL {connection}")
            except pymysql.err.Error as error:
                if error.args[0] != _NO_SUCH_THREAD:  # It has ended by itself meanwhile.
                    raise

    def _schema(self, database: str) -> Any:
        """CREATE statements by table."""
        tables = self._query(f"SHOW FULL TABLES IN `{database}`")
        statements = {table: self._query(f"SHOW CREATE TABLE `{database}`.`{table}`")[0][1] for table, _ in tables}
        return {table: _without_counter(statement) for table, statement in statements.items()}

    def _clear(self, database: str) -> None:
        """Deleting is faster than TRUNCATE, which makes the table anew."""
        seeded = self._filled_by_migrations
        self._execute(f"USE {database}")
        filled = [table for (table,) in self._query(self._filled_tables)]
        self._execute(
            *(f"DELETE FROM `{table}`" for table in filled),
            *(f"ALTER TABLE `{table}` AUTO_INCREMENT = 1" for table in filled if table in self._counted),
            *(f"INSERT INTO `{table}` SELECT * FROM {TEMPLATE}.`{table}`" for table in seeded),
        )

    @cached_property
    def _filled_tables(self) -> str:
        """A query for the names of tables that hold rows in the database in use."""
        return " UNION ALL ".join(
            f"SELECT '{table}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{table}`)" for table in self._schema_of_template
        )

    @cached_property
    def _filled_by_migrations(self) -> list[str]:
        self._execute(f"USE {TEMPLATE}")
        return [table for (table,) in self._query(self._filled_tables)]

    @cached_property
    def _counted(self) -> set[str]:
        return {table for table, text in self._schema_of_template.items() if "AUTO_INCREMENT" in text}

    def _connect(self) -> _Connection:
        return pymysql.connect(
            host="127.0.0.1",
            port=self._running.port,
            user=mariadb.USER,
            password=mariadb.PASSWORD,
            autocommit=True,
            charset="utf8mb4",
            init_command="SET foreign_key_checks = 0",
        )

    def _cursor(self) -> pymysql.cursors.Cursor:
        """On a connection kept for all this: opening one takes longer than what is done with it."""
        if self._connection is not None:
            try:
                self._connection.cursor().execute("DO 0")
            except pymysql.err.Error:  # A test that kills connections has met this one.
                self._connection = None
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.cursor()

    def _execute(self, *statements: str) -> None:
        with self._cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


def _without_counter(create_statement: str) -> str:
    """SHOW CREATE TABLE tells the next automatic key, which is data and no part of the definition."""
    head, _, options = create_statement.rpartition("\n)")
    return f"{head}\n)" + " ".join(word for word in options.split() if not word.startswith("AUTO_INCREMENT="))
