"""The tables and repositories of the campaigns example, on both faces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from campaigns.models import (
    Ad,
    Campaign,
    CampaignStatus,
    Creative,
    CreativeKind,
    DailyPerformance,
    Marketing,
    RoleName,
    User,
)
from campaigns.platforms import GoogleSettings, MetaSettings
from campaigns.repositories import (
    AdRepository,
    AsyncCampaignRepository,
    AsyncPerformanceRepository,
    AsyncUserRepository,
    CampaignRepository,
    PerformanceRepository,
    UserRepository,
)
from etl_models.db import (
    AsyncDatabaseManager,
    DatabaseManager,
    DuplicateError,
    InvalidDataError,
    Money,
    NotFoundError,
    Repository,
    StaleDataError,
    acting_as,
)

ASYNC: dict[type[Any], type[Any]] = {
    UserRepository: AsyncUserRepository,
    CampaignRepository: AsyncCampaignRepository,
    PerformanceRepository: AsyncPerformanceRepository,
}
Ask = Callable[..., Any]


@pytest.fixture
def ask(campaigns_url: str, face: str) -> Ask:
    """Calls a method of a repository, or of its asynchronous twin, in a session of its own."""

    def sync(kind: type[Any], method: str, *args: Any, **kwargs: Any) -> Any:
        with DatabaseManager(campaigns_url) as database, database.session() as session:
            return getattr(kind(session), method)(*args, **kwargs)

    def twin(kind: type[Any], method: str, *args: Any, **kwargs: Any) -> Any:
        async def call() -> Any:
            async with AsyncDatabaseManager(campaigns_url) as database, database.session() as session:
                return await getattr(ASYNC[kind](session), method)(*args, **kwargs)

        return asyncio.run(call())

    return sync if face == "sync" else twin


@pytest.fixture
def session(campaigns_url: str) -> Iterator[Any]:
    with DatabaseManager(campaigns_url, metadata=Marketing.metadata) as database, database.session() as opened:
        yield opened


def test_users_are_found_by_their_address(ask: Ask) -> None:
    """In any letter case, with their roles; nobody is None."""
    ada = ask(UserRepository, "find_by_email", "ADA@example.org")
    assert (ada.full_name, ada.has_role(RoleName.PLANNER), ada.has_role(RoleName.ANALYST)) == ("Ada Berg", True, False)
    assert ask(UserRepository, "find_by_email", "nobody@example.org") is None
    assert [user.full_name for user in ask(UserRepository, "find_active")] == ["Ada Berg", "Ben Costa", "Cem Demir"]


def test_active_campaigns_are_those_of_the_day(ask: Ask) -> None:
    """Begun and not over, the open-ended one last; drafts do not run."""

    def names(day: date) -> list[str]:
        return [campaign.name for campaign in ask(CampaignRepository, "find_active", day)]

    assert names(date(2026, 3, 31)) == ["Spring Sale", "New Arrivals"]
    assert names(date(2026, 4, 1)) == ["New Arrivals"]
    assert names(date(2026, 2, 14)) == []
    assert ask(CampaignRepository, "find_active", date(2026, 5, 2))[0].status is CampaignStatus.ACTIVE


def test_a_whole_campaign_needs_no_session(ask: Ask) -> None:
    """Owner, ads and creatives come with it and can be read when the session is gone."""
    found = ask(CampaignRepository, "get_one", slug="spring-sale")
    campaign = ask(CampaignRepository, "get_whole", found.id)
    assert campaign.owner.email == "ada@example.org"
    assert {ad.code: len(ad.creatives) for ad in campaign.ads} == {"g-1001": 1, "g-1002": 2}
    assert campaign.platform_settings == GoogleSettings(
        network="search", keywords=["running shoes", "trail shoes"], max_cost_per_click_micros=900_000
    )


def test_campaigns_are_searched_by_words(ask: Ask) -> None:
    """In name, tags and slug."""
    result = ask(CampaignRepository, "search_by", "BRAND summer")
    assert ([row.name for row in result.items], result.total) == (["Summer Teaser"], 1)
    assert ask(CampaignRepository, "count", owner__email="ben@example.org") == 2


def test_days_are_put_once_and_read_in_pages(ask: Ask, session: Any) -> None:
    """The same ad and day again changes the row; pages by cursor have every row once."""
    ids = [ad.id for ad in AdRepository(session).find_all()]
    rows = [
        {"ad_id": ident, "day": date(2026, 1, day), "clicks": day, "spend_currency": "EUR"}
        for ident in ids
        for day in range(1, 11)
    ]
    for _ in range(2):
        assert PerformanceRepository(session).put_days(rows) == 50
        session.commit()
    found, cursor = [], None
    while True:
        page = ask(PerformanceRepository, "page", limit=20, order_by=["-day"], cursor=cursor)
        found += [(row.day, row.ad_id) for row in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(found) == len(set(found)) == 50
    assert [day for day, _ in found] == sorted((day for day, _ in found), reverse=True)


def test_roles_can_be_given_and_taken(session: Any) -> None:
    """From either side of the relation."""
    users = UserRepository(session)
    cem = users.get_one(email="cem@example.org", load="roles")
    ada = users.get_one(email="ada@example.org", load="roles")
    cem.roles.extend(ada.roles)
    session.commit()
    session.expire_all()
    assert {role.name for role in users.get_one(email="cem@example.org").roles} == set(RoleName)
    cem.roles.clear()
    session.commit()
    assert [user.email for user in users.find_active() if not user.roles] == ["cem@example.org"]


def test_whoever_leaves_is_hidden_and_stays_an_owner(session: Any) -> None:
    """Deleting hides a user, from their campaigns as well; who asks for the deleted finds them."""
    users = UserRepository(session)
    users.soft_delete(users.get_one(email="ben@example.org"))
    session.commit()
    assert users.find_by_email("ben@example.org") is None
    assert [user.email for user in users.find_active()] == ["ada@example.org", "cem@example.org"]
    campaigns = CampaignRepository(session)
    session.expunge_all()
    assert campaigns.get_one(slug="new-arrivals", load="owner").owner is None
    session.expunge_all()
    owner = campaigns.with_deleted().get_one(slug="new-arrivals", load="owner").owner
    assert owner is not None
    assert owner.full_name == "Ben Costa"


def test_a_campaign_keeps_every_version(session: Any) -> None:
    """Who changed the budget, from what to what; a change of an older version is refused; any can be had back."""
    campaigns = CampaignRepository(session)
    campaign = campaigns.get_one(slug="spring-sale")
    assert campaign.created_by == "ada@example.org"
    with acting_as("ben@example.org"):
        campaigns.update(campaign, budget=Money.of(1500, "EUR"), expected_version=1)
        session.commit()
    with pytest.raises(StaleDataError):
        campaigns.update(campaign, name="Late", expected_version=1)
    last = campaign.history()[-1]
    assert (last.version, last.changed_by) == (2, "ben@example.org")
    assert last.before is not None
    assert last.after is not None
    assert (last.before["budget_micros"], last.after["budget_micros"]) == (1_000_000_000, 1_500_000_000)
    campaign.revert_to(1)
    session.commit()
    assert campaign.budget == Money.of(1000, "EUR")


@pytest.mark.database("sqlite")  # the model refuses, before any database is asked
def test_settings_are_those_of_the_platform(session: Any) -> None:
    """Defaults are filled in, what the platform has not is refused, and both can be changed together."""
    campaigns = CampaignRepository(session)
    campaign = campaigns.get_one(slug="summer-teaser")
    assert campaign.settings == {"hashtags": ["summer", "running"], "optimize_for": "views"}
    meta = {"objective": "sales", "placements": ["reels"]}
    with pytest.raises(InvalidDataError, match=r"settings.tiktok.objective: Extra inputs are not permitted"):
        campaigns.update(campaign, settings=meta)
    with pytest.raises(InvalidDataError, match="hashtags: Extra inputs are not permitted"):
        campaigns.update(campaign, platform="meta")
    campaigns.update(campaign, settings=meta, platform="meta")
    session.commit()
    session.refresh(campaign)
    assert campaign.platform_settings == MetaSettings(objective="sales", placements=["reels"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"starts_on": "2026-05-01"}, "ends_on is before starts_on"),
        ({"budget_micros": -1}, "budget_micros: Input should be greater than or equal to 0"),
        ({"budget_currency": "euro"}, "budget_currency: String should have at most 3 characters"),
        ({"status": "sleeping"}, "status: Input should be 'draft', 'active', 'paused' or 'ended'"),
    ],
)
@pytest.mark.database("sqlite")  # as above
def test_what_cannot_be_is_refused(session: Any, changes: dict[str, Any], reason: str) -> None:
    """By the model, before the database sees it; dates that move together may."""
    campaigns = CampaignRepository(session)
    campaign = campaigns.get_one(slug="spring-sale")
    with pytest.raises(InvalidDataError, match=reason):
        campaigns.update(campaign, changes)
    assert campaigns.update(campaign, starts_on="2027-03-01", ends_on="2027-03-31").ends_on == date(2027, 3, 31)


def test_names_on_platforms_and_addresses_are_unique(session: Any) -> None:
    """A second ad with the code, a second user with the address in other letters."""
    ad = AdRepository(session).get_one(code="g-1001")
    with pytest.raises(DuplicateError):
        AdRepository(session).create(code="g-1001", name="again", campaign_id=ad.campaign_id)
    session.rollback()
    with pytest.raises(DuplicateError):
        UserRepository(session).create(email="ADA@example.org", full_name="Another Ada")
    session.rollback()


def test_a_deleted_campaign_takes_its_ads_along(session: Any) -> None:
    """Deleting for good removes ads, creatives and days; the history stays."""
    campaigns = CampaignRepository(session)
    campaign = campaigns.get_one(slug="spring-sale", load="ads.creatives")
    ids = [ad.id for ad in campaign.ads]
    PerformanceRepository(session).put_days(
        {"ad_id": ident, "day": date(2026, 3, 1), "spend_currency": "EUR"} for ident in ids
    )
    campaigns.delete(campaign)
    session.commit()
    for model, count in ((Campaign, 2), (Ad, 3), (Creative, 3), (DailyPerformance, 0), (User, 3)):
        assert Repository(session, model).count() == count
    with pytest.raises(NotFoundError):
        campaigns.get_whole(campaign.id)
    assert [change.kind.value for change in campaigns.history(campaign.id)] == ["created", "deleted"]


def test_rates_are_of_what_was_shown() -> None:
    """Clicks per impression, 0.0 where nothing was shown."""
    creative = Creative(kind=CreativeKind.TEXT, ad_id=uuid4(), impressions=200, clicks=5)
    assert creative.click_rate == pytest.approx(0.025)
    creative.impressions = 0
    assert creative.click_rate == 0.0
