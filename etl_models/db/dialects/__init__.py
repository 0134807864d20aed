"""The databases this library runs on, one module each, all with the same names inside."""

from __future__ import annotations

from etl_models.db.dialects import mysql, postgresql, sqlite
from etl_models.db.dialects.base import DatabaseDialect

DIALECTS: tuple[DatabaseDialect, ...] = (sqlite.DIALECT, postgresql.DIALECT, mysql.DIALECT)


def dialect_of(scheme: str) -> DatabaseDialect | None:
    """Return the dialect of a URL's scheme or of a SQLAlchemy dialect's name; None when it is not supported."""
    return next((dialect for dialect in DIALECTS if scheme in dialect.schemes), None)
