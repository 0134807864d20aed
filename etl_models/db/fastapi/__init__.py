"""FastAPI on the data layer: a session per request, repositories, pages and filters from the query, problem details.

::

    app = FastAPI()
    connect(app, AsyncDatabaseManager("postgresql://..."))

    Campaigns = Annotated[CampaignRepository, Depends(get_repository(CampaignRepository))]

    @app.get("/campaigns/{ident}", response_model=read_shape(Campaign), responses=problem_responses(404))
    async def one(ident: UUID, campaigns: Campaigns) -> Campaign:
        return await campaigns.get(ident)

Needs the extra ``fastapi``; nothing else of ``etl_models`` imports this package. Names that begin with ``get_`` are
dependencies, or make one.
"""

from __future__ import annotations

from importlib.util import find_spec

from etl_models.errors import ConfigurationError

if find_spec("fastapi") is None:
    raise ConfigurationError(
        "etl_models.db.fastapi needs the package fastapi, which is not installed; pip install 'etl-models[fastapi]'"
    )

from etl_models.db.fastapi.filtering import QueryFilters, get_filters
from etl_models.db.fastapi.handlers import add_problem_handlers
from etl_models.db.fastapi.openapi import problem_responses
from etl_models.db.fastapi.paging import (
    CursorPage,
    OffsetPage,
    PageResponse,
    SearchResponse,
    get_cursor_page,
    get_offset_page,
)
from etl_models.db.fastapi.problems import Problem, ProblemItem
from etl_models.db.fastapi.repositories import get_repository
from etl_models.db.fastapi.sessions import (
    get_read_session,
    get_session,
    get_session_of,
    get_sync_read_session,
    get_sync_session,
    get_sync_session_of,
)
from etl_models.db.fastapi.versions import etag, get_expected_version
from etl_models.db.fastapi.wiring import connect

__all__ = [
    "CursorPage",
    "OffsetPage",
    "PageResponse",
    "Problem",
    "ProblemItem",
    "QueryFilters",
    "SearchResponse",
    "add_problem_handlers",
    "connect",
    "etag",
    "get_cursor_page",
    "get_expected_version",
    "get_filters",
    "get_offset_page",
    "get_read_session",
    "get_repository",
    "get_session",
    "get_session_of",
    "get_sync_read_session",
    "get_sync_session",
    "get_sync_session_of",
    "problem_responses",
]
