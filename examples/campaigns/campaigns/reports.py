"""What the campaigns cost. Run it for a table: ``python -m campaigns.reports``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from campaigns.models import Ad, Campaign, DailyPerformance, Marketing
from campaigns.settings import database_url
from etl_models.db import DatabaseManager, Money


@dataclass(frozen=True, slots=True)
class CampaignSpend:
    """What a campaign has cost of its budget. ``days`` have figures; ``share`` is 0.5 for half of it."""

    campaign_id: UUID
    name: str
    budget: Money
    spent: Money
    clicks: int
    days: int
    share: float | None


def spend_by_campaign(session: Session) -> list[CampaignSpend]:
    """Return every campaign with what it cost so far, by name. Days are of its currency: the loader sees to that."""
    facts = (
        sa.select(
            col(Ad.campaign_id),
            sa.func.sum(DailyPerformance.spend_micros).label("spent"),
            sa.func.sum(DailyPerformance.clicks).label("clicks"),
            sa.func.count(sa.distinct(col(DailyPerformance.day))).label("days"),
        )
        .join(DailyPerformance, col(DailyPerformance.ad_id) == col(Ad.id))
        .group_by(col(Ad.campaign_id))
        .subquery()
    )
    statement = (
        sa.select(Campaign, *(sa.func.coalesce(facts.c[name], 0) for name in ("spent", "clicks", "days")))
        .outerjoin(facts, facts.c.campaign_id == col(Campaign.id))
        .where(col(Campaign.is_deleted).is_(False))
        .order_by(col(Campaign.name))
    )
    return [spend_of(*row) for row in session.execute(statement)]


def spend_of(campaign: Campaign, spent: Decimal | int, clicks: Decimal | int, days: int) -> CampaignSpend:
    """Return a line of the report. Sums of 64-bit integers are decimals on servers, where they might not fit."""
    budget = campaign.budget
    share = float(spent) / budget.micros if budget.micros else None
    return CampaignSpend(
        campaign.id, campaign.name, budget, Money(int(spent), budget.currency), int(clicks), days, share
    )


def main() -> None:
    """Print spend against budget."""
    with DatabaseManager(database_url(), metadata=Marketing.metadata) as database:
        for row in database.read(spend_by_campaign):
            share = "" if row.share is None else f"{row.share:.1%}"
            print(f"{row.name:<24}{row.spent!s:>14} of {row.budget!s:>14}{share:>8}{row.clicks:>8} clicks")


if __name__ == "__main__":
    main()
