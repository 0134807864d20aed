"""The loader: reads what the ads of a day did, and records it as one execution of marketing/load-performance.

::

    python -m campaigns.load                 # every day there is a file of
    python -m campaigns.load 2026-03-02      # one day

The key of an execution is its day, so loading a day again is another attempt of the same execution. Each row carries
the id of the execution that wrote it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from campaigns.models import Ad, Marketing
from campaigns.repositories import AdRepository, PerformanceRepository
from campaigns.settings import DATA, JOBS, database_url
from etl_models import EtlModelsError, Recorder, Store
from etl_models.db import DatabaseManager, Money

JOB = "marketing/load-performance"
PERFORMANCE = DATA / "performance"


class TooManyRejectedError(Exception):
    """So many rows of a day cannot be true that the file itself is in doubt."""


class PerformanceRow(BaseModel):
    """A line of a file."""

    model_config = ConfigDict(extra="forbid")

    ad: str
    impressions: int = Field(ge=0)
    clicks: int = Field(ge=0)
    conversions: int = Field(ge=0)
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


@dataclass(frozen=True)
class Verdict:
    """Rows that may be stored, and for each other one its line and the reason: ``line 3: more clicks than ...``."""

    accepted: list[dict[str, Any]]
    rejected: list[str]

    @property
    def share(self) -> float:
        """Rejected rows divided by all rows."""
        total = len(self.accepted) + len(self.rejected)
        return len(self.rejected) / total if total else 0.0


class Loader:
    """Loads days, one after the other."""

    def __init__(self, store: Store, database: DatabaseManager) -> None:
        self._store = store
        self._database = database
        # Strict, as a recorder usually is not: no row shall name an execution that could not be recorded.
        self._recorder = Recorder(database=store.database, strict=True)

    def load(self, day: str, folder: Path = PERFORMANCE) -> Verdict:
        """Load one day. What goes wrong fails the execution and is raised again, and no row of the day has changed."""
        file = folder / f"{day}.csv"
        with self._recorder.execution(JOB, key=day, parameters={"day": day}) as execution:
            with execution.component("read") as read:
                lines = read_lines(file)
                read.metric("rows_out", len(lines)).reads("marketing/performance")

            with execution.component("check") as check:
                verdict = judge(lines, self._database.read(known_ads, lines))
                accepted, rejected = len(verdict.accepted), len(verdict.rejected)
                check.metrics(rows_in=len(lines), rows_out=accepted, rows_rejected=rejected)
                if verdict.share > (limit := self._max_reject_share()):
                    summary = f"{rejected} of {len(lines)} rows rejected (limit {limit:.0%})"
                    raise TooManyRejectedError(": ".join([summary, "; ".join(verdict.rejected)]))
                if verdict.rejected:
                    check.error("\n".join(verdict.rejected))

            # The component ends after the commit. And nothing is recorded while the transaction is open: in the same
            # SQLite file the recorder would have to wait for it.
            with execution.component("load") as load:
                rows = [{**row, "day": day, "execution_id": execution.id} for row in verdict.accepted]
                summed = self._database.run(write_day, rows)
                load.metrics(rows_in=len(rows), ads_summed=summed).writes("marketing/daily_performance")
        return verdict

    def _max_reject_share(self) -> float:
        """The limit as it is registered."""
        job = self._store.catalog.jobs.get(JOB)
        (check,) = (component for component in job.components if component.name == "check")
        return float(check.configuration["max_reject_share"])


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file by the names of its columns. Raises OSError when there is none."""
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def known_ads(session: Session, lines: Iterable[Mapping[str, Any]]) -> dict[str, KnownAd]:
    """Return the ads that the lines name, those of deleted campaigns included: what was spent was spent."""
    ads = AdRepository(session).with_deleted().find_by_codes({str(line.get("ad")) for line in lines})
    return {code: KnownAd(ad.id, currency_of(ad)) for code, ad in ads.items()}


def currency_of(ad: Ad) -> str:
    """Return the currency an ad is paid in, that of its campaign."""
    assert ad.campaign is not None
    return ad.campaign.budget_currency


def judge(lines: Sequence[Mapping[str, Any]], ads: Mapping[str, KnownAd]) -> Verdict:
    """Tell the lines that can be stored from those that cannot be true."""
    verdict, seen = Verdict([], []), set[str]()
    for number, line in enumerate(lines, start=2):
        try:
            row = PerformanceRow.model_validate(line)
            verdict.accepted.append(stored(row, ads.get(row.ad), is_first=row.ad not in seen))
            seen.add(row.ad)
        except ValueError as error:
            verdict.rejected.append(f"line {number}: {reason(error)}")
    return verdict


def stored(row: PerformanceRow, ad: KnownAd | None, *, is_first: bool) -> dict[str, Any]:
    """Return the columns of a row. Raises ValueError for one that fits no ad, or an ad that was there before."""
    if ad is None:
        raise ValueError(f"there is no ad {row.ad!r}")
    if not is_first:
        raise ValueError(f"another row for the ad {row.ad!r}")
    if row.currency != ad.currency:
        raise ValueError(f"{row.currency}, but the campaign is paid in {ad.currency}")
    spend = Money.of(row.spend, row.currency)
    counts = row.model_dump(include={"impressions", "clicks", "conversions"})
    return {"ad_id": ad.id, **counts, "spend_micros": spend.micros, "spend_currency": spend.currency}


def reason(error: ValueError) -> str:
    """Return the first thing that is wrong, without the value."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    return ": ".join([*map(str, first["loc"]), message])


def write_day(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write the rows of a day and sum up their ads; all of it or nothing, for it is one transaction."""
    PerformanceRepository(session).put_days(rows)
    return AdRepository(session).sum_up(row["ad_id"] for row in rows)


def main(arguments: Sequence[str]) -> int:
    """Load the given days, by default all there are; return 1 when one of them failed."""
    days = arguments or sorted(file.stem for file in PERFORMANCE.glob("*.csv"))
    failed = 0
    with Store(database_url()) as store, DatabaseManager(database_url(), metadata=Marketing.metadata) as database:
        store.catalog.apply(JOBS)
        loader = Loader(store, database)
        for day in days:
            try:
                verdict = loader.load(date.fromisoformat(day).isoformat())
            except (OSError, ValueError, TooManyRejectedError, EtlModelsError) as error:
                failed += 1
                print(f"{day} failed: {error}", file=sys.stderr)
            else:
                print(f"{day} loaded: {len(verdict.accepted)} rows, {len(verdict.rejected)} rejected")
                print("".join(f"  {line}\n" for line in verdict.rejected), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
