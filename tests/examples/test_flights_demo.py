"""The demo: what a newcomer sees, twice, and what is in the store afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from definition import DEFINITIONS
from etl_models import Store
from worker import executions

DEMO = DEFINITIONS.parent / "demo.py"
FAILED_DAYS = {"2013-02-08", "2013-02-09", "2013-05-23", "2013-09-12", "2013-12-10"}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO), "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def states(home: Path) -> dict[str | None, tuple[str, int]]:
    """State and number of attempts of every day."""
    with Store(f"sqlite:///{home / 'etl_models.db'}") as store:
        return {found.key: (found.state.value, found.attempt_count) for found in executions(store)}


def test_the_demo_shows_the_history_and_can_be_run_again(tmp_path: Path) -> None:
    """Forty days, then forty-two: what is loaded is skipped, what failed gets another attempt."""
    first = run(tmp_path, "--days", "40")
    assert first.returncode == 0, first.stderr
    assert "38 days loaded, 2 failed, 0 skipped" in first.stdout
    assert first.stderr.splitlines()[-2:] == ["  2013-01: 31 loaded", "  2013-02: 7 loaded, 2 failed"]
    for shown in (
        "$ etl-models register-job examples/flights/definitions",
        "$ etl-models executions stats --job flights/load-flights",
        "$ etl-models executions list --job flights/load-flights --state failed",
        "$ etl-models executions show --job flights/load-flights --key 2013-02-08",
        "475 of 930 flights rejected, 51.1% (limit 20%); mostly dep_time_missing (472)",
        "never ran: enrich, load, aggregate",
        "export ETL_MODELS_DATABASE_URL=sqlite:///",
    ):
        assert shown in first.stdout

    second = run(tmp_path, "--days", "42")
    assert second.returncode == 0, second.stderr
    assert "2 days loaded, 2 failed, 38 skipped" in second.stdout
    assert "another attempt of the same execution" in second.stdout
    found = states(tmp_path)
    assert len(found) == 42
    assert {key: seen for key, seen in found.items() if seen != ("succeeded", 1)} == {
        "2013-02-08": ("failed", 2),
        "2013-02-09": ("failed", 2),
    }


@pytest.mark.nightly
def test_without_the_storm_there_is_nothing_to_explain(tmp_path: Path) -> None:
    """A demo of two days runs through as well."""
    result = run(tmp_path, "--days", "2")
    assert result.returncode == 0, result.stderr
    assert "2 days loaded, 0 failed" in result.stdout
    assert "snowstorm" not in result.stdout


@pytest.mark.nightly
def test_the_whole_year_leaves_what_is_promised(tmp_path: Path) -> None:
    """365 executions, five of them failed; the metrics sum to the rows of the source, also after a second run."""
    for attempts in (1, 2):
        result = run(tmp_path)
        assert result.returncode == 0, result.stderr
        assert "rows_extracted    336,776" in result.stdout
        assert "rows_rejected       9,437" in result.stdout
        assert "324,333 rows in flight, 9,437 in rejected_flight" in result.stdout
        found = states(tmp_path)
        assert len(found) == 365
        assert {key for key, (state, _) in found.items() if state == "failed"} == FAILED_DAYS
        assert Counter(found.values()) == {("succeeded", 1): 360, ("failed", attempts): 5}
