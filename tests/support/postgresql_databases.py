"""The kind of database ``postgresql``: one cluster, its databases copied from a template."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import psycopg

from tests.support import postgresql
from tests.support.databases import TEMPLATE, ServerBackend

# Every change of a table touches one of these catalogs. Columns are compared by name and type, constraints and indexes
# by their text; numbers of objects differ from database to database.
_SCHEMA = """
SELECT c.relname, a.attname, a.atttypid::regtype::text, a.attnotnull::text || a.atthasdef::text || a.attnum::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
UNION ALL
SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT tablename, indexname, '', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT nspname, '', '', '' FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
UNION ALL
SELECT proname, '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT relname, relkind::text, '', '' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'r'
 ORDER BY 1, 2, 3, 4
"""


class PostgresqlBackend(ServerBackend):
    """One cluster for all tests of this process."""

    name = "postgresql"

    def __init__(self) -> None:
        super().__init__()
        self._server: postgresql.PostgresqlServer | None = None

    def start(self) -> None:
        if self._server is None:
            self._server = postgresql.start()

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def _running(self) -> postgresql.PostgresqlServer:
        assert self._server is not None, "call start() first"
        return self._server

    def _url(self, database: str) -> str:
        return self._running.url(database)

    def _create(self, database: str) -> None:
        self._execute("postgres", f"CREATE DATABASE {database} TEMPLATE template0")

    def _copy_template_to(self, database: str) -> None:
        self._execute("postgres", f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")

    def _drop(self, database: str) -> None:
        self._execute("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _disconnect_all(self, database: str) -> None:
        self._query(
            "postgres", f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
        )

    def _schema(self, database: str) -> Any:
        return self._query(database, _SCHEMA)

    def _clear(self, database: str) -> None:
        filled = [table for (table,) in self._query(database, self._filled_tables)]
        counted = self._query(database, "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL")
        self._execute(
            database,
            # Without triggers foreign keys are not looked at, so the order of the tables does not matter.
            "SET session_replication_role = replica",
            *(f'DELETE FROM "{table}"' for table in filled),
            *(self._insert(table, rows) for table, rows in self._rows_of_template.items()),
            *(f'ALTER SEQUENCE "{sequence}" RESTART' for (sequence,) in counted),
        )

    @cached_property
    def _filled_tables(self) -> str:
        """A query for the names of tables that hold rows."""
        tables = sorted(
            {row[0] for row in self._query(TEMPLATE, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        )
        return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)

    @cached_property
    def _rows_of_template(self) -> dict[str, str]:
        """What the migrations put into tables, by table, as JSON."""
        return {
            table: self._query(TEMPLATE, f'SELECT json_agg(row_to_json(t))::text FROM "{table}" t')[0][0]
            for (table,) in self._query(TEMPLATE, self._filled_tables)
        }

    @staticmethod
    def _insert(table: str, rows: str) -> str:
        quoted = rows.replace("'", "''")
        return f'INSERT INTO "{table}" SELECT * FROM json_populate_recordset(NULL::"{table}", \'{quoted}\')'

    def _execute(self, database: str, *statements: str) -> None:
        with psycopg.connect(self._url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _query(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url(database), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()
