"""How rows are found and changed, in the words of the business; what is not here is inherited.

The asynchronous ones run the blocking ones: each method is written once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from campaigns.models import Ad, Campaign, CampaignStatus, DailyPerformance, User
from etl_models.db import AnyOf, AsyncRepository, Repository, Where

COUNTERS = ("impressions", "clicks", "conversions")


class UserRepository(Repository[User]):
    """Users, found with their roles."""

    def find_by_email(self, email: str) -> User | None:
        """Return the user with this address in any letter case, or None."""
        return self.find(email=email.lower(), load="roles")

    def find_active(self) -> list[User]:
        """Return the users who still work here, by address."""
        return self.find_all(is_active=True, order_by="email", load="roles")


class CampaignRepository(Repository[Campaign]):
    """Campaigns; searched by name, tags and slug."""

    search_fields = ("name", "tags", "slug")

    def find_active(self, day: date) -> list[Campaign]:
        """Return the campaigns that run on ``day``, those that end first at the front."""
        not_over = AnyOf(Where("ends_on", "isnull", True), Where("ends_on", "gte", day))
        return self.find_all(not_over, status=CampaignStatus.ACTIVE, starts_on__lte=day, order_by=["ends_on", "name"])

    def get_whole(self, ident: UUID | str) -> Campaign:
        """Return a campaign with its owner, its ads and their creatives, in four queries. Raises NotFoundError."""
        return self.get(ident, load=["owner", "ads.creatives"])


class AdRepository(Repository[Ad]):
    """Ads, known to the platforms by their code."""

    def find_by_codes(self, codes: Collection[str]) -> dict[str, Ad]:
        """Return the ads with these codes (at most 10,000), each with its campaign; unknown codes are left out."""
        return {ad.code: ad for ad in self.find_all(code__in=codes, load="campaign")}

    def lock(self, ids: Iterable[UUID]) -> None:
        """Wait until nobody else writes days of these ads, and let nobody else until the end of the transaction."""
        self.for_update().find_all(id__in=set(ids), order_by="id")

    def sum_up(self, ids: Iterable[UUID]) -> int:
        """Set the metrics of these ads to the sums of their days; return how many were changed."""
        sums = [sa.func.sum(getattr(DailyPerformance, name)).label(name) for name in COUNTERS]
        ad_id = col(DailyPerformance.ad_id)
        found = self.session.execute(sa.select(ad_id.label("id"), *sums).where(ad_id.in_(set(ids))).group_by(ad_id))
        return self.bulk_update([dict(row) for row in found.mappings()])


class PerformanceRepository(Repository[DailyPerformance]):
    """What each ad did each day."""

    def put_days(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add days of ads, or replace those that are there: one row for an ad and a day, however often it comes."""
        return self.bulk_upsert(rows, match=("ad_id", "day"))

    def find_written_by(self, execution_id: UUID) -> list[DailyPerformance]:
        """Return the rows that an execution was the last to write."""
        return self.find_all(execution_id=execution_id, order_by="id")


class AsyncUserRepository(AsyncRepository[User]):
    """As :class:`UserRepository`."""

    core = UserRepository

    async def find_by_email(self, email: str) -> User | None:
        """Return the user with this address in any letter case, or None."""
        return await self.run(UserRepository.find_by_email, email)

    async def find_active(self) -> list[User]:
        """Return the users who still work here, by address."""
        return await self.run(UserRepository.find_active)


class AsyncCampaignRepository(AsyncRepository[Campaign]):
    """As :class:`CampaignRepository`."""

    core = CampaignRepository

    async def find_active(self, day: date) -> list[Campaign]:
        """Return the campaigns that run on ``day``, those that end first at the front."""
        return await self.run(CampaignRepository.find_active, day)

    async def get_whole(self, ident: UUID | str) -> Campaign:
        """Return a campaign with its owner, its ads and their creatives. Raises NotFoundError."""
        return await self.run(CampaignRepository.get_whole, ident)


class AsyncPerformanceRepository(AsyncRepository[DailyPerformance]):
    """As :class:`PerformanceRepository`."""

    core = PerformanceRepository
