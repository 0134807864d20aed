"""Keyset paging: pages, and the opaque cursors that continue them.

A cursor holds the sort key of the last item and a fingerprint of the query it belongs to, so that using it with
another query is an error instead of a silently wrong page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from etl_models.domain.jsonvalue import JsonValue, dumps
from etl_models.errors import InvalidInputError

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


class Page(BaseModel, Generic[T]):
    """Some items in order, and the cursor of the page after them (None on the last page)."""

    model_config = ConfigDict(frozen=True)

    items: tuple[T, ...]
    next_cursor: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    def each(self) -> Iterator[T]:
        """Iterate over the items of this page."""
        return iter(self.items)


def check_limit(limit: object) -> int:
    """Return ``limit`` if it is from 1 to ``MAX_LIMIT``, else raise :class:`InvalidInputError`."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError(f"limit must be a whole number from 1 to {MAX_LIMIT}", field="limit")
    return limit


def fingerprint(query: JsonValue) -> str:
    """Return a short digest of a query's filters and order."""
    return hashlib.sha256(dumps(query).encode()).hexdigest()[:12]


def encode_cursor(position: dict[str, JsonValue], query: str) -> str:
    """Pack the sort key of the last item of a page; ``query`` is its :func:`fingerprint`."""
    return base64.urlsafe_b64encode(dumps({"q": query, **position}).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, query: str) -> dict[str, JsonValue]:
    """Unpack a cursor made by :func:`encode_cursor`.

    Raises :class:`InvalidInputError` when it is damaged or belongs to another query.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, b"-_", validate=True))
        owner = position.pop("q")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
        message = "cursor is damaged; take next_cursor of the page before as it is"
        raise InvalidInputError(message, field="cursor") from None
    if owner != query:
        raise InvalidInputError(
            "cursor belongs to a query with other filters or another order; repeat that query or start without one",
            field="cursor",
        )
    return dict(position)
