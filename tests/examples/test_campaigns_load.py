"""The loader of the campaigns example: what is in the tables and in the history, whatever happens on the way."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from campaigns.load import JOB, Loader, TooManyRejectedError, main
from campaigns.models import Ad, DailyPerformance, Marketing
from campaigns.reports import spend_by_campaign
from campaigns.repositories import AdRepository, PerformanceRepository
from campaigns.rows import MOST_TOLD, KnownAd, Verdict, judge, read_lines
from campaigns.settings import FOLDER, JOBS
from etl_models import SchemaVersionError, Store
from etl_models.db import DatabaseManager, Money, Repository
from etl_models.reads.execution import ExecutionRead

HEADER = "ad,impressions,clicks,conversions,spend,currency\n"
GOOD, DOUBTFUL, BAD = "2026-03-01", "2026-03-02", "2026-03-03"


@pytest.fixture
def store(campaigns_url: str) -> Iterator[Store]:
    with Store(campaigns_url) as opened:
        opened.catalog.apply(JOBS)
        yield opened


@pytest.fixture
def database(campaigns_url: str) -> Iterator[DatabaseManager]:
    with DatabaseManager(campaigns_url, metadata=Marketing.metadata) as opened:
        yield opened


@pytest.fixture
def loader(store: Store, database: DatabaseManager) -> Loader:
    return Loader(store, database)


def days(database: DatabaseManager) -> list[DailyPerformance]:
    return database.read(lambda session: Repository(session, DailyPerformance).find_all(order_by="id", load="ad"))


def clicks(database: DatabaseManager) -> dict[str, int]:
    return database.read(lambda session: {ad.code: ad.clicks for ad in AdRepository(session).with_deleted().find_all()})


def shown(store: Store, day: str) -> ExecutionRead:
    return store.history.get_by_key(JOB, day)


def states(execution: ExecutionRead) -> dict[str, str]:
    return {component.name: component.state.value for component in execution.components}


def test_every_row_names_the_execution_that_wrote_it(loader: Loader, store: Store, database: DatabaseManager) -> None:
    """From a row to its execution and back is one query each."""
    loader.load(GOOD)
    loader.load(DOUBTFUL)
    executions = {day: shown(store, day).id for day in (GOOD, DOUBTFUL)}
    assert {(row.day.isoformat(), row.execution_id) for row in days(database)} == set(executions.items())
    written = database.read(lambda session: PerformanceRepository(session).find_written_by(executions[DOUBTFUL]))
    assert {row.day.isoformat() for row in written} == {DOUBTFUL}
    assert len(written) == 4
    # As one query in SQL, for the tables are in one database.
    query = (
        "SELECT COUNT(*) FROM marketing_daily_performance AS day "
        "JOIN etl_execution AS execution ON execution.id = day.execution_id"
    )
    assert database.read(lambda session: session.connection().execute(sa.text(query)).scalar_one()) == 8


def test_what_was_rejected_is_counted_and_told(loader: Loader, store: Store) -> None:
    """A row for an ad that nobody knows is left out; the day succeeds, and the history has number and reason."""
    verdict = loader.load(DOUBTFUL)
    assert (len(verdict.accepted), verdict.rejected) == (4, ["line 6: there is no ad 'm-2999'"])
    execution = shown(store, DOUBTFUL)
    assert (execution.state, execution.key, execution.parameters) == ("succeeded", DOUBTFUL, {"day": DOUBTFUL})
    metrics = {component.name: dict(component.metrics) for component in execution.components}
    assert metrics == {
        "read": {"rows_out": 5},
        "check": {"rows_in": 5, "rows_out": 4, "rows_rejected": 1},
        "load": {"rows_in": 4, "ads_summed": 4},
    }
    (check,) = (component for component in execution.components if component.name == "check")
    assert check.error is not None
    assert check.error.message == "line 6: there is no ad 'm-2999'"


def test_a_day_loaded_again_is_there_once(loader: Loader, store: Store, database: DatabaseManager) -> None:
    """The same rows, keys and sums; the second time is another attempt of the same execution."""
    loader.load(GOOD)
    before = {row.id: (row.ad_id, row.day, row.spend, row.execution_id, row.created_at) for row in days(database)}
    loader.load(GOOD)
    assert {
        row.id: (row.ad_id, row.day, row.spend, row.execution_id, row.created_at) for row in days(database)
    } == before
    assert len(before) == 4
    assert shown(store, GOOD).attempt_count == 2
    assert clicks(database) == {"g-1001": 82, "g-1002": 118, "m-2001": 204, "m-2002": 99, "t-3001": 0}


def test_a_corrected_file_replaces_what_it_corrects(loader: Loader, database: DatabaseManager, tmp_path: Path) -> None:
    """The row of the ad has the new figures, the sums follow, the other ads keep theirs."""
    loader.load(GOOD)
    (tmp_path / f"{GOOD}.csv").write_text(f"{HEADER}g-1001,2000,90,7,50.000001,EUR\n")
    loader.load(GOOD, tmp_path)
    found = {row.ad.code: row for row in days(database) if row.ad is not None}
    assert len(found) == 4
    assert (found["g-1001"].clicks, found["g-1001"].spend) == (90, Money.of("50.000001", "EUR"))
    assert found["g-1001"].ad is not None
    assert found["g-1001"].ad.impressions == 2000
    assert found["g-1002"].clicks == 118


def test_a_day_that_cannot_be_true_leaves_no_row(loader: Loader, store: Store, database: DatabaseManager) -> None:
    """Three of four rows are wrong: the day fails before anything is written, and the history says why."""
    with pytest.raises(TooManyRejectedError, match=r"^3 of 4 rows rejected \(limit 25%\): line 3: more clicks than"):
        loader.load(BAD)
    assert days(database) == []
    execution = shown(store, BAD)
    assert execution.state == "failed"
    assert states(execution) == {"read": "succeeded", "check": "failed", "load": "upstream_failed"}


def test_a_failure_halfway_leaves_the_day_as_it_was(
    loader: Loader, store: Store, database: DatabaseManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were sent and the sums fail: no new figure stays, and the execution has not succeeded."""
    loader.load(GOOD)
    before = [row.model_dump() for row in days(database)]
    (tmp_path / f"{GOOD}.csv").write_text(f"{HEADER}g-1001,2000,90,7,50,EUR\nt-3001,10,1,0,0.5,USD\n")

    def fail(self: AdRepository, ids: object) -> int:
        assert Repository(self.session, DailyPerformance).count() == 5, "the new row is there, inside the transaction"
        raise RuntimeError("the sums cannot be made")

    with monkeypatch.context() as patch:
        patch.setattr(AdRepository, "sum_up", fail)
        with pytest.raises(RuntimeError, match="the sums cannot be made"):
            loader.load(GOOD, tmp_path)
    assert [row.model_dump() for row in days(database)] == before
    execution = shown(store, GOOD)
    assert (execution.state, execution.attempt_count) == ("failed", 2)
    loader.load(GOOD, tmp_path)
    assert len(days(database)) == 5
    assert shown(store, GOOD).state == "succeeded"


