"""Tables of a database of its own, and managers of either face behind the blocking signature."""

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.declarative import Base, new_registry
from etl_models.db.mixins import UUIDPKMixin
from etl_models.db.versioning import VersioningMixin

THREAD = {
    "postgresql": "SELECT pg_backend_pid()",
    "mariadb": "SELECT CONNECTION_ID()",
}
"""Which session of the server a connection is."""
KILL = {
    "postgresql": "SELECT pg_terminate_backend({}, 5000)",
    "mariadb": "KILL {}",
}


class Ledger(Base, registry=new_registry()):
    """Base of the tables below, which are no part of ``Base.metadata``."""


class Entry(VersioningMixin, UUIDPKMixin, Ledger, table=True):
    """A row with a history and a unique name."""

    name: str = Field(max_length=40, unique=True)
    amount: int = 0
    parent_id: uuid.UUID | None = Field(default=None, foreign_key="entry.id")


Managers = Callable[..., Any]
"""Opens a manager of the face under test: ``managers(url, **options)``."""


def plain(manager: Any) -> DatabaseManager | AsyncDatabaseManager:
    """The manager itself, whichever face it has."""
    inner = getattr(manager, "__dict__", {}).get("_wrapped", manager)
    assert isinstance(inner, DatabaseManager | AsyncDatabaseManager)
    return inner


def names(manager: Any, *, readonly: bool = False) -> list[str]:
    """The names of all entries, in order."""
    with manager.session(readonly=readonly) as session:
        return list(session.scalars(sa.select(Entry.name).order_by(Entry.name)).all())  # type: ignore[call-overload]


def add(manager: Any, *new: str) -> None:
    """Store entries in one unit."""
    with manager.session() as session:
        for name in new:
            session.add(Entry(name=name))


def in_use(manager: Any) -> int:
    """How many connections nobody gave back."""
    count: int = manager.health_check().pool["in_use"]
    return count
