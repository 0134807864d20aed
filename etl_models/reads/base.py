"""The base of every read model."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer

from etl_models.domain.clock import isoformat

Moment = Annotated[datetime, PlainSerializer(isoformat, return_type=str, when_used="json-unless-none")]
"""An instant: aware UTC in Python, ISO 8601 with microseconds and ``Z`` in JSON."""


class Read(BaseModel):
    """A frozen value. ``to_json()`` is what ``-o json`` prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Return the value as a JSON object: times as text, ids as text, enums as their values."""
        return self.model_dump(mode="json")
