"""Which database is meant: a URL in plain form, understood but not yet opened."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from etl_models.db.dialects import DIALECTS, dialect_of
from etl_models.db.dialects.base import DatabaseDialect
from etl_models.db.dialects.sqlite import file_of, is_memory
from etl_models.domain.text import short
from etl_models.domain.urls import safe_url
from etl_models.errors import ConfigurationError, InvalidInputError


@dataclass(frozen=True, slots=True)
class Target:
    """A database as its URL names it. Its texts never hold the password."""

    url: sa.URL
    dialect: DatabaseDialect

    @classmethod
    def parse(cls, url: str | sa.URL) -> Self:
        """Understand ``sqlite:///file``, ``postgresql://``, ``postgres://``, ``mysql://`` or ``mariadb://``.

        A driver named in the scheme (``postgresql+asyncpg://``) is kept where it fits the face. Raises
        ConfigurationError when the URL is malformed or its scheme is not supported.
        """
        try:
            parsed = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            raise ConfigurationError(
                f"the database URL {short(safe_url(str(url)), 200)!r} cannot be understood; "
                "it should look like sqlite:///file.db or postgresql://user@host/name"
            ) from None
        scheme = parsed.drivername.partition("+")[0]
        dialect = dialect_of(scheme)
        if dialect is None:
            raise ConfigurationError(f"databases of the kind {short(scheme)!r} are not supported; {_known(scheme)}")
        if dialect.name == "sqlite" and not parsed.query.get("uri") and (file := file_of(parsed)) is not None:
            parsed = parsed.set(database=str(file))  # what the path means must not change when the process moves
        return cls(parsed, dialect)

    @property
    def explicit_driver(self) -> str | None:
        """The driver the URL names, None for a plain URL."""
        return self.url.drivername.partition("+")[2] or None

    @property
    def is_memory(self) -> bool:
        """Whether the database lives in the memory of this process."""
        return self.dialect.name == "sqlite" and is_memory(self.url)

    @property
    def file(self) -> Path | None:
        """The absolute path of a SQLite file; None for servers and for memory."""
        return file_of(self.url) if self.dialect.name == "sqlite" else None

    @property
    def place(self) -> str:
        """A file, ``memory``, or ``host:port/name``."""
        return self.dialect.place(self.url)

    @property
    def label(self) -> str:
        """How messages call it: ``PostgreSQL at db.example:5432/etl``."""
        return f"{self.dialect.label} at {self.place}"

    @property
    def database_name(self) -> str:
        """The name whoever wants to empty it has to repeat: of the file, or of the database on its server."""
        if self.dialect.name == "sqlite":
            return self.file.name if self.file else ":memory:"
        return self.url.database or ""

    @property
    def is_missing(self) -> bool:
        """Whether it is a SQLite file that is not there, which opening it would make."""
        if self.file is None:
            return False
        try:
            self.file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # of a folder we may not look into; whoever opens the file is told
            return False
        return False

    def check_confirmation(self, confirm: str) -> None:
        """Raise InvalidInputError unless ``confirm`` is the name of the database."""
        if confirm != self.database_name:
            raise InvalidInputError(f"emptying {self.label} has to be confirmed by its name, {self.database_name!r}")

    @property
    def safe_url(self) -> str:
        """The URL without its password."""
        return safe_url(self.url.render_as_string(hide_password=False))

    @property
    def facts(self) -> dict[str, Any]:
        """What errors say about it, for programs."""
        return {"dialect": self.dialect.name, "place": self.place}


def _known(scheme: str) -> str:
    schemes = sorted(name for dialect in DIALECTS for name in dialect.schemes)
    close = difflib.get_close_matches(scheme, schemes, n=1)
    known = ", ".join(f"{name}://" for name in schemes)
    return f"did you mean {close[0]}://? Known: {known}" if close else f"known: {known}"
