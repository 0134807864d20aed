"""The tables. This file has no ``from __future__ import annotations``: SQLModel reads those of relations.

::

    User >-< Role        Campaign --< Ad --< Creative
      |                     |         |
      +---< owns >----------+         +--< DailyPerformance
"""

import uuid
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Optional, Self

import sqlalchemy as sa
from pydantic import ValidationInfo, field_validator, model_validator
from sqlmodel import Field, Relationship, SQLModel

from campaigns.platforms import Platform, PlatformSettings, checked_settings, read_settings
from etl_models.db import (
    Base,
    FullAuditModel,
    FullModel,
    Money,
    SlugMixin,
    TimestampedBase,
    UUIDTimestampedBase,
    currency_check,
    money_columns,
    new_registry,
)


class Marketing(Base, registry=new_registry()):
    """What the tables of this database share: a MetaData of their own, and a prefix that keeps them together."""

    __table_prefix__: ClassVar[str] = "marketing_"


class RoleName(StrEnum):
    """What somebody may do."""

    ADMIN = "admin"
    PLANNER = "planner"
    ANALYST = "analyst"


class CampaignStatus(StrEnum):
    """Where a campaign is in its life."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class CreativeKind(StrEnum):
    """What an ad shows."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"


class MetricsMixin(SQLModel):
    """What is counted, of a day or in all."""

    impressions: int = Field(default=0, ge=0)
    clicks: int = Field(default=0, ge=0)
    conversions: int = Field(default=0, ge=0)

    @property
    def click_rate(self) -> float:
        """Clicks per impression; 0.0 where nothing was shown."""
        return self.clicks / self.impressions if self.impressions else 0.0


class UserRole(Marketing, table=True):
    """Who has which role."""

    user_id: uuid.UUID = Field(foreign_key="marketing_user.id", primary_key=True, ondelete="CASCADE")
    role_id: int = Field(foreign_key="marketing_role.id", primary_key=True, ondelete="CASCADE")


class Role(TimestampedBase, Marketing, table=True):
    """Something that users may be."""

    name: RoleName = Field(unique=True)
    users: list["User"] = Relationship(back_populates="roles", link_model=UserRole)


class User(FullModel, Marketing, table=True):
    """Somebody who works with campaigns. Deleting hides them; what they owned keeps their id."""

    email: str = Field(max_length=255, unique=True, regex=r"^[^@\s]+@[^@\s]+$")
    full_name: str = Field(max_length=255)
    is_active: bool = True
    roles: list[Role] = Relationship(back_populates="users", link_model=UserRole)
    campaigns: list["Campaign"] = Relationship(back_populates="owner")

    @field_validator("email")
    @classmethod
    def _fold(cls, email: str) -> str:
        return email.lower()

    def has_role(self, *names: RoleName) -> bool:
        """Say whether the user has one of these roles."""
        return any(role.name in names for role in self.roles)


class Campaign(SlugMixin, FullAuditModel, Marketing, table=True):
    """Ads for one purpose, on one platform, for a budget. Every version is kept: who changed the budget, and when."""

    __table_args__ = (sa.CheckConstraint("ends_on >= starts_on", name="dates"), currency_check("budget_currency"))

    name: str = Field(min_length=1, max_length=200, index=True)
    status: CampaignStatus = Field(default=CampaignStatus.DRAFT, index=True)
    platform: Platform
    settings: dict[str, Any]
    starts_on: date
    ends_on: date | None = None
    budget_micros: int = Field(ge=0)
    budget_currency: str = Field(min_length=3, max_length=3)
    budget: ClassVar[Money] = money_columns("budget")
    owner_id: uuid.UUID | None = Field(default=None, foreign_key="marketing_user.id", index=True, ondelete="SET NULL")
    owner: Optional[User] = Relationship(back_populates="campaigns")
    ads: list["Ad"] = Relationship(back_populates="campaign", cascade_delete=True)

    @field_validator("settings")
    @classmethod
    def _check_settings(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        platform = info.data.get("platform")
        return settings if platform is None else checked_settings(platform, settings)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")
        read_settings(self.platform, self.settings)  # the platform may be what was changed
        return self

    @property
    def platform_settings(self) -> PlatformSettings:
        """The settings as the model of their platform; to change them, assign to ``settings``."""
        return read_settings(self.platform, self.settings)


class Ad(MetricsMixin, FullModel, Marketing, table=True):
    """What is shown. ``code`` is its name on the platform; its metrics are the sums of its days."""

    code: str = Field(min_length=1, max_length=64, unique=True)
    name: str = Field(min_length=1, max_length=200)
    is_paused: bool = False
    campaign_id: uuid.UUID = Field(foreign_key="marketing_campaign.id", index=True, ondelete="CASCADE")
    campaign: Optional[Campaign] = Relationship(back_populates="ads")
    creatives: list["Creative"] = Relationship(back_populates="ad", cascade_delete=True)


class Creative(MetricsMixin, UUIDTimestampedBase, Marketing, table=True):
    """A text, image or video of an ad; its metrics are what the platform reports in all."""

    kind: CreativeKind
    headline: str = Field(default="", max_length=200)
    asset_url: str | None = Field(default=None, max_length=2000)
    ad_id: uuid.UUID = Field(foreign_key="marketing_ad.id", index=True, ondelete="CASCADE")
    ad: Optional[Ad] = Relationship(back_populates="creatives")


class DailyPerformance(MetricsMixin, TimestampedBase, Marketing, table=True):
    """One day of one ad. Numbered by the database: this is the table that grows."""

    __table_args__ = (sa.UniqueConstraint("ad_id", "day"), currency_check("spend_currency"))

    ad_id: uuid.UUID = Field(foreign_key="marketing_ad.id", ondelete="CASCADE")
    ad: Optional[Ad] = Relationship()
    day: date = Field(index=True)
    spend_micros: int = Field(default=0, ge=0)
    spend_currency: str = Field(min_length=3, max_length=3)
    spend: ClassVar[Money] = money_columns("spend")
    # No foreign key: the history of executions is cleaned up on its own, and rows outlive it.
    execution_id: uuid.UUID | None = Field(default=None, index=True)
