"""What the API takes and gives, derived from the tables; a class of its own gives each a name in the documentation.

(Type checkers do not follow classes made while the program runs, hence the comments.)
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from campaigns.models import Ad, Campaign, Creative, DailyPerformance
from etl_models.db import MANAGED, ChangeKind, create_shape, read_shape, update_shape


class CampaignCreate(create_shape(Campaign)):  # type: ignore[misc]
    """A new campaign; what is missing has a default."""


class CampaignUpdate(update_shape(Campaign, exclude=MANAGED | {"budget_currency"})):  # type: ignore[misc]
    """What is to change; what is missing stays. Never the currency, in which days were paid already."""


class CampaignRead(read_shape(Campaign)):  # type: ignore[misc]
    """A campaign."""


class CreativeRead(read_shape(Creative, exclude=["ad_id"])):  # type: ignore[misc]
    """A text, image or video."""


class AdRead(read_shape(Ad, exclude=["campaign_id"])):  # type: ignore[misc]
    """An ad with its creatives."""

    creatives: list[CreativeRead]


class OwnerRead(BaseModel):
    """Who is responsible: no more of a user than that."""

    model_config = ConfigDict(from_attributes=True)

    email: str
    full_name: str


class CampaignWhole(CampaignRead):
    """A campaign with all that belongs to it."""

    owner: OwnerRead | None
    ads: list[AdRead]


class DayRead(read_shape(DailyPerformance, exclude=["id", "created_at"])):  # type: ignore[misc]
    """A day of an ad, with the execution that wrote it."""


class ChangeRead(BaseModel):
    """A version of a campaign: who made it, when, and which fields are different."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    kind: ChangeKind
    changed_at: datetime
    changed_by: str
    fields: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
