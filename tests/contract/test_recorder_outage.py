"""The store's troubles are not the pipeline's: nothing raises, what is missing is counted and told once."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from etl_models.database import Database
from etl_models.domain.ids import uuid7
from etl_models.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    InvalidInputError,
    NotFoundError,
    SchemaVersionError,
)
from etl_models.models.metric import MetricSample
from etl_models.operations.history.listing import list_executions
from etl_models.operations.recording.values import Facts, Sample
from etl_models.recorder import AsyncRecorder, Recorder
from etl_models.settings import Settings
from tests.support.processes import free_port
from tests.support.recording import JOB, Story, at, count

pytestmark = pytest.mark.contract


def use(recorder: Any) -> int:
    """A small pipeline; returns the number of rows it moved."""
    rows = 0
    with recorder.execution(JOB, key="day") as execution:
        for name in ("extract", "load"):
            with execution.component(name) as component:
                rows += 10
                component.metric("rows", rows).reads("a/b")
        execution.tag("daily").flush()
        execution.start_component("report").finish("failed", error="no paper")
        execution.error(ValueError("x"))
        execution.cancel()
    recorder.attach(execution.id).finish()
    recorder.record(JOB)
    return rows


def _quick(url: str) -> Settings:
    return Settings.model_validate({"database": {"url": url, "timeout": 1}})


def _nowhere(tmp_path: Path) -> dict[str, str]:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, and long enough to be sure of it" * 100)
    port = free_port()
    return {
        "no folder": f"sqlite:///{tmp_path}/missing/etl.db",
        "no database": f"sqlite:///{broken}",
        "closed port": f"postgresql://etl:hunter2@127.0.0.1:{port}/etl",
        "closed port of the other": f"mysql://etl:hunter2@127.0.0.1:{port}/etl",
        "no such kind": "oracle://etl:hunter2@127.0.0.1/etl",
        "no url": "etl.db",
    }


NOWHERE = ("no folder", "no database", "closed port", "closed port of the other", "no such kind", "no url")


@pytest.mark.parametrize("place", NOWHERE)
def test_a_store_that_is_not_there_costs_the_record_only(
    tmp_path: Path, face: str, blocking: Any, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The pipeline runs to its end; the loss is counted, told with one warning, and holds no password."""
    url = _nowhere(tmp_path)[place]
    settings = None if place.startswith("no such") or place == "no url" else _quick(url)
    where = {"settings": settings} if settings else {"url": url}
    recorder = blocking(AsyncRecorder(**where)) if face == "async" else Recorder(**where)
    with caplog.at_level(logging.INFO, "etl_models"), recorder:
        assert use(recorder) == 20
        assert recorder.dropped > 5
        assert isinstance(recorder.last_error, DatabaseUnavailableError | ConfigurationError)
    told = [found.getMessage() for found in caplog.records if found.name == "etl_models.recorder"]
    assert len(told) == 2, told
    assert "the pipeline goes on without" in told[0]
    assert "records were dropped in all" in told[1]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("place", ["no folder", "closed port", "no such kind"])
def test_a_strict_recorder_raises_what_the_store_raises(tmp_path: Path, face: str, blocking: Any, place: str) -> None:
    """Whoever cannot do without the record says so."""
    url = _nowhere(tmp_path)[place]
    where: dict[str, Any] = {"url": url} if place == "no such kind" else {"settings": _quick(url)}
    strict = blocking(AsyncRecorder(**where, strict=True)) if face == "async" else Recorder(**where, strict=True)
    with strict, pytest.raises((DatabaseUnavailableError, ConfigurationError)), strict.execution(JOB):
        pytest.fail("the block was entered")


def test_a_server_without_our_tables_costs_the_record_only(
    database_url: str, backend: Any, face: str, blocking: Any
) -> None:
    """The library does not migrate a server by itself, and a worker does not die of that."""
    if backend.name == "sqlite":
        pytest.skip("a SQLite file is made by the first write")
    recorder = blocking(AsyncRecorder(database_url)) if face == "async" else Recorder(database_url)
    with recorder:
        assert use(recorder) == 20
        assert isinstance(recorder.last_error, SchemaVersionError)


