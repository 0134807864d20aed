"""The same definitions, the same calls, the same JSON on all databases."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta

import pytest

from etl_models.database import Database
from etl_models.domain.states import ComponentState, ExecutionState
from tests.support.executions import EPOCH, Component, Writer

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOW = re.compile(r"20(2[5-9]|[3-9]\d)-\d\d-\d\dT[0-9:.]+Z")

COMMANDS = [
    ("register-job", "job.yaml"),
    ("register-job", "job.yaml"),
    ("jobs", "list"),
    ("jobs", "show", "flights/load-flights"),
    ("jobs", "history", "flights/load-flights"),
    ("jobs", "export", "flights/load-flights"),
    ("components", "list"),
    ("components", "show", "extract", "--job", "flights/load-flights"),
    ("dataclasses", "show", "flights/raw_flight"),
    ("metrics", "list"),
    ("tags", "list"),
    ("tags", "history", "team=ops"),
    ("executions", "list"),
    ("executions", "list", "--tag", "snow", "--state", "failed"),
    ("executions", "list", "--since", "2013-01-03", "--until", "2013-01-05"),
    ("executions", "list", "--limit", "3"),
    ("executions", "show", "01900000-0000-7000-8000-000000000003"),
    ("executions", "stats"),
    ("executions", "stats", "--by", "day"),
    ("executions", "stats", "--by", "week", "--tz", "America/New_York"),
    ("executions", "stats", "--by", "tag:note", "--by", "state"),
    ("jobs", "show", "flights/none"),
    ("executions", "list", "--cursor", "x"),
    ("jobs", "delete", "flights/load-flights", "--yes"),
    ("jobs", "list", "--deleted"),
    ("jobs", "restore", "flights/load-flights"),
]


def story(session):
    """Executions with fixed ids; what differs between databases by nature is hard: NaN, scripts, case, blanks."""
    writer = Writer(session)
    job_id = writer.job("history/nightly", tags={"team": "ops"})
    for number, note in enumerate(["b", "B", "a", "á", "ä", "Z", "日本", "😀", "", "A"]):
        failed = number % 4 == 3
        writer.execution(
            job_id,
            id=uuid.UUID(f"01900000-0000-7000-8000-{number:012}"),
            created_at=EPOCH + timedelta(days=number, microseconds=number),
            seconds=None if number == 9 else 0.1 * number + 0.000001,
            state=ExecutionState.FAILED if failed else ExecutionState.SUCCEEDED,
            key=f"k {note}{number}",
            tags={"note": note, **({"snow": ""} if failed else {})},
            metrics={"x": [0.1 + 0.2], "nan": [float("nan")], "big": [1.7e308], "n": [number, 2.0**53]},
            error=("Fehler", f"größer als 😀 {note}") if failed else None,
            components=[
                Component("a", reads=["file/a b"], metrics={"rows": [1e15]}),
                Component("b", ComponentState.FAILED if failed else ComponentState.SUCCEEDED, writes=["lake/ö"]),
            ],
        )


def normal(text):
    """Ids and times of now are different each time; everything else is compared."""
    return _NOW.sub("NOW", _ID.sub(lambda found: found[0] if found[0].startswith("01900000") else "ID", text))


@pytest.fixture
def outputs(etl, definitions, monkeypatch):
    """Runs all commands on a database and returns what they printed."""

    def run(url):
        monkeypatch.setenv("ETL_MODELS_DATABASE_URL", url)
        with Database(url) as database:
            database.run(story)
        found = {}
        for index, arguments in enumerate(COMMANDS):
            result = etl(*arguments, "-o", "json", "-q")
            cursor = re.sub(r'"next_cursor": "[^"]+"', '"next_cursor": "C"', result.out)
            found[index, arguments] = (result.code, normal(cursor), normal(result.err))
        return found

    return run


def test_all_databases_print_the_same(backends, unavailable, outputs, request):
    """Every command prints byte for byte the same on SQLite, PostgreSQL and MariaDB."""
    from tests.support.matrix import CHOSEN
    from tests.support.processes import UnavailableError

    found = {}
    for name in request.config.stash[CHOSEN]:
        try:
            backends[name].start()
        except UnavailableError:
            continue
        with backends[name].migrated() as url:
            found[name] = outputs(url)
    if len(found) < 2:
        pytest.skip("one database only: nothing to compare")
    (first, expected), *others = found.items()
    for name, printed in others:
        for command, result in expected.items():
            assert printed[command] == result, f"{command} differs between {first} and {name}"
    listed = json.loads(expected[12, ("executions", "list")][1])["items"]
    assert [item["tags"]["note"] for item in listed] == ["A", None, "😀", "日本", "Z", "ä", "á", "a", "B", "b"]
    assert listed[0]["metrics"] == {"big": 1.7e308, "n": 2**53, "nan": "nan", "x": 0.30000000000000004}
