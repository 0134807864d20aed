"""``register-*``, ``apply``, ``validate`` and ``schema``."""

from __future__ import annotations

import io
import json
import sys

import pytest

pytestmark = pytest.mark.database("sqlite")


def actions(result):
    return [(item["kind"], item["name"], item["action"]) for item in result.json["items"]]


def test_registering_says_what_it_did(store, etl, definitions):
    """The first time everything is created; the second time nothing changes, and that is said."""
    first = etl("register-job", str(definitions), "-o", "json")
    assert first.code == 0
    assert ("job", "load-flights", "created") in actions(first)
    assert first.json["next_cursor"] is None
    second = etl("register-job", str(definitions), "-o", "json")
    assert {action for _, _, action in actions(second)} == {"unchanged"}
    assert "nothing has changed" in second.err


def test_a_changed_file_makes_a_version(registered, etl, definitions):
    """The job is updated in place; its history has both versions, the newest first."""
    before = etl("jobs", "show", "flights/load-flights", "-o", "json").json
    definitions.write_text(definitions.read_text().replace("num_of_retries: 2", "num_of_retries: 3"))
    assert ("job", "load-flights", "updated") in actions(etl("register-job", "job.yaml", "-o", "json"))
    after = etl("jobs", "show", "flights/load-flights", "-o", "json").json
    assert (before["num_of_retries"], after["num_of_retries"]) == (2, 3)
    assert [item["id"] for item in before["components"]] == [item["id"] for item in after["components"]]
    history = etl("jobs", "history", "flights/load-flights", "-o", "json").json
    assert [item["version"] for item in history["items"]] == [2, 1]


def test_a_definition_comes_from_standard_input(store, etl, definitions, monkeypatch):
    """``-`` is standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(definitions.read_bytes())))
    assert etl("register-job", "-").code == 0
    assert etl("jobs", "show", "flights/load-flights").code == 0


def test_an_export_registers_the_same_again(registered, etl, here):
    """What ``jobs export`` prints changes nothing when it is registered."""
    for name, options in (("again.yaml", ()), ("again.json", ("-o", "json"))):
        exported = etl("jobs", "export", "flights/load-flights", *options)
        (here / name).write_text(exported.out)
        result = etl("register-job", name, "-o", "json")
        assert {action for _, _, action in actions(result)} == {"unchanged"}, result


def test_a_component_is_registered_into_its_job(registered, etl, here):
    """A bare component joins the job that is named; the job gets a new version."""
    (here / "audit.yaml").write_text("{name: audit, component_type: log, depends_on: [load]}")
    result = etl("register-component", "audit.yaml", "--job", "flights/load-flights", "-o", "json")
    assert result.code == 0, result
    names = [item["name"] for item in etl("jobs", "show", "flights/load-flights", "-o", "json").json["components"]]
    assert names == ["extract", "clean", "load", "audit"]
    assert etl("register-component", "audit.yaml", "--job", "flights/none").code == 4
    assert etl("register-component", "audit.yaml").code == 2


def test_a_dataclass_is_registered(store, etl, here):
    """A bare dataclass is taken by ``register-dataclass``, and a folder by ``apply``."""
    (here / "one.yaml").write_text("{name: thing, schema_definition: {type: object}}")
    assert etl("register-dataclass", "one.yaml").code == 0
    assert etl("dataclasses", "show", "thing").code == 0
    folder = here / "definitions"
    folder.mkdir()
    (folder / "two.toml").write_text('version = 1\n[[dataclasses]]\nname = "other"\n')
    assert etl("apply", "definitions").code == 0
    assert etl("dataclasses", "show", "default/other").code == 0


def test_every_problem_is_told_with_its_place(etl, here):
    """``validate`` needs no database; all problems of a file come at once, with line, column and path."""
    (here / "bad.yaml").write_text(
        "version: 1\njobs:\n  - name: a\n    num_of_retries: -1\n    compnents: []\n    strategy_type: bluk\n"
    )
    result = etl("validate", "bad.yaml")
    assert result.code == 3
    assert result.out == ""
    for words in ("bad.yaml:4:", "jobs[0].num_of_retries", "components", "bulk"):
        assert words in result.err
    problems = etl("validate", "bad.yaml", "-o", "json").error["details"]["problems"]
    assert len(problems) >= 3
    assert all(problem["line"] for problem in problems)
    assert not (here / "etl_models.db").exists()


def test_valid_files_are_counted(etl, definitions):
    """``validate`` says what the files define."""
    assert etl("validate", "job.yaml", "-o", "json").json == {
        "valid": True,
        "files": 1,
        "dataclasses": 1,
        "jobs": 1,
        "components": 3,
        "metrics": 1,
        "component_types": 0,
    }
    assert "1 jobs, 3 components" in etl("validate", "job.yaml").out


@pytest.mark.parametrize("command", [("register-job",), ("validate",), ("apply",), ("register-dataclass",)])
def test_a_file_that_is_not_there_is_an_error(store, etl, command):
    """The message names the file."""
    result = etl(*command, "nowhere.yaml")
    assert result.code == 3
    assert "nowhere.yaml" in result.err


def test_the_schema_for_editors_is_printed(etl):
    """``schema definitions`` is JSON Schema, also without -o."""
    document = etl("schema", "definitions").json
    assert document["$schema"].startswith("https://json-schema.org/")
    assert document == json.loads(etl("schema").out)
    assert etl("schema", "nonsense").code == 2
