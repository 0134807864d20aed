"""The loader: reads what the ads of a day did, and records it as one execution of marketing/load-performance.

::

    python -m campaigns.load                 # every day there is a file of
    python -m campaigns.load 2026-03-02      # one day

The key of an execution is its day, so loading a day again is another attempt of the same execution. Each row carries
the id of the execution that wrote it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from campaigns.models import Ad, Marketing
from campaigns.repositories import AdRepository, PerformanceRepository
from campaigns.rows import KnownAd, Verdict, judge, read_lines
from campaigns.settings import DATA, JOBS, database_url
from etl_models import EtlModelsError, Recorder, Store
from etl_models.db import DatabaseManager

JOB = "marketing/load-performance"
PERFORMANCE = DATA / "performance"


class TooManyRejectedError(Exception):
    """So many rows of a day cannot be true that the file itself is in doubt."""


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
                verdict = judge(lines, lambda codes: self._database.read(known_ads, codes))
                accepted, rejected = len(verdict.accepted), len(verdict.rejected)
                check.metrics(rows_in=len(lines), rows_out=accepted, rows_rejected=rejected)
                if verdict.share > (limit := self._max_reject_share()):
                    summary = f"{rejected} of {len(lines)} rows rejected (limit {limit:.0%})"
                    raise TooManyRejectedError(f"{summary}: {verdict.reasons}")
                if verdict.rejected:
                    check.error(verdict.reasons)

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


def known_ads(session: Session, codes: Collection[str]) -> dict[str, KnownAd]:
    """Return the ads with these codes, those of deleted campaigns included: what was spent was spent."""
    ads = AdRepository(session).with_deleted().find_by_codes(codes)
    return {code: KnownAd(ad.id, currency_of(ad)) for code, ad in ads.items()}


def currency_of(ad: Ad) -> str:
    """Return the currency an ad is paid in, that of its campaign."""
    assert ad.campaign is not None
    return ad.campaign.budget_currency


def write_day(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write the rows of a day and sum up their ads; all of it or nothing, for it is one transaction.

    Ads are locked first: of two days that are loaded at once, neither sum would have the rows of the other.
    """
    ads, ids = AdRepository(session).with_deleted(), [row["ad_id"] for row in rows]
    ads.lock(ids)
    PerformanceRepository(session).put_days(rows)
    return ads.sum_up(ids)


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
