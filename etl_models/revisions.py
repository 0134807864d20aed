"""Which schema revisions exist and which one a database has; light, without alembic.

Revision files are called ``0001_initial.py``: the number is the revision, the order of numbers the order of
application. So the newest one is known from file names, and a hot start need not load any migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa

from etl_models.db.dialects import dialect_of
from etl_models.db.retry import driver_error
from etl_models.errors import SchemaVersionError

VERSION_TABLE = "etl_alembic_version"
"""Our own, so that a user's ``alembic_version`` in the same database stays theirs."""

_CURRENT = sa.text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema's history."""

    number: str
    title: str


def script_location() -> Path:
    """Return the folder of the migrations: inside the installed package, else beside it in a checkout."""
    inside = Path(str(files("etl_models"))) / "migrations"
    return inside if (inside / "env.py").is_file() else Path(__file__).resolve().parent.parent / "migrations"


@cache
def known() -> tuple[Revision, ...]:
    """Return all revisions, the oldest first."""
    return read_revisions(script_location() / "versions")


def read_revisions(versions: Path) -> tuple[Revision, ...]:
    """Return the revisions whose files are in ``versions``, the oldest first."""
    names = sorted(path.stem.partition("_") for path in versions.glob("[0-9]*_*.py"))
    return tuple(Revision(number, title.replace("_", " ")) for number, _, title in names)


def head() -> str:
    """Return the newest revision this library brings."""
    return known()[-1].number


def is_known(number: str) -> bool:
    """Say whether this library brings a revision of that number."""
    return any(revision.number == number for revision in known())


def current(connection: sa.Connection) -> str | None:
    """Return the revision of a database, None when it holds no schema of ours.

    Leaves the transaction of ``connection`` unusable on some databases when there is none, so give it one that ends.
    Raises SchemaVersionError when the database claims several revisions at once.
    """
    dialect = dialect_of(connection.dialect.name)
    try:
        rows = connection.execute(_CURRENT).scalars().all()
    except sa.exc.DBAPIError as error:
        if dialect is not None and dialect.is_missing_object(driver_error(error)):
            return None
        raise
    if len(rows) > 1:
        raise SchemaVersionError(f"the table {VERSION_TABLE} names several revisions: {', '.join(sorted(rows))}")
    return str(rows[0]) if rows else None
