"""The API: ``uvicorn --factory campaigns.app:create_app``, then http://127.0.0.1:8000/docs.

What repositories raise becomes a problem detail by itself: 404, 409, 412, 422. Who asks is whoever the header
``X-User`` names; put your own way of logging in there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from campaigns.models import Campaign, DailyPerformance, Marketing, RoleName, User
from campaigns.reports import CampaignSpend, spend_by_campaign
from campaigns.repositories import AsyncCampaignRepository, AsyncPerformanceRepository, AsyncUserRepository
from campaigns.settings import database_url
from campaigns.shapes import CampaignCreate, CampaignRead, CampaignUpdate, CampaignWhole, ChangeRead, DayRead
from etl_models.db import AsyncDatabaseManager, Change, Page, SearchResult, acting_as
from etl_models.db.fastapi import (
    CursorPage,
    OffsetPage,
    PageResponse,
    QueryFilters,
    SearchResponse,
    connect,
    etag,
    get_cursor_page,
    get_expected_version,
    get_filters,
    get_offset_page,
    get_read_session,
    get_repository,
    problem_responses,
)

router = APIRouter()

Campaigns = Annotated[AsyncCampaignRepository, Depends(get_repository(AsyncCampaignRepository))]
CampaignsToRead = Annotated[AsyncCampaignRepository, Depends(get_repository(AsyncCampaignRepository, readonly=True))]
DaysToRead = Annotated[AsyncPerformanceRepository, Depends(get_repository(AsyncPerformanceRepository, readonly=True))]
Users = Annotated[AsyncUserRepository, Depends(get_repository(AsyncUserRepository))]
ReadSession = Annotated[AsyncSession, Depends(get_read_session)]

CampaignFilters = get_filters(
    AsyncCampaignRepository,
    {"status": ("eq", "in"), "platform": "eq", "starts_on": ("gte", "lte"), "owner__email": "eq"},
    order_by=["name", "starts_on", "budget_micros"],
    default_order="name",
    search=True,
)
DayFilters = get_filters(DailyPerformance, {"day": ("gte", "lte")})


async def planner(users: Users, x_user: Annotated[str, Header()]) -> AsyncIterator[User]:
    """Let only those in who may change campaigns; what they change is theirs in the history."""
    user = await users.find_by_email(x_user)
    if user is None or not user.is_active:
        raise HTTPException(401, "Nobody active has this address.")
    if not user.has_role(RoleName.PLANNER, RoleName.ADMIN):
        raise HTTPException(403, "Campaigns are changed by planners.")
    with acting_as(user.email):
        yield user


Planner = Annotated[User, Depends(planner)]


@router.get("/campaigns", response_model=SearchResponse[CampaignRead])
async def list_campaigns(
    campaigns: CampaignsToRead,
    filters: Annotated[QueryFilters, Depends(CampaignFilters)],
    page: Annotated[OffsetPage, Depends(get_offset_page())],
) -> SearchResult[Campaign]:
    """Campaigns that match, a page at a time; ``q`` looks through name, tags and slug."""
    return await campaigns.search(*filters.criteria, **filters.arguments, **page.arguments)


@router.post("/campaigns", status_code=201, response_model=CampaignRead, responses=problem_responses(401, 403, 409))
async def create_campaign(body: CampaignCreate, campaigns: Campaigns, user: Planner, response: Response) -> Campaign:
    """Add a campaign; who adds it owns it unless somebody else is named."""
    campaign = await campaigns.create(body, owner_id=body.owner_id or user.id)
    response.headers["ETag"] = etag(campaign)
    return campaign


@router.get("/campaigns/{ident}", response_model=CampaignWhole, responses=problem_responses(404))
async def get_campaign(ident: UUID, campaigns: CampaignsToRead, response: Response) -> Campaign:
    """A campaign with its owner, ads and creatives. The ETag is its version."""
    campaign = await campaigns.get_whole(ident)
    response.headers["ETag"] = etag(campaign)
    return campaign


@router.patch(
    "/campaigns/{ident}",
    response_model=CampaignRead,
    responses=problem_responses(401, 403, 404, 409, 412, 428),
    dependencies=[Depends(planner)],
)
async def change_campaign(
    ident: UUID,
    body: CampaignUpdate,
    campaigns: Campaigns,
    version: Annotated[int | None, Depends(get_expected_version(required=True))],
    response: Response,
) -> Campaign:
    """Change a campaign that is still the one you have seen: send its ETag as ``If-Match``."""
    campaign = await campaigns.update(ident, body, expected_version=version)
    response.headers["ETag"] = etag(campaign)
    return campaign


@router.get("/campaigns/{ident}/history", response_model=list[ChangeRead])
async def get_history(ident: UUID, campaigns: CampaignsToRead) -> list[Change]:
    """Every version of a campaign, the oldest first; also of one that is deleted."""
    return await campaigns.history(ident)


@router.get("/campaigns/{ident}/days", response_model=PageResponse[DayRead], responses=problem_responses(404))
async def list_days(
    ident: UUID,
    campaigns: CampaignsToRead,
    days: DaysToRead,
    filters: Annotated[QueryFilters, Depends(DayFilters)],
    page: Annotated[CursorPage, Depends(get_cursor_page())],
) -> Page[DailyPerformance]:
    """What the ads of a campaign did, the newest days first; continued by ``next_cursor``."""
    await campaigns.get(ident)
    return await days.page(ad__campaign_id=ident, order_by=["-day"], **filters.lookups, **page.arguments)


@router.get("/spend")
async def list_spend(session: ReadSession) -> list[CampaignSpend]:
    """What every campaign has cost of its budget."""
    return await session.run_sync(spend_by_campaign)


def create_app(url: str | None = None) -> FastAPI:
    """Make the application, on the database of ``url`` or of the environment."""
    database = AsyncDatabaseManager(url or database_url(), metadata=Marketing.metadata)
    app = FastAPI(title="Campaigns", version="1")
    connect(app, database)
    app.include_router(router)

    @app.get("/health")
    async def health(response: Response) -> dict[str, object]:
        """Whether the database answers; 503 when it does not."""
        found = await database.health_check()
        response.status_code = 200 if found.ok else 503
        return found.model_dump(include={"ok", "dialect", "server_version", "latency_ms", "pool"})

    return app
