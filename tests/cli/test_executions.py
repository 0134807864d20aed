"""``executions``: recording from a shell, and the history of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from etl_models.domain.states import ComponentState, ExecutionState
from tests.support.executions import EPOCH, Component

pytestmark = pytest.mark.database("sqlite")

JOB = "flights/load-flights"


def test_a_whole_execution_is_recorded_from_a_shell(registered, etl):
    """Started, logged, finished; what ``show`` tells is what was recorded, with components, metrics and datasets."""
    begun = etl(
        *(
            "executions",
            "start",
            JOB,
            "--key",
            "2013-01-01",
            "-p",
            "day=2013-01-01",
            "-p",
            "retry:=3",
            "-p",
            "flag:=true",
        ),
        *("--tag", "team=ops", "--tag", "urgent", "--trigger", "manual", "--nominal-time", "2013-01-01", "-o", "json"),
    )
    assert begun.code == 0, begun
    execution = begun.json["id"]
    assert begun.json["opened"] is True
    assert begun.json["attempt"] == 1
    for arguments in (
        ("-c", "extract", "-m", "rows_out=842", "-m", "share=0.25", "--reads", "file/a.csv", "--writes", "lake/raw"),
        ("-c", "extract", "--state", "succeeded"),
        ("-c", "clean", "--state", "failed", "--error-type", "ValueError", "--error-message", "31 % rejected"),
        (
            "-m",
            "seconds=nan",
        ),
        ("--tag", "team=dev"),
    ):
        logged = etl("executions", "log", execution, *arguments)
        assert logged.code == 0, logged
    finished = etl("executions", "finish", execution, "--state", "failed", "--error-message", "31 % rejected")
    assert finished.code == 0, finished
    found = etl("executions", "show", execution, "-o", "json").json
    assert found["state"] == "failed"
    assert found["parameters"] == {"day": "2013-01-01", "flag": True, "retry": 3}
    assert found["tags"] == {"team": "dev", "urgent": None}
    assert found["metrics"] == {"seconds": "nan"}
    assert found["trigger"] == "manual"
    assert found["nominal_time"] == "2013-01-01T00:00:00.000000Z"
    assert found["error"]["message"] == "31 % rejected"
    components = {item["name"]: item for item in found["components"]}
    assert components["extract"]["metrics"] == {"rows_out": 842, "share": 0.25}
    assert components["clean"]["error"] == {"type": "ValueError", "message": "31 % rejected", "traceback": None}
    assert components["load"]["state"] == "upstream_failed"
    assert found["inputs"] == [{"namespace": "file", "name": "a.csv", "attempt": 1, "component": "extract"}]
    assert found["outputs"] == [{"namespace": "lake", "name": "raw", "attempt": 1, "component": "extract"}]


def test_the_same_key_meets_the_same_execution(registered, etl):
    """A second start joins what runs; after the end it opens the next attempt of the same execution."""
    first = etl("executions", "start", JOB, "--key", "k", "-o", "json").json
    joined = etl("executions", "start", JOB, "--key", "k", "-o", "json")
    assert joined.json["id"] == first["id"]
    assert joined.json["opened"] is False
    assert "running already" in joined.err
    assert etl("executions", "finish", first["id"], "--state", "failed").code == 0
    again = etl("executions", "start", JOB, "--key", "k", "-o", "json").json
    assert (again["id"], again["attempt"], again["opened"]) == (first["id"], 2, True)


def test_quiet_start_prints_only_the_id(registered, etl):
    """``ID=$(etl-models executions start JOB -q)`` works, and the id is good for the other commands."""
    begun = etl("executions", "start", JOB, "-q")
    assert begun.err == ""
    execution = begun.out.strip()
    assert etl("executions", "show", execution).code == 0
    assert etl("executions", "show", execution[-8:]).code == 0


def test_a_forbidden_change_is_a_conflict(registered, etl):
    """What is over stays as it is: exit code 5, and the state does not change."""
    execution = etl("executions", "start", JOB, "-q").out.strip()
    assert etl("executions", "finish", execution, "--state", "succeeded").code == 0
    for arguments in (("finish", execution, "--state", "failed"), ("cancel", execution)):
        result = etl("executions", *arguments)
        assert result.code == 5, result
    assert etl("executions", "show", execution, "-o", "json").json["state"] == "succeeded"


def test_a_running_execution_is_asked_to_end(registered, etl):
    """Cancelling a running one asks it, a waiting one ends at once."""
    running = etl("executions", "start", JOB, "-q").out.strip()
    assert etl("executions", "cancel", running, "--reason", "wrong day", "-o", "json").json["state"] == "cancelling"
    queued = etl("executions", "start", JOB, "--state", "queued", "-q").out.strip()
    assert etl("executions", "cancel", queued, "-o", "json").json["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("start", "flights/none"), 4),
        (("start", JOB, "--state", "succeeded"), 3),
        (("start", JOB, "-p", "novalue"), 2),
        (("start", JOB, "-p", "a=1", "-p", "a=2"), 2),
        (("start", JOB, "-p", "a:={"), 2),
        (("start", JOB, "--nominal-time", "someday"), 3),
        (("finish", "{id}", "--state", "running"), 3),
        (("finish", "{id}"), 2),
        (("finish", "ffffffff", "--state", "failed"), 4),
        (("log", "{id}"), 2),
        (("log", "{id}", "--state", "failed"), 2),
        (("log", "{id}", "-c", "extract", "--reason", "x"), 2),
        (("log", "{id}", "-c", "extract", "--state", "nonsense"), 3),
        (("log", "{id}", "-m", "rows=many"), 3),
        (("log", "{id}", "-m", "rows"), 3),
        (("log", "{id}", "-m", "rows=1e999"), 0),
        (("log", "{id}", "-m", "a=1", "-m", "a=2"), 2),
        (("show",), 2),
        (("show", "{id}", "--job", JOB), 2),
        (("show", "--key", "k"), 2),
        (("show", "--job", JOB, "--key", "k"), 4),
        (("show", "--job", "flights/none"), 4),
        (("list", "--state", "faild"), 3),
        (("list", "--since", "yesteryear"), 3),
        (("list", "--since", "2013-01-02", "--until", "2013-01-01"), 3),
        (("list", "--limit", "0"), 2),
        (("list", "--limit", "many"), 2),
        (("list", "--cursor", "x"), 3),
        (("list", "--job", "none"), 4),
        (("stats", "--by", "year"), 3),
        (("list", "--tz", "Mars"), 3),
        (("list", "-o", "xml"), 2),
        (("lst",), 2),
    ],
)
def test_mistakes_have_their_exit_codes(registered, etl, arguments, code):
    """Each kind of mistake ends with its code, a message on standard error and nothing on standard output."""
    execution = etl("executions", "start", JOB, "-q").out.strip()
    result = etl("executions", *(argument.replace("{id}", execution) for argument in arguments))
    assert result.code == code, result
    assert "Traceback" not in result.err
    if code:
        assert result.err
        assert result.out == ""


def a_year(writer):
    job_id = writer.job(tags={"daily": ""})
    for day in range(40):
        failed = day in {8, 9}
        writer.execution(
            job_id,
            created_at=EPOCH + timedelta(days=day),
            key=f"{(EPOCH + timedelta(days=day)).date()}",
            state=ExecutionState.FAILED if failed else ExecutionState.SUCCEEDED,
            error=("CheckFailed", "reject share 0.31") if failed else None,
            tags={"snow": ""} if failed else None,
        )


def test_the_history_is_filtered(store, write, etl):
    """By job, state, window, tag and key; the count is what was written."""
    write(a_year)

    def keys(*arguments):
        return [item["key"] for item in etl("executions", "list", *arguments, "--all", "-o", "json").json["items"]]

    assert len(keys()) == 40
    assert keys("--state", "failed") == ["2013-01-10", "2013-01-09"]
    assert keys("-s", "failed", "--until", "2013-01-10") == ["2013-01-09"]
    assert keys("--since", "2013-02-08", "--until", "2013-02-10") == ["2013-02-09", "2013-02-08"]
    assert keys("--tag", "snow") == ["2013-01-10", "2013-01-09"]
    assert len(keys("--tag", "daily")) == 40
    assert keys("--key", "2013-01-31") == ["2013-01-31"]
    assert len(keys("--job", JOB, "--namespace", "flights")) == 40
    assert keys("--since", "24h") == []


def test_pages_of_history_are_followed(store, write, etl):
    """Three pages of 15 give all 40 once."""
    write(a_year)
    seen, cursor = [], None
    while True:
        arguments = () if cursor is None else ("--cursor", cursor)
        page = etl("executions", "list", "--limit", "15", *arguments, "-o", "json").json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 40


def test_statistics_are_counted(store, write, etl):
    """By month: 31 and 9 days, two failures in January."""
    write(a_year)
    rows = etl("executions", "stats", "--by", "month", "-o", "json").json["items"]
    assert [(row["group"], row["total"], row["states"]) for row in rows] == [
        ({"month": "2013-01"}, 31, {"succeeded": 29, "failed": 2}),
        ({"month": "2013-02"}, 9, {"succeeded": 9}),
    ]
    table = etl("executions", "stats", "--by", "month").out
    assert "93.5 %" in table
    assert "1 min 00 s" in table
    csv = etl("executions", "stats", "--by", "job", "--by", "tag:snow", "-o", "csv").out.splitlines()
    assert csv[0].startswith("job,tag:snow,total,scheduled,")
    assert len(csv) == 3


def explained(writer):
    return writer.execution(
        writer.job(),
        state=ExecutionState.FAILED,
        attempts=2,
        seconds=3723,
        key="2013-02-08",
        error=("CheckFailed", "reject share 0.31 is above 0.20"),
        tags={"team": "ops"},
        metrics={"rejected": [9437]},
        components=[
            Component("extract", metrics={"rows_out": [930]}, writes=["lake/raw"]),
            Component("validate", ComponentState.FAILED, ("CheckFailed", "reject share 0.31 is above 0.20")),
            Component("load", ComponentState.UPSTREAM_FAILED),
        ],
    )


def test_the_page_of_an_execution_explains_it(store, write, etl):
    """State, why, which component, what never ran, attempts, metrics, lineage, parameters and tags are there."""
    execution = write(explained)
    page = etl("executions", "show", str(execution)).out
    for words in (
        f"Execution {execution}  failed",
        "flights/load-flights",
        "2013-02-08",
        "1 h 02 min",
        "2013-01-01 06:00:00 UTC",
        "validate failed: CheckFailed: reject share 0.31 is above 0.20",
        "never ran: load",
        "traceback of 2 lines: -v",
        "rows_out=930",
        "rejected=9,437",
        "upstream_failed",
        "lake/raw  (extract)",
        "team=ops",
        "day  2013-01-01",
        "E: once",
    ):
        assert words in page, words
    assert page.count("reject share 0.31 is above 0.20") == 3  # why, the component, the attempt
    assert "Transitions" not in page
    more = etl("executions", "show", str(execution), "-v").out
    assert "Traceback ..." in more
    assert "(new) -> failed" in more
    assert "worker-1" in more


def test_tables_say_times_as_people_do(registered, write, etl):
    """Recent times are relative, older ones dates; with --tz all are in that zone. Data is UTC in any case."""
    write(
        lambda writer: writer.execution(writer.job("flights/old"), created_at=datetime(2013, 7, 1, 3, 30, tzinfo=UTC))
    )
    etl("executions", "start", JOB)
    table = etl("executions", "list").out
    assert "2013-07-01 03:30 UTC" in table
    assert "now" in table or "s ago" in table
    there = etl("executions", "list", "--tz", "America/New_York").out
    assert "2013-06-30 23:30 EDT" in there
    assert "ago" not in there
    data = etl("executions", "list", "--tz", "America/New_York", "-o", "json").json["items"]
    assert data[-1]["started_at"] == "2013-07-01T03:30:00.000000Z"


def test_many_metrics_have_a_part_of_their_own(store, write, etl, monkeypatch):
    """What no cell of a table can hold is shown below it, complete and within the terminal."""
    names = [f"rejected.reason_{number:02}" for number in range(20)]
    write(
        lambda writer: writer.execution(
            writer.job(), components=[Component("validate", metrics={name: [12345] for name in names})]
        )
    )
    monkeypatch.setenv("COLUMNS", "80")
    page = etl("executions", "show", "--job", JOB).out
    assert all(f"{name}=12,345" in page for name in names)
    assert max(map(len, page.splitlines())) <= 80
    assert "METRICS" not in page
