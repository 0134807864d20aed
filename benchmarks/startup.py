"""How long short commands take, beside an interpreter that does nothing.

``python -m benchmarks.startup [ROUNDS]`` runs the commands in turn (A B C A B C ...), so that a machine whose speed
drifts treats all of them alike, and prints medians and ratios to ``python -c pass``. Processor time is what the command
costs; wall time is what a user waits for.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from etl_models import Store

ROUNDS = 15
EXECUTIONS = 365

_COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import etl_models'": ["-c", "import etl_models"],
    "python -c 'import sqlmodel'": ["-c", "import sqlmodel"],
    "etl-models --help": ["-m", "etl_models_cli", "--help"],
    "etl-models version": ["-m", "etl_models_cli", "version"],
    "etl-models executions list": ["-m", "etl_models_cli", "executions", "list"],
}


class Cost(NamedTuple):
    """Seconds one process took."""

    wall: float
    cpu: float


def measure(arguments: list[str], environment: dict[str, str]) -> Cost:
    """Run one process and return what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def fill(url: str) -> None:
    """Record as many executions as a year of daily loads has."""
    with Store(url) as store:
        store.catalog.apply({"name": "load", "components": []})
        for day in range(EXECUTIONS):
            store.recorder.record("load", key=f"day-{day:03}", state="succeeded")


def run(rounds: int) -> dict[str, list[Cost]]:
    """Measure every command ``rounds`` times, in turn, after one round that is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in _COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'store.db').as_posix()}"
        fill(url)
        environment = {**os.environ, "ETL_MODELS_DATABASE_URL": url}
        for number in range(rounds + 1):
            for name, arguments in _COMMANDS.items():
                cost = measure(arguments, environment)
                if number:
                    costs[name].append(cost)
    return costs


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    costs = run(rounds)
    base = [statistics.median(values) for values in zip(*costs["python -c pass"], strict=True)]
    print(f"Start-up, {datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, medians of {rounds} rounds\n")
    print("| command | CPU ms | x pass | wall ms | x pass |")
    print("|---|---:|---:|---:|---:|")
    for name, found in costs.items():
        wall, cpu = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"| `{name}` | {cpu * 1000:.0f} | {cpu / base[1]:.1f} | {wall * 1000:.0f} | {wall / base[0]:.1f} |")


if __name__ == "__main__":
    main()
