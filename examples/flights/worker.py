"""The worker: loads days of 2013 into the warehouse and records each as one execution of flights/load-flights.

Run by path, for one day or many::

    python examples/flights/worker.py --day 2013-02-08
    python examples/flights/worker.py --from 2013-02-01 --to 2013-02-28

This is the only module that records: the others move data, and know nothing of executions.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType
from typing import Literal, NoReturn

import pandas as pd

import source as nycflights13
import warehouse as sqlite_warehouse
from definition import DEFINITIONS, JOB, Definition, read_definition
from etl_models import ExecutionState, Store
from etl_models.errors import EtlModelsError
from etl_models.reads.execution import ExecutionSummary
from etl_models.recorder import ComponentHandle, ExecutionHandle
from rules import RejectShareError, Rule, Verdict, apply_rules, compile_rules
from source import Source, SourceMissingError, open_source
from steps import enrich
from warehouse import Warehouse

DEFAULT_WAREHOUSE = Path(".demo/warehouse.db")
SEASONS = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True)
class Outcome:
    """What became of a day; ``message`` begins with the day and says why it was not loaded."""

    day: str
    state: Literal["loaded", "failed", "skipped"]
    message: str = ""


class Worker:
    """Loads days, one after the other: give each process a worker of its own."""

    def __init__(self, store: Store, source: Source, warehouse: Warehouse, definition: Definition) -> None:
        self._store = store
        self._source = source
        self._warehouse = warehouse
        self._definition = definition
        self._rules = compile_rules(definition.validation_rules, source.references)

    def load_days(self, days: Iterable[str], *, again: bool = False) -> Iterator[Outcome]:
        """Load the days in turn; those whose execution succeeded before are skipped unless ``again`` is set."""
        done: set[str] = set() if again else self.loaded_days()
        for day in days:
            yield Outcome(day, "skipped", f"{day}: already loaded") if day in done else self.load_day(day)

    def loaded_days(self) -> set[str]:
        """The days that the history knows as succeeded."""
        found = executions(self._store, states=[ExecutionState.SUCCEEDED])
        return {execution.key for execution in found if execution.key is not None}

    def load_day(self, day: str) -> Outcome:
        """Load one day; each try is an attempt of the same execution, whose key is the day.

        A busy warehouse is worth another try. Bad data is not: it would be as bad a second later.
        """
        problem = ""
        for _ in range(1 + self._definition.num_of_retries):
            try:
                self._attempt(day)
            except RejectShareError as error:
                return Outcome(day, "failed", str(error))
            except sqlite3.OperationalError as error:
                problem = f"{day}: the warehouse could not be written: {error}"
            else:
                return Outcome(day, "loaded")
        return Outcome(day, "failed", problem)

    def _attempt(self, day: str) -> None:
        """The six components in order. What one of them raises fails it and the execution, and is raised again."""
        with self._store.recorder.execution(
            JOB, key=day, parameters={"day": day}, tags=tags_of(day), nominal_time=midnight(day)
        ) as execution:
            flights = self._extract_flights(execution, day)
            weather = self._extract_weather(execution, day)
            accepted = self._validate(execution, day, flights)
            enriched = self._enrich(execution, accepted, weather)
            self._load(execution, day, enriched)
            self._aggregate(execution, day)

    def _extract_flights(self, execution: ExecutionHandle, day: str) -> pd.DataFrame:
        with timed(execution, "extract_flights") as component:
            flights = self._source.flights(day)
            component.metrics(rows_out=len(flights)).reads(f"{nycflights13.NAMESPACE}/flights")
            execution.metric("rows_extracted", len(flights))
        return flights

    def _extract_weather(self, execution: ExecutionHandle, day: str) -> pd.DataFrame:
        with timed(execution, "extract_weather") as component:
            weather = self._source.weather(day)
            component.metrics(rows_out=len(weather)).reads(f"{nycflights13.NAMESPACE}/weather")
        return weather

    def _validate(self, execution: ExecutionHandle, day: str, flights: pd.DataFrame) -> pd.DataFrame:
        with timed(execution, "validate") as component:
            verdict = apply_rules(flights, self._rules)
            component.metrics(
                rows_in=verdict.total,
                rows_out=len(verdict.accepted),
                rows_rejected=len(verdict.rejected),
                rows_warned=verdict.warned,
                reject_share=verdict.reject_share,
            )
            component.metrics(counts_by_rule(verdict, self._rules))
            execution.metrics(rows_rejected=len(verdict.rejected), reject_share=verdict.reject_share)
            # The rejected rows are kept before the day may fail: then they are needed most.
            self._warehouse.replace_rejected(day, verdict.rejected)
            component.reads(f"{nycflights13.NAMESPACE}/planes", f"{nycflights13.NAMESPACE}/airports")
            component.writes(f"{sqlite_warehouse.NAMESPACE}/rejected_flight")
            verdict.require_share(day, self._definition.max_reject_share)
        return verdict.accepted

    def _enrich(self, execution: ExecutionHandle, flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
        with timed(execution, "enrich") as component:
            enriched = enrich(flights, weather, self._source.references)
            component.metrics(rows_in=len(flights), rows_out=len(enriched))
            component.reads(*(f"{nycflights13.NAMESPACE}/{name}" for name in ("airlines", "airports", "planes")))
        return enriched

    def _load(self, execution: ExecutionHandle, day: str, flights: pd.DataFrame) -> None:
        with timed(execution, "load") as component:
            loaded = self._warehouse.replace_flights(day, flights)
            component.metrics(rows_in=len(flights), rows_out=loaded).writes(f"{sqlite_warehouse.NAMESPACE}/flight")
            execution.metric("rows_loaded", loaded)

    def _aggregate(self, execution: ExecutionHandle, day: str) -> None:
        with timed(execution, "aggregate") as component:
            groups = self._warehouse.summarise(day)
            component.metrics(rows_in=self._warehouse.count("flight", day), rows_out=groups)
            component.reads(f"{sqlite_warehouse.NAMESPACE}/flight")
            component.writes(f"{sqlite_warehouse.NAMESPACE}/daily_summary")


@contextmanager
def timed(execution: ExecutionHandle, name: str) -> Iterator[ComponentHandle]:
    """Open a component and measure its seconds, also when it fails."""
    with execution.component(name) as component:
        started = time.perf_counter()
        try:
            yield component
        finally:
            component.metric("seconds", round(time.perf_counter() - started, 6))


def counts_by_rule(verdict: Verdict, rules: Iterable[Rule]) -> dict[str, int]:
    """One metric per broken rule, such as ``rejected.dep_time_missing``; a zero for every other would only hide it."""
    return {
        f"{'rejected' if rule.rejects else 'warned'}.{rule.name}": verdict.broken_by_rule[rule.name]
        for rule in rules
        if verdict.broken_by_rule[rule.name]
    }


def executions(store: Store, *, states: Sequence[ExecutionState] = ()) -> Iterator[ExecutionSummary]:
    """All executions of the job, page by page, the newest first; only those in one of ``states`` if any are given."""
    cursor = None
    while True:
        page = store.history.list(job=JOB, states=states, limit=500, cursor=cursor)
        yield from page.items
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def warn_of_gaps(store: Store) -> None:
    """Say when the history has gaps: a recorder never stops the work because of its store, it counts what it missed."""
    if store.recorder.dropped:
        print(f"warning: {store.recorder.dropped} records were lost: {store.recorder.last_error}", file=sys.stderr)


def midnight(day: str) -> datetime:
    """The time a day is about, which is not the time it is loaded: history can be grouped by either."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def tags_of(day: str) -> dict[str, str]:
    """What to find a day by later: its month, weekday and season."""
    when = date.fromisoformat(day)
    return {"month": day[:7], "weekday": f"{when:%A}".lower(), "season": SEASONS[when.month % 12 // 3]}


# ------------------------------------------------------------------------------------------------------- command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the days asked for; returns 0 when all are loaded, 1 when one failed, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        source = open_source()
        days = select_days(source.days, options.day, options.first, options.last, options.days)
        with Store(options.database_url) as store, Warehouse(options.warehouse) as warehouse:
            store.catalog.apply(DEFINITIONS)
            worker = Worker(store, source, warehouse, read_definition())
            code = _report(worker.load_days(days, again=options.again))
            warn_of_gaps(store)
            return code
    except KeyboardInterrupt:
        print("Stopped. The day in work is marked in the history; the days before it are loaded.", file=sys.stderr)
        return 130
    except SourceMissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except EtlModelsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code


def select_days(
    known: Sequence[str], chosen: Sequence[str], first: str | None, last: str | None, limit: int | None
) -> list[str]:
    """The days to load: the ``chosen`` ones, or those from ``first`` to ``last``; at most ``limit`` of them.

    Raises SystemExit with a message for a chosen day that has no flights.
    """
    unknown = [day for day in chosen if day not in known]
    if unknown:
        raise SystemExit(f"error: no flights on {', '.join(unknown)}; the data is that of {known[0]} to {known[-1]}")
    days = sorted(set(chosen)) or [day for day in known if (first or day) <= day <= (last or day)]
    return days[:limit]


def _report(outcomes: Iterable[Outcome]) -> int:
    failed = False
    for outcome in outcomes:
        print(f"{outcome.state:<8}{outcome.message or outcome.day}", flush=True)
        failed = failed or outcome.state == "failed"
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="worker.py", description="Load days of 2013 into the flights warehouse.")
    parser.add_argument("--day", action="append", type=_day, default=[], help="a day such as 2013-02-08; repeatable")
    parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day of a range")
    parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last day of a range")
    parser.add_argument("--days", type=count_of_days, metavar="N", help="at most so many days")
    parser.add_argument("--again", action="store_true", help="also load days that were loaded before")
    parser.add_argument("--database-url", metavar="URL", help="where the history goes (default: from the settings)")
    parser.add_argument(
        "--warehouse", type=Path, default=DEFAULT_WAREHOUSE, metavar="FILE", help="default: %(default)s"
    )
    return parser


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2013-02-08") from error


def count_of_days(text: str) -> int:
    """Read a number of days from the command line: one or more."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return int(text)


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave through the open `with` blocks, so that the day in work is marked and not left running."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
