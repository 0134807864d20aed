"""What a file of performance says, and which of its rows can be true; nothing here knows a database or a recorder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from etl_models.db import Money

MOST_TOLD = 20
Count = Annotated[int, Field(ge=0, lt=2**63)]


class PerformanceRow(BaseModel):
    """A line of a file."""

    model_config = ConfigDict(extra="forbid")

    ad: str = Field(pattern=r"^[\w.-]{1,64}$")
    impressions: Count
    clicks: Count
    conversions: Count
    spend: Decimal = Field(ge=0, max_digits=15, decimal_places=6)
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @model_validator(mode="after")
    def _check_clicks(self) -> Self:
        if self.clicks > self.impressions:
            raise ValueError("more clicks than impressions")
        return self


@dataclass(frozen=True)
class KnownAd:
    """What a row is checked against."""

    id: UUID
    currency: str


KnownAds = Mapping[str, KnownAd]


@dataclass(frozen=True)
class Verdict:
    """Rows that can be stored, and for each other one its line and the reason: ``line 3: more clicks than ...``."""

    accepted: list[dict[str, Any]]
    rejected: list[str]

    @property
    def share(self) -> float:
        """Rejected rows divided by all rows."""
        total = len(self.accepted) + len(self.rejected)
        return len(self.rejected) / total if total else 0.0

    @property
    def reasons(self) -> str:
        """Why rows were rejected, the first few of them."""
        more = len(self.rejected) - MOST_TOLD
        return "; ".join([*self.rejected[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file by the names of its columns. Raises OSError when there is none."""
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def judge(lines: Iterable[Mapping[str, Any]], find_ads: Callable[[Collection[str]], KnownAds]) -> Verdict:
    """Tell the lines that can be stored from those that cannot be true; ``find_ads`` is asked once, for all codes."""
    rows: dict[int, PerformanceRow] = {}
    rejected: dict[int, str] = {}
    for number, line in enumerate(lines, start=2):  # the first has the names of the columns
        try:
            rows[number] = PerformanceRow.model_validate(line)
        except ValidationError as error:
            rejected[number] = first_reason(error)
    ads = find_ads({row.ad for row in rows.values()})
    accepted: dict[str, dict[str, Any]] = {}
    for number, row in rows.items():
        if row.ad in accepted:
            rejected[number] = f"another row for the ad {row.ad!r}"
        elif (ad := ads.get(row.ad)) is None:
            rejected[number] = f"there is no ad {row.ad!r}"
        elif row.currency != ad.currency:
            rejected[number] = f"{row.currency}, but the campaign is paid in {ad.currency}"
        else:
            accepted[row.ad] = as_stored(row, ad)
    return Verdict([*accepted.values()], [f"line {number}: {rejected[number]}" for number in sorted(rejected)])


def as_stored(row: PerformanceRow, ad: KnownAd) -> dict[str, Any]:
    """Return the values of a row."""
    counts = row.model_dump(include={"impressions", "clicks", "conversions"})
    return {"ad_id": ad.id, **counts, "spend": Money.of(row.spend, row.currency)}


def first_reason(error: ValidationError) -> str:
    """Return the first thing that is wrong, without the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])
