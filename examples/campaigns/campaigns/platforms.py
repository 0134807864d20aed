"""What can be set on a campaign, different on every advertising platform: one Pydantic model each.

Campaigns keep them in a JSON column. To add a platform: a member, a model, and a migration of the check constraint.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator


class Platform(StrEnum):
    """Where ads are shown."""

    GOOGLE = "google"
    META = "meta"
    TIKTOK = "tiktok"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GoogleSettings(_Settings):
    """Search, display or video ads, bought by keywords."""

    platform: Literal[Platform.GOOGLE] = Platform.GOOGLE
    network: Literal["search", "display", "video"]
    keywords: list[str] = Field(default_factory=list, max_length=100)
    max_cost_per_click_micros: int | None = Field(default=None, gt=0)


class MetaSettings(_Settings):
    """Ads in feeds and stories, bought by audience."""

    platform: Literal[Platform.META] = Platform.META
    objective: Literal["awareness", "traffic", "sales"]
    placements: list[Literal["feed", "stories", "reels"]] = Field(min_length=1)
    age_from: int = Field(default=18, ge=13, le=65)
    age_to: int = Field(default=65, ge=13, le=65)

    @model_validator(mode="after")
    def _check_ages(self) -> Self:
        if self.age_to < self.age_from:
            raise ValueError("age_to is below age_from")
        return self


class TikTokSettings(_Settings):
    """Short videos, bought by hashtags."""

    platform: Literal[Platform.TIKTOK] = Platform.TIKTOK
    hashtags: list[str] = Field(default_factory=list, max_length=30)
    optimize_for: Literal["views", "clicks"] = "views"


PlatformSettings = GoogleSettings | MetaSettings | TikTokSettings

_reader: TypeAdapter[PlatformSettings] = TypeAdapter(Annotated[PlatformSettings, Field(discriminator="platform")])


def read_settings(platform: Platform, settings: Mapping[str, Any]) -> PlatformSettings:
    """Return the settings of a campaign as what they are. Raises ValidationError, a ValueError."""
    return _reader.validate_python({**settings, "platform": platform})


def checked_settings(platform: Platform, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as JSON with every default filled in. Raises as :func:`read_settings`."""
    return read_settings(platform, settings).model_dump(mode="json", exclude={"platform"})
