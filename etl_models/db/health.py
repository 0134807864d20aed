"""What a look at a database finds: whether it answers, how fast, and what its sessions run with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.pool import QueuePool

from etl_models.db.dialects.base import DatabaseDialect
from etl_models.db.target import Target


@dataclass(frozen=True, slots=True)
class Look:
    """What one round trip told. ``facts`` are settings of the session, by the database's own names."""

    latency_ms: float
    server_version: str
    facts: Mapping[str, str]

    @classmethod
    def at(cls, connection: sa.Connection, dialect: DatabaseDialect, started: float) -> Self:
        """Look around; ``started`` is the monotonic time before the connection was asked for."""
        connection.exec_driver_sql("SELECT 1")
        latency = (time.monotonic() - started) * 1000
        facts = dict(dialect.facts(connection))
        return cls(round(latency, 3), facts.pop("server_version"), facts)


class ConnectionHealth(BaseModel):
    """What ``health_check()`` of a manager found; ``model_dump()`` gives JSON values. It never holds a password.

    ``ok`` means that sessions can be had: the database answers, and so does the replica, unless its sessions fall back.
    ``latency_ms`` is the time of the first answer, a new connection included where there was none. ``facts`` are the
    settings of a session, by the database's own names. ``pool`` counts the connections of this process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    error: str | None = None
    url: str
    dialect: str
    server_version: str | None = None
    latency_ms: float | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    pool: dict[str, int] = Field(default_factory=dict)
    replica: ConnectionHealth | None = None

    @classmethod
    def found(cls, target: Target, look: Look, pool: sa.Pool) -> Self:
        """Describe a database that answered."""
        return cls(
            ok=True,
            url=target.safe_url,
            dialect=target.dialect.name,
            server_version=look.server_version,
            latency_ms=look.latency_ms,
            facts=dict(look.facts),
            pool=pool_counts(pool),
        )

    @classmethod
    def failed(cls, target: Target, problem: str) -> Self:
        """Describe a database that did not."""
        return cls(ok=False, error=problem, url=target.safe_url, dialect=target.dialect.name)

    def beside(self, replica: ConnectionHealth | None, *, needed: bool) -> ConnectionHealth:
        """Return this health with that of the replica, which counts when it is ``needed``."""
        if replica is None:
            return self
        return self.model_copy(update={"replica": replica, "ok": self.ok and (replica.ok or not needed)})


def pool_counts(pool: sa.Pool) -> dict[str, int]:
    """Return how many connections are in use and idle, of how many kept open."""
    if not isinstance(pool, QueuePool):
        return {}
    return {"size": pool.size(), "in_use": pool.checkedout(), "idle": pool.checkedin()}
