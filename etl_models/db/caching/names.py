"""What the things in a store of cached rows are called. Names hold no stored values and no passwords."""

from __future__ import annotations

import hashlib
import json
import secrets
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

EVERYTHING = "*"
_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}
_PLACES = ("host", "options", "service", "unix_socket")
_ours: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def scope_of(table: sa.Table) -> str:
    """Return the name of all rows of a table."""
    return f"t:{table.fullname}"


def name_of(table: sa.Table, key: Sequence[Any]) -> str:
    """Return the name of a row. ``key`` is of integers, texts and UUIDs."""
    text = json.dumps([[type(part).__name__, str(part)] for part in key])
    return f"r:{table.fullname}:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def key_types(table: sa.Table) -> tuple[type[Any], ...] | None:
    """Return the types of a primary key whose values are equal in Python where they are in SQL; None for others."""
    kinds = [_key_type(column) for column in table.primary_key]
    return tuple(kind for kind in kinds if kind is not None) if kinds and None not in kinds else None


def _key_type(column: sa.Column[Any]) -> type[Any] | None:
    if isinstance(column.type, sa.types.TypeDecorator | sa.Enum):
        return None  # several values may be stored as one
    if isinstance(column.type, sa.Uuid):
        return UUID if column.type.as_uuid else None
    if isinstance(column.type, sa.Integer):
        return int
    return str if isinstance(column.type, sa.String) else None


def identity(engine: sa.Engine) -> str:
    """Return what tells the database of an engine from others, the same in every process that names it alike."""
    backend = engine.url.get_backend_name().replace("mariadb", "mysql")
    if backend == "sqlite":
        place = _file(engine.url)
    else:
        query = sorted((name, str(value)) for name, value in engine.url.query.items() if name in _PLACES)
        host, database = (engine.url.host or "").lower(), engine.url.database or ""
        place = repr((host, engine.url.port or _DEFAULT_PORTS.get(backend), database, query))
        if not host and not database and not query:
            place = None
    if place is None:
        return _ours.setdefault(engine.pool, secrets.token_hex(16))  # nobody else can mean this database
    return hashlib.blake2b(f"{backend}:{place}".encode(), digest_size=16).hexdigest()


def _file(url: sa.URL) -> str | None:
    name = url.database or ""
    if name in {"", ":memory:"} or name.startswith("file:"):
        return None
    return str(Path(name).resolve())
