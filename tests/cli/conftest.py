"""The command line inside this process (quick) and as a process of its own (what users have)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from etl_models.database import Database
from etl_models_cli import app, ending
from tests.support.executions import Writer

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = """
version: 1
namespace: flights
dataclasses:
  - name: raw_flight
    description: One departure.
    schema_definition: {type: object, properties: {carrier: {type: string}}}
    validation_rules: {code: {type: format, field: carrier, pattern: "^[A-Z0-9]{2}$"}}
jobs:
  - name: load-flights
    description: Daily load of departures.
    strategy_type: bulk
    num_of_retries: 2
    tags: [daily, {team: ops}]
    components:
      - {name: extract, component_type: read_csv, configuration: {a: 1}, outputs: [raw_flight], metrics: [rows_out]}
      - {name: clean, component_type: filter, depends_on: [extract], inputs: [raw_flight]}
      - {name: load, component_type: write, depends_on: [clean]}
metrics:
  - {name: rows_out, unit: rows, kind: counter, direction: higher_is_better}
"""


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error on standard error, as JSON."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def etl(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs the command line in this process, as ``main`` would, in an empty folder."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = ending.guarded(lambda: app.run(arguments), arguments)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def process(here: Path) -> Callable[..., Result]:
    """Runs the command line as a process of its own, in an empty folder."""

    def run(*arguments: str | bytes, stdin: str | None = None, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "etl_models_cli", *arguments],
            cwd=here,
            env=environment_with(**environment),
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def environment_with(**environment: str) -> dict[str, str]:
    """The environment of a process: ours without settings of whoever runs the tests, and what is given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ETL_MODELS", "COV_")) and name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
    }
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cli")]), **environment}


@pytest.fixture
def definitions(here: Path) -> Path:
    """A definition file with a job of three components, a dataclass and a metric."""
    file = here / "job.yaml"
    file.write_text(DEFINITIONS)
    return file


@pytest.fixture
def store(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database at head that commands use without being told."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", migrated_url)
    return migrated_url


@pytest.fixture
def registered(store: str, etl: Callable[..., Result], definitions: Path) -> str:
    """The same, with the definitions in it."""
    assert etl("register-job", str(definitions)).code == 0
    return store


@pytest.fixture
def write(store: str) -> Iterator[Callable[[Callable[[Writer], Any]], Any]]:
    """Writes executions of any date straight into the store."""
    with Database(store) as database:
        yield lambda story: database.run(lambda session: story(Writer(session)))
