"""The quickstart: a definition and a worker that anyone can run, and what the command line then shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example: it writes beside its own files."""
    return Path(shutil.copytree(QUICKSTART, tmp_path / "quickstart", ignore=shutil.ignore_patterns("totals")))


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "ETL_MODELS_DATABASE_URL": f"sqlite:///{folder / 'etl_models.db'}"}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env=env,
    )


def cli(folder: Path, *arguments: str) -> Any:
    result = python(folder, "-m", "etl_models_cli", *arguments, "-o", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_quickstart_loads_one_day_and_explains_the_other(folder: Path) -> None:
    """One day is loaded, the other fails with a plain reason; both are in the history."""
    result = python(folder, "worker.py")
    assert result.returncode == 1
    assert result.stdout == "2026-01-05 loaded\n"
    assert result.stderr.splitlines()[-1] == "2026-01-06 failed: 3 of 4 orders of 2026-01-06 have no amount"
    assert (folder / "totals" / "2026-01-05.csv").read_text().splitlines() == [
        "customer,total", "Adler,27.40", "Baum,57.25", "Curie,31.40", "Dante,88.00",
    ]  # fmt: skip

    items = cli(folder, "executions", "list")["items"]
    assert {(item["key"], item["state"]) for item in items} == {("2026-01-05", "succeeded"), ("2026-01-06", "failed")}
    failed = cli(folder, "executions", "show", "--job", "shop/load-orders", "--key", "2026-01-06")
    assert failed["error"]["type"] == "ValueError"
    assert [(component["name"], component["state"]) for component in failed["components"]] == [
        ("read", "succeeded"), ("check", "failed"), ("write", "upstream_failed"),
    ]  # fmt: skip


def test_running_it_again_opens_another_attempt(folder: Path) -> None:
    """The day is the key, so there is still one execution for it."""
    for _ in range(2):
        assert python(folder, "worker.py", "2026-01-05").returncode == 0
    (item,) = cli(folder, "executions", "list")["items"]
    assert (item["key"], item["state"], item["attempt_count"]) == ("2026-01-05", "succeeded", 2)


def test_a_day_without_a_file_fails_in_a_sentence(folder: Path) -> None:
    """No traceback for a missing file; the history has the failure."""
    result = python(folder, "worker.py", "2026-01-07")
    assert result.returncode == 1
    assert "2026-01-07 failed: " in result.stderr
    assert "Traceback" not in result.stderr
    (item,) = cli(folder, "executions", "list")["items"]
    assert (item["state"], item["error"]["type"]) == ("failed", "FileNotFoundError")
