"""What a look at the database found."""

from __future__ import annotations

from pydantic import Field

from etl_models.reads.base import Read


class DatabaseHealth(Read):
    """What a health check found. ``ok`` means: reachable, and the schema is the one this version needs.

    ``facts`` are the settings of a session that durability and integrity stand on, by the database's own names.
    """

    ok: bool
    error: str | None = None
    url: str
    dialect: str
    server_version: str | None = None
    latency_ms: float | None = None
    schema_revision: str | None = None
    schema_head: str
    facts: dict[str, str] = Field(default_factory=dict)