def test_what_the_store_missed_is_made_up_for_when_it_is_back(tmp_path: Path, face: str, blocking: Any) -> None:
    """The start, the start of a component and every note reach it with the next write."""
    folder = tmp_path / "later"
    url = f"sqlite:///{folder}/etl.db"
    recorder: Any = blocking(AsyncRecorder(url)) if face == "async" else Recorder(url)
    with recorder:
        with recorder.execution(JOB, key="day", parameters={"a": 1}) as execution:
            assert not execution.attempt
            execution.metric("rows", 1).tag("daily").flush()
            with execution.component("extract") as extract:
                extract.metric("rows_out", 842).reads("a/b").flush()
                folder.mkdir()
            assert execution.attempt == 1
        assert recorder.dropped == 0, "nothing is missing in the end"
    with Database(url) as database:
        read = Story(database).read(execution.id)
    assert (read.state, read.parameters, read.tags, read.metrics) == (
        "succeeded",
        {"a": 1},
        {"daily": None},
        {"rows": 1},
    )
    assert [(found.name, found.state, found.metrics) for found in read.components] == [
        ("extract", "succeeded", {"rows_out": 842})
    ]
    assert read.components[0].duration_seconds is not None


def _hidden(url: str, table: str, other: str) -> None:
    """Rename a table, as a migration that is under way might: every statement fails until it is back."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
    connection.execute("PRAGMA legacy_alter_table=ON")
    connection.execute(f"ALTER TABLE {table} RENAME TO {other}")
    connection.close()


@pytest.mark.database("sqlite")
def test_notes_taken_during_an_outage_in_the_middle_are_written_afterwards(
    recorder: Any, story: Story, migrated_url: str
) -> None:
    """Of the execution and of its components, each once; an end that was missed can be given again."""
    handle = recorder.start(JOB)
    component = handle.start_component("extract")
    _hidden(migrated_url, "etl_execution", "away")
    handle.metric("rows", 1).tag("daily").reads("a/b").flush()
    component.metric("rows_out", 2).flush()
    assert component.finish() is None
    assert handle.start_component("load").finish("failed") is None
    assert handle.finish("failed") is None
    assert recorder.dropped == 4, "two ends of components, a start, an end: notes are kept"
    _hidden(migrated_url, "away", "etl_execution")
    assert component.metric("rows_in", 3).finish().applied
    assert handle.finish("failed").applied
    read = story.read(handle.id)
    assert (read.metrics, read.tags, [use.name for use in read.inputs]) == ({"rows": 1}, {"daily": None}, ["b"])
    assert [(found.name, found.metrics) for found in read.components if found.name == "extract"] == [
        ("extract", {"rows_in": 3, "rows_out": 2})
    ]
    assert count(story.executor, MetricSample) == 3


def test_the_next_outage_is_told_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once for each: the end of the first is told as well."""
    folder = tmp_path / "later"
    with caplog.at_level(logging.INFO, "etl_models.recorder"), Recorder(f"sqlite:///{folder}/etl.db") as recorder:
        handle = recorder.start(JOB)
        handle.flush()
        handle.metric("rows", 1).flush()
        folder.mkdir()
        handle.flush()
        assert handle.attempt == 1
        other = sqlite3.connect(folder / "etl.db", isolation_level=None)
        other.execute("ALTER TABLE etl_attempt RENAME TO gone")
        other.close()
        handle.metric("rows", 2).flush()
        handle.metric("rows", 3).flush()
    told = [found.getMessage() for found in caplog.records if "goes on without" in found.getMessage()]
    again = [found.getMessage() for found in caplog.records if "recording works again" in found.getMessage()]
    assert (len(told), len(again)) == (2, 1)


