"""What `make demo` runs: a year of daily loads, then a tour of the history they left.

It can be run again: days that are loaded are skipped, and days that failed get another attempt of the same execution.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from definition import DEFINITIONS, JOB, read_definition
from etl_models import ExecutionState, Store
from etl_models.errors import EtlModelsError
from etl_models.reads.execution import ExecutionSummary
from source import SourceMissingError, open_source
from warehouse import Warehouse
from worker import Outcome, Worker, count_of_days, executions, warn_of_gaps

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(".demo")
SNOWSTORM = "2013-02-08"
TOTALS = ("rows_extracted", "rows_rejected", "rows_loaded")
NEXT = (
    ("the failures of one season, as JSON", "etl-models executions list --tag season=winter --state failed -o json"),
    ("everything about one day, with the traceback", "etl-models executions show --job {job} --key 2013-12-10 -v"),
    ("how the days of the week compare", "etl-models executions stats --by tag:weekday"),
    ("the job as it is registered", "etl-models jobs show {job}"),
    ("the rules that rejected the flights", "etl-models dataclasses show flights/raw_flight"),
    (
        "load one day again, whatever the history says",
        "python examples/flights/worker.py --day 2013-02-10 --again --warehouse {warehouse}",
    ),
    ("all executions for a spreadsheet", "etl-models executions list --all -o csv > executions.csv"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns 0 when it ran through (failed days are part of it), 130 when interrupted."""
    options = _parser().parse_args(arguments)
    # The commands are shown as a reader would type them in the checkout, so that is where they are run.
    home: Path = options.home.resolve() if options.home else HOME
    os.chdir(ROOT)
    home.mkdir(parents=True, exist_ok=True)
    os.environ["ETL_MODELS_DATABASE_URL"] = url = f"sqlite:///{(home / 'etl_models.db').as_posix()}"
    try:
        register(url)
        load(url, home / "warehouse.db", options.days)
        tour(url, home / "warehouse.db")
        farewell(url, home / "warehouse.db")
    except KeyboardInterrupt:
        print("\nStopped. What is loaded stays loaded: run the demo again and it goes on from here.", file=sys.stderr)
        return 130
    except SourceMissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    except EtlModelsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


# ------------------------------------------------------------------------------------------------------------ chapters


def register(url: str) -> None:
    """Put the definitions into the catalog, with the command a user would type."""
    heading("The definitions")
    tell("Three YAML files describe a job with six components, the shapes and rules of its records, and its metrics.")
    show(f"export ETL_MODELS_DATABASE_URL={shlex.quote(url)}")
    run("register-job", DEFINITIONS.relative_to(ROOT).as_posix())


def load(url: str, warehouse_file: Path, limit: int | None) -> None:
    """Load the year day by day, each day one execution."""
    heading("The year 2013, one execution per day")
    started = time.perf_counter()
    source = open_source()
    days = source.days[:limit]
    with Store(url) as store, Warehouse(warehouse_file) as warehouse:
        worker = Worker(store, source, warehouse, read_definition())
        count = Counter(outcome.state for outcome in progress(worker.load_days(days), len(days)))
        warn_of_gaps(store)
    took = time.perf_counter() - started
    tell(f"{count['loaded']} days loaded, {count['failed']} failed, {count['skipped']} skipped, in {took:.0f} seconds.")
    if count["skipped"]:
        tell("Skipped days were loaded before. Failed days were tried again: another attempt of the same execution.")


def tour(url: str, warehouse_file: Path) -> None:
    """Ask the history what happened."""
    heading("What happened? Counts and durations, by the month the flights are of")
    run("executions", "stats", "--job", JOB, "--by", "nominal_month")

    heading("Which days failed?")
    run("executions", "list", "--job", JOB, "--state", "failed")

    with Store(url) as store:
        totals = total_metrics(executions(store))
        failed = {execution.key for execution in executions(store, states=[ExecutionState.FAILED])}
    if SNOWSTORM in failed:
        heading(f"Why did {SNOWSTORM} fail? (It was the snowstorm Nemo: half of the flights never left.)")
        run("executions", "show", "--job", JOB, "--key", SNOWSTORM)

    heading("The totals, from the metrics of all executions")
    with Warehouse(warehouse_file) as warehouse:
        stored = warehouse.count("flight"), warehouse.count("rejected_flight")
    for name, total in totals.items():
        print(f"  {name:<16}{total:>9,}")
    tell(f"The warehouse agrees: {stored[0]:,} rows in flight, {stored[1]:,} in rejected_flight.")


def farewell(url: str, warehouse_file: Path) -> None:
    """Say what to try next, as lines that can be pasted into a shell."""
    heading("What to try next")
    tell(f". {shlex.quote(_activate())}")
    tell(f"export ETL_MODELS_DATABASE_URL={shlex.quote(url)}")
    for purpose, command in NEXT:
        tell(f"# {purpose}")
        tell(command.format(job=JOB, warehouse=shlex.quote(warehouse_file.as_posix())))
    tell(
        "# then let the storms pass: set max_reject_share to 0.6, run the demo again, and see the next attempts succeed"
    )
    tell(f"${{EDITOR:-vi}} {(DEFINITIONS / 'load-flights.yaml').relative_to(ROOT).as_posix()}")


def total_metrics(found: Iterable[ExecutionSummary]) -> dict[str, int]:
    """Add up the metrics in TOTALS; an execution that failed early lacks the later ones."""
    totals = dict.fromkeys(TOTALS, 0)
    for execution in found:
        for name in TOTALS:
            totals[name] += int(execution.metrics.get(name, 0))
    return totals


# ------------------------------------------------------------------------------------------------------------ terminal


def progress(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    """Pass the outcomes on and show how far the work is: a bar on a terminal, elsewhere a line per month."""
    return _bar(outcomes, total) if sys.stderr.isatty() else _months(outcomes)


def _bar(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("2013", total=total)
        for outcome in outcomes:
            if outcome.state == "failed":
                bar.console.print(f"  failed  {outcome.message}", highlight=False)
            bar.update(task, advance=1, description=outcome.day)
            yield outcome


def _months(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    for month, days in groupby(outcomes, key=lambda outcome: outcome.day[:7]):
        count: Counter[str] = Counter()
        for outcome in days:
            count[outcome.state] += 1
            yield outcome
        states = ", ".join(f"{number} {state}" for state, number in sorted(count.items(), reverse=True))
        print(f"  {month}: {states}", file=sys.stderr, flush=True)


def heading(text: str) -> None:
    """Begin a chapter."""
    print(f"\n== {text}\n", flush=True)


def tell(text: str) -> None:
    """Say something in plain words."""
    print(f"  {text}", flush=True)


def show(*commands: str) -> None:
    """Print commands as they would be typed."""
    for command in commands:
        print(f"  $ {command}", flush=True)


def run(*arguments: str) -> None:
    """Show a command of the real command line, run it, and let its output through.

    Raises:
        subprocess.CalledProcessError: the command failed; it has said why.

    """
    show(shlex.join(["etl-models", *arguments]))
    print(flush=True)
    subprocess.run([sys.executable, "-m", "etl_models_cli", *arguments], check=True)  # noqa: S603  (our own program)


def _activate() -> str:
    """The script that puts `etl-models` on the path of a shell, as seen from the checkout."""
    script = Path(sys.prefix) / "bin" / "activate"
    return script.relative_to(ROOT).as_posix() if script.is_relative_to(ROOT) else script.as_posix()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo.py", description="Load the flights of 2013 and look at the history.")
    parser.add_argument("--days", type=count_of_days, metavar="N", help="only the first N days of the year")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="where store and warehouse go (default: .demo)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
