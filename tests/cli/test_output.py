"""Five formats of the same facts, and what data may do to the reader."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
import yaml

from etl_models.domain.states import ExecutionState
from tests.support.executions import EPOCH, Component

pytestmark = pytest.mark.database("sqlite")

DANGEROUS = ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx"]


def story(writer):
    job_id = writer.job(tags={"team": "ops"})
    for number, text in enumerate(["plain", *DANGEROUS]):
        writer.execution(
            job_id,
            key=f"k{number}",
            state=ExecutionState.FAILED,
            error=("ValueError", text),
            tags={"note": text},
            metrics={"rows": [number], "share": [math.nan], "delta": [-1.5]},
            components=[Component("extract", metrics={"rows": [1]})],
        )


def test_every_format_holds_the_same_items(store, write, etl):
    """json, jsonl and yaml are equal; csv has a row for each item, with nested values as JSON."""
    write(story)
    document = etl("executions", "list", "-o", "json").json
    assert set(document) == {"items", "next_cursor"}
    assert yaml.safe_load(etl("executions", "list", "-o", "yaml").out) == document
    lines = etl("executions", "list", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == document["items"]
    rows = list(csv.DictReader(io.StringIO(etl("executions", "list", "-o", "csv").out)))
    assert [row["id"] for row in rows] == [item["id"] for item in document["items"]]
    assert [json.loads(row["metrics"]) for row in rows] == [item["metrics"] for item in document["items"]]
    assert list(rows[0]) == list(document["items"][0])
    table = etl("executions", "list").out.splitlines()
    assert len(table) == 1 + len(rows)


def test_one_thing_is_an_object_in_every_format(store, write, etl):
    """``show`` prints the object itself: no list around it."""
    write(story)
    show = ("executions", "show", "--job", "flights/load-flights", "--key", "k0")
    document = etl(*show, "-o", "json").json
    assert document["key"] == "k0"
    assert yaml.safe_load(etl(*show, "-o", "yaml").out) == document
    assert json.loads(etl(*show, "-o", "jsonl").out) == document
    (row,) = csv.DictReader(io.StringIO(etl(*show, "-o", "csv").out))
    assert json.loads(row["components"]) == document["components"]


def test_the_order_of_options_does_not_matter(store, write, etl):
    """``-o json`` means the same before the group, before the command and behind it; the last one wins."""
    write(story)
    expected = etl("executions", "list", "-o", "json").out
    assert etl("-o", "json", "executions", "list").out == expected
    assert etl("executions", "-o", "json", "list").out == expected
    assert etl("executions", "list", "--output=json").out == expected
    assert etl("-o", "csv", "executions", "list", "-ojson").out == expected


def test_no_cell_is_a_formula(store, write, etl):
    """What a spreadsheet would run begins with an apostrophe; numbers stay numbers."""
    write(
        lambda writer: [
            writer.execution(writer.job(f"flights/job {number}"), key=text if text.isprintable() else f"={number}")
            for number, text in enumerate(DANGEROUS)
        ]
    )
    rows = list(csv.DictReader(io.StringIO(etl("executions", "list", "-o", "csv").out)))
    assert len(rows) == len(DANGEROUS)
    assert all(row["key"].startswith("'") for row in rows)
    stats = next(csv.DictReader(io.StringIO(etl("executions", "stats", "-o", "csv").out)))
    assert float(stats["duration_p50"]) == 60


def test_tables_hold_nothing_that_steers_a_terminal(store, write, etl):
    """Controls, ANSI and bidi characters of recorded text are shown escaped, on one line."""
    nasty = "a\x1b[31mb\nc\rd\u202ee\x07"
    write(
        lambda writer: writer.execution(
            writer.job(), state=ExecutionState.FAILED, error=("E", nasty), tags={"t": nasty}, key="k"
        )
    )
    for arguments in (("list",), ("show", "--job", "flights/load-flights", "-v"), ("stats", "--by", "tag:t")):
        out = etl("executions", *arguments).out
        assert not set(out) & set("\x1b\r\u202e\x07"), arguments
        assert "\\x1b[31m" in out
    item = etl("executions", "list", "-o", "json").json["items"][0]
    assert item["tags"]["t"] == nasty


def test_data_is_all_there_is_on_standard_output(registered, etl, definitions):
    """Notes go to standard error, and -q silences them."""
    loud = etl("register-job", "job.yaml", "-o", "json")
    assert json.loads(loud.out)
    assert "nothing has changed" in loud.err
    quiet = etl("register-job", "job.yaml", "-o", "json", "-q")
    assert quiet.out == loud.out
    assert quiet.err == ""


def test_numbers_that_json_has_not_are_text(store, write, etl):
    """NaN is "nan": every JSON reader takes the output."""
    write(story)
    out = etl("executions", "list", "-o", "json").out
    items = json.loads(out, parse_constant=pytest.fail)["items"]
    assert items[0]["metrics"]["share"] == "nan"
    assert isinstance(items[0]["metrics"]["rows"], int)


def test_text_of_all_scripts_comes_out_as_it_is(store, write, process):
    """Output is UTF-8 whatever the locale says."""
    write(lambda writer: writer.execution(writer.job(), tags={"ort": "Zürich 日本 😀"}))
    for locale in ("C", "C.UTF-8", "POSIX"):
        result = process(
            "executions", "list", "-o", "json", ETL_MODELS_DATABASE_URL=store, LC_ALL=locale, PYTHONIOENCODING=""
        )
        assert result.json["items"][0]["tags"]["ort"] == "Zürich 日本 😀"


def test_times_are_exact_to_the_microsecond(store, write, etl):
    """Microseconds survive: data is exact."""
    moment = EPOCH.replace(microsecond=1)
    write(lambda writer: writer.execution(writer.job(), created_at=moment))
    assert etl("executions", "list", "-o", "json").json["items"][0]["created_at"] == "2013-01-01T06:00:00.000001Z"