def test_samples_are_kept_during_an_outage_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are kept, the rest is counted; memory stays bounded."""
    monkeypatch.setattr("etl_models.recorder.buffer.MAX_SAMPLES", 2500)
    folder = tmp_path / "later"
    url = f"sqlite:///{folder}/etl.db"
    with Recorder(url) as recorder, recorder.execution(JOB) as execution:
        execution.metrics({f"m{number}": number for number in range(900)})
        assert (recorder.dropped, len(execution._notes.take().samples)) == (1, 900), "one: the start"
        execution.metrics({f"m{number}": number for number in range(3000)})
        assert recorder.dropped == 502, "the start was tried again"
        folder.mkdir()
    with Database(url) as database:
        assert count(database, MetricSample) == 2500
    assert recorder.dropped == 500


@pytest.mark.database("sqlite")
def test_a_number_the_store_refuses_does_not_cost_the_end(migrated_url: str, story: Story) -> None:
    """Facts that can never be stored are dropped and counted; the change of state goes through without them."""
    with Recorder(migrated_url) as recorder:
        with recorder.execution(JOB) as execution, execution.component("extract") as extract:
            poison = Facts((Sample("rows", None, None, 1, at(0)),), (), {})
            extract._notes.put_back(poison)
            execution._notes.put_back(poison)
        assert recorder.dropped == 2
        assert isinstance(recorder.last_error, InvalidInputError)
    read = story.read(execution.id)
    assert (read.state, read.components[0].state, read.metrics) == ("succeeded", "succeeded", {})


@pytest.mark.database("sqlite")
def test_what_is_not_there_cannot_be_attached_to(recorder: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The handle takes everything and records nothing; a strict recorder raises."""
    recorder.start(JOB)
    for unknown in (uuid7(), "no id", None, 5):
        handle = recorder.attach(unknown)
        assert handle.attempt is None
        handle.metric("rows", 1).flush()
        assert handle.finish() is None
        with handle, handle.component("extract"):
            pass
    assert recorder.dropped >= 4


@pytest.mark.database("sqlite")
def test_a_strict_recorder_raises_mistakes(migrated_url: str) -> None:
    """Every bad argument, where it is given."""
    with Recorder(migrated_url, strict=True) as recorder:
        for given in ({"job": "a/b/c"}, {"job": JOB, "key": "\n"}, {"job": JOB, "tags": {"a=b": 1}}):
            with pytest.raises(InvalidInputError):
                recorder.execution(**given)
        with pytest.raises(NotFoundError):
            recorder.start(JOB)
        with pytest.raises(NotFoundError):
            recorder.attach(uuid7())
        Recorder(migrated_url).start(JOB)
        with recorder.execution(JOB) as execution:
            for call in (
                lambda: execution.metric("rows", "many"),
                lambda: execution.metric("\x00", 1),
                lambda: execution.reads(""),
                lambda: execution.tag({"a": "\n"}),
                lambda: execution.component(""),
                lambda: execution.finish("done"),
                lambda: recorder.record(JOB, state="done"),
            ):
                with pytest.raises(InvalidInputError):
                    call()


@pytest.mark.database("sqlite")
def test_mistakes_are_told_once_and_cost_one_field(
    recorder: Any, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand bad metrics are one line in the log; what is good is recorded."""
    with recorder.execution(JOB, key="\x00", tags={"bad=": "x"}, trigger="x" * 99, nominal_time="today") as execution:
        for _ in range(1000):
            execution.metric("bad\nname", 1)
        execution.metric("rows", 3).metric("rows", "many").reads("", "ok/dataset").tag({"": "x"})
        with execution.component("bad\x00name") as bad:
            bad.metric("rows", 1)
        with execution.component("good"):
            pass
    read = story.read(execution.id)
    assert (read.state, read.key, read.tags, read.trigger, read.nominal_time) == ("succeeded", None, {}, None, None)
    assert (read.metrics, [use.name for use in read.inputs]) == ({"rows": 3}, ["dataset"])
    assert [found.name for found in read.components] == ["good"]
    told = [found.getMessage() for found in caplog.records if "left out of the record" in found.getMessage()]
    assert len(told) == len(set(told)) == 9
    assert recorder.dropped > 1000


@pytest.mark.parametrize("job", ["a/b/c", "", "x" * 300, "a\nb", None, 5])
@pytest.mark.database("sqlite")
def test_a_job_that_cannot_be_named_records_nothing(recorder: Any, story: Story, job: Any) -> None:
    """The pipeline runs all the same."""
    with recorder.execution(job) as execution, execution.component("extract") as component:
        component.metric("rows", 1)
        execution.metric("rows", 1)
    assert recorder.record(job) is None
    assert recorder.dropped > 0
    assert story.executor.read(list_executions).items == ()


@pytest.mark.database("sqlite")
def test_a_recorder_used_inside_a_unit_of_the_same_database_raises_nothing(migrated_url: str) -> None:
    """Units do not nest; the record is dropped instead of the unit."""
    with Database(migrated_url) as database, Recorder(database=database) as recorder:

        def unit(_session: Any) -> str:
            with recorder.execution(JOB):
                return "done"

        assert database.run(unit) == "done"
        assert recorder.dropped > 0
