"""Fresh databases on each kind of server: empty ones, and ones with our schema at head.

Migrations run once per kind and process. Making further databases is slow on servers, so one at head is emptied and
used again; a test may still do anything to it: one whose schema is no longer that of the template is thrown away.
Each context manager yields a URL in plain form, no driver named.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

TEMPLATE = "etl_template"

Rows = Sequence[Sequence[Any]]


def migrate_to_head(url: str) -> None:
    """Bring the database to the newest schema the way a user would."""
    from etl_models.database import Database

    with Database(url) as database:
        database.create_tables()


class Backend(ABC):
    """One kind of database; a server is started on first use and lives until ``close``."""

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
    """Files in one folder; one at head is a copy of the template's file."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    @contextmanager
    def empty(self) -> Iterator[str]:
        with self._file() as file:
            yield f"sqlite:///{file}"

    @contextmanager
    def migrated(self) -> Iterator[str]:
        with self._file() as file:
            shutil.copyfile(self._template, file)
            yield f"sqlite:///{file}"

    @contextmanager
    def _file(self) -> Iterator[Path]:
        file = self._folder / f"etl_{next(self._numbers)}.db"
        try:
            yield file
        finally:
            for path in (file, *file.parent.glob(f"{file.name}-*")):
                path.unlink(missing_ok=True)

    @cached_property
    def _template(self) -> Path:
        file = self._folder / f"{TEMPLATE}.db"
        migrate_to_head(f"sqlite:///{file}")
        connection = sqlite3.connect(file)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        return file


class ServerBackend(Backend):
    """Databases of one server, with those at head kept for the next test."""

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[str] = []

    @contextmanager
    def empty(self) -> Iterator[str]:
        database = self._new_name()
        self._create(database)
        try:
            yield self._url(database)
        finally:
            self._drop(database)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        database = self._idle.pop() if self._idle else self._copy_of_template()
        try:
            yield self._url(database)
        finally:
            self._take_back(database)

    def _take_back(self, database: str) -> None:
        self._disconnect_all(database)
        if self._schema(database) == self._schema_of_template:
            self._clear(database)
            self._idle.append(database)
        else:
            self._drop(database)

    def _copy_of_template(self) -> str:
        assert self._schema_of_template, "the template is made here"
        database = self._new_name()
        self._copy_template_to(database)
        return database

    @cached_property
    def _schema_of_template(self) -> Any:
        self._create(TEMPLATE)
        migrate_to_head(self._url(TEMPLATE))
        return self._schema(TEMPLATE)

    def _new_name(self) -> str:
        return f"etl_{next(self._numbers)}"

    @abstractmethod
    def _url(self, database: str) -> str:
        """Its URL in plain form."""

    @abstractmethod
    def _create(self, database: str) -> None:
        """Make an empty database."""

    @abstractmethod
    def _copy_template_to(self, database: str) -> None:
        """Make a database with the tables and rows of the template."""

    @abstractmethod
    def _drop(self, database: str) -> None:
        """Remove it, whoever is still connected."""

    @abstractmethod
    def _disconnect_all(self, database: str) -> None:
        """End connections a test left open: their locks would stop the emptying."""

    @abstractmethod
    def _schema(self, database: str) -> Any:
        """Something that is equal for two databases only when their tables, columns, keys and checks are."""

    @abstractmethod
    def _clear(self, database: str) -> None:
        """Bring the rows back to those of the template, and counters to their start."""
