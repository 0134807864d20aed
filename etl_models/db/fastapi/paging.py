"""Pages: which one a request asks for, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from etl_models.db.fastapi.parameters import refuse_unknown
from etl_models.domain.paging import MAX_LIMIT
from etl_models.errors import ConfigurationError

T = TypeVar("T")
MAX_CURSOR_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class OffsetPage:
    """Which rows of a counted search: ``await repo.search(**page.arguments)``."""

    limit: int
    offset: int

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``search()``."""
        return {"limit": self.limit, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class CursorPage:
    """Which rows of a search that is continued: ``await repo.page(**page.arguments)``."""

    limit: int
    cursor: str | None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of ``page()``."""
        return {"limit": self.limit, "cursor": self.cursor}


def get_offset_page(
    *, default: int = 20, maximum: int = 100, deepest: int = 1_000_000
) -> Callable[..., Awaitable[OffsetPage]]:
    """Return a dependency: the query parameters ``limit`` and ``offset``.

    ``limit`` is ``default`` where it is not given and at most ``maximum`` (1 to 1000); ``offset`` is at most
    ``deepest``, because a database walks over every row before it. Unknown query parameters are refused.
    """
    _check(default, maximum)

    async def offset_page(
        limit: int = Query(default, ge=1, le=maximum, description="How many rows at most."),
        offset: int = Query(0, ge=0, le=deepest, description="How many rows to leave out first."),
        _: None = Depends(refuse_unknown),
    ) -> OffsetPage:
        return OffsetPage(limit, offset)

    return offset_page


def get_cursor_page(*, default: int = 50, maximum: int = 200) -> Callable[..., Awaitable[CursorPage]]:
    """Return a dependency: the query parameters ``limit`` and ``cursor``; otherwise as :func:`get_offset_page`."""
    _check(default, maximum)

    async def cursor_page(
        limit: int = Query(default, ge=1, le=maximum, description="How many rows at most."),
        cursor: str | None = Query(
            None, max_length=MAX_CURSOR_LENGTH, description="next_cursor of the page before, as it is."
        ),
        _: None = Depends(refuse_unknown),
    ) -> CursorPage:
        return CursorPage(limit, cursor)

    return cursor_page


def _check(default: int, maximum: int) -> None:
    if not 1 <= default <= maximum <= MAX_LIMIT:
        raise ConfigurationError(f"a page has from 1 to {MAX_LIMIT} rows, and no more by default than at most")


class SearchResponse(BaseModel, Generic[T]):
    """What ``search()`` returns, as JSON: ``response_model=SearchResponse[read_shape(Campaign)]``."""

    model_config = ConfigDict(from_attributes=True)

    items: list[T]
    total: int = Field(description="How many rows match in all.")
    limit: int
    offset: int
    page: int = Field(description="The number of this page, from 1.")
    total_pages: int
    has_next: bool
    has_previous: bool


class PageResponse(BaseModel, Generic[T]):
    """What ``page()`` returns, as JSON: ``response_model=PageResponse[read_shape(Campaign)]``."""

    model_config = ConfigDict(from_attributes=True)

    items: list[T]
    next_cursor: str | None = Field(description="The cursor of the page after this one; null on the last.")