@pytest.mark.database("postgresql", "mariadb")
def test_without_a_history_nothing_is_loaded(database_url: str) -> None:
    """Where an execution cannot be recorded, no row is written that would name it."""
    with (
        Store(database_url) as store,
        DatabaseManager(database_url, metadata=Marketing.metadata) as database,
    ):
        database.create_tables()
        with pytest.raises(SchemaVersionError):
            Loader(store, database).load(GOOD)
        assert days(database) == []


def test_spend_adds_up_against_the_budgets(loader: Loader, database: DatabaseManager) -> None:
    """Sums of two days by campaign, in the currency of the budget; one that ran no ads has cost nothing."""
    loader.load(GOOD)
    loader.load(DOUBTFUL)
    found = {row.name: row for row in database.read(spend_by_campaign)}
    assert list(found) == ["New Arrivals", "Spring Sale", "Summer Teaser"]
    assert found["Spring Sale"].spent == Money.of("196.934", "EUR")
    assert found["Spring Sale"].share == pytest.approx(0.196934)
    assert (found["New Arrivals"].clicks, found["New Arrivals"].days) == (605, 2)
    assert found["Summer Teaser"].spent == Money(0, "USD")


def test_the_command_loads_what_it_can(campaigns_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All days without arguments; one that fails is a sentence and the exit code, and stops no other."""
    assert main([]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{GOOD} loaded: 4 rows, 0 rejected",
        f"{DOUBTFUL} loaded: 4 rows, 1 rejected",
        "  line 6: there is no ad 'm-2999'",
    ]
    assert err.startswith(f"{BAD} failed: 3 of 4 rows rejected")
    assert main([GOOD]) == 0
    assert main(["2026-03-09", "yesterday"]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "2026-03-09 failed",
        "yesterday failed",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("g-1,10,11,0,1,EUR", "more clicks than impressions"),
        ("g-1,-1,0,0,1,EUR", "impressions: Input should be greater than or equal to 0"),
        ("g-1,10,1,0,,EUR", "spend: Input should be a valid decimal"),
        ("g-1,10,1,0,1.0000001,EUR", "spend: Decimal input should have no more than 6 decimal places"),
        ("g-1,10,1,0,NaN,EUR", "spend: Input should be a finite number"),
        ("g-1,10,1,0,1,USD", "USD, but the campaign is paid in EUR"),
        ("g-9,10,1,0,1,EUR", "there is no ad 'g-9'"),
        ("g-0,10,1,0,1,EUR", "another row for the ad 'g-0'"),
        ("g-\x00,10,1,0,1,EUR", "ad: String should match pattern"),
        (f"g-1,{2**63},1,0,1,EUR", "impressions: Input should be less than 9223372036854775808"),
        ("g-1,10", "clicks: Input should be a valid integer"),
        ("g-1,10,1,0,1,EUR,more", "Keys should be strings"),
    ],
)
def test_each_fault_is_told_by_line_and_reason(line: str, reason: str, tmp_path: Path) -> None:
    """One wrong row among right ones is left out, whatever is wrong with it."""
    file = tmp_path / "day.csv"
    file.write_text(f"{HEADER}g-0,10,1,0,1,EUR\n{line}\n")
    known = {f"g-{number}": KnownAd(uuid4(), "EUR") for number in (0, 1)}
    verdict = judge(read_lines(file), lambda _: known)
    assert [row["spend"] for row in verdict.accepted] == [Money.of(1, "EUR")]
    assert len(verdict.rejected) == 1
    assert verdict.rejected[0].startswith("line 3: ")
    assert reason in verdict.rejected[0]


def test_a_bad_file_is_told_in_a_few_lines() -> None:
    """Not a reason for each of a million rows."""
    verdict = Verdict([], [f"line {number}: wrong" for number in range(MOST_TOLD + 5)])
    assert verdict.reasons.count("wrong") == MOST_TOLD
    assert verdict.reasons.endswith("; and 5 more")
    assert Verdict([], ["line 2: wrong"]).reasons == "line 2: wrong"


def test_ads_know_their_ids(database: DatabaseManager) -> None:
    """Codes that nobody knows are left out; campaigns come with their ads."""
    found = database.read(lambda session: AdRepository(session).find_by_codes(["g-1001", "nobody"]))
    assert list(found) == ["g-1001"]
    assert isinstance(found["g-1001"], Ad)
    assert found["g-1001"].campaign is not None
    assert isinstance(found["g-1001"].id, UUID)


def test_the_same_day_loaded_twice_at_once_is_there_once(
    store: Store, database: DatabaseManager, campaigns_url: str
) -> None:
    """Workers that meet on a day share its execution; each succeeds, and no row is doubled or lost."""

    def load(_: int) -> int:
        with Store(campaigns_url) as own, DatabaseManager(campaigns_url) as connected:
            return len(Loader(own, connected).load(GOOD).accepted)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, range(4))) == [4] * 4
    assert len(days(database)) == 4
    execution = shown(store, GOOD)
    assert {row.execution_id for row in days(database)} == {execution.id}
    assert execution.state == "succeeded"


def test_days_loaded_at_once_are_all_in_the_sums(
    database: DatabaseManager, store: Store, campaigns_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers that have both written and not yet summed would each miss the other's day; one waits."""
    both, put_days = threading.Barrier(2), PerformanceRepository.put_days

    def put_and_wait(self: PerformanceRepository, rows: Any) -> int:
        count = put_days(self, rows)
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return count

    def load(day: str) -> int:
        with Store(campaigns_url) as own, DatabaseManager(campaigns_url) as connected:
            return len(Loader(own, connected).load(day).accepted)

    monkeypatch.setattr(PerformanceRepository, "put_days", put_and_wait)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(load, [GOOD, DOUBTFUL])) == [4, 4]
    assert clicks(database) == {"g-1001": 161, "g-1002": 239, "m-2001": 403, "m-2002": 202, "t-3001": 0}


def test_deleted_ads_are_loaded_as_well(loader: Loader, database: DatabaseManager) -> None:
    """What was spent was spent: the day has its row, and the sum of the ad is right when it is restored."""
    database.run(lambda session: AdRepository(session).soft_delete(AdRepository(session).get_one(code="g-1001")))
    assert loader.load(GOOD).rejected == []
    assert len(days(database)) == 4
    assert clicks(database)["g-1001"] == 82


def test_a_worker_that_dies_leaves_no_success(store: Store, loader: Loader, database: DatabaseManager) -> None:
    """Killed while it writes: no row stays, nothing says that the day is loaded, and the next worker loads it."""
    program = f"""
import os
from campaigns import load, repositories
repositories.AdRepository.sum_up = lambda *_: os._exit(9)
load.main([{GOOD!r}])
"""
    died = subprocess.run([sys.executable, "-c", program], cwd=FOLDER, timeout=120, check=False)
    assert died.returncode == 9
    assert days(database) == []
    assert shown(store, GOOD).state == "running"
    loader.load(GOOD)
    assert len(days(database)) == 4
    assert shown(store, GOOD).state == "succeeded"
