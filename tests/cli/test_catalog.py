"""``jobs``, ``components``, ``dataclasses``, ``metrics``, ``tags`` and ``component-types``."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.database("sqlite")

JOB = "flights/load-flights"


def names(result):
    return [item["name"] for item in result.json["items"]]


@pytest.mark.parametrize(
    ("noun", "name", "options"),
    [
        ("jobs", JOB, ()),
        ("dataclasses", "flights/raw_flight", ()),
        ("components", "extract", ("--job", JOB)),
        ("metrics", "flights/rows_out", ()),
        ("tags", "team=ops", ()),
    ],
)
def test_every_noun_can_be_listed_and_shown(registered, etl, noun, name, options):
    """Lists hold what was registered, a page shows it, and a name that is not there is exit code 4."""
    listed = etl(noun, "list", "-o", "json")
    assert listed.code == 0
    assert listed.json["items"]
    shown = etl(noun, "show", name, *options, "-o", "json")
    assert shown.code == 0, shown
    assert isinstance(shown.json, dict)
    page = etl(noun, "show", name, *options)
    assert page.code == 0
    assert name.rpartition("/")[2] in page.out
    missing = etl(noun, "show", "nobody", *options)
    assert missing.code == 4
    assert missing.out == ""
    assert "nobody" in missing.err


@pytest.mark.parametrize(
    ("noun", "name", "options"),
    [("jobs", JOB, ()), ("dataclasses", "flights/raw_flight", ()), ("components", "extract", ("--job", JOB))],
)
def test_definitions_have_versions_and_exports(registered, etl, noun, name, options):
    """``history`` lists version 1; ``export`` prints YAML, and JSON when asked."""
    history = etl(noun, "history", name, *options, "-o", "json")
    assert [item["version"] for item in history.json["items"]] == [1]
    assert etl(noun, "history", name, *options).code == 0
    assert "name:" in etl(noun, "export", name, *options).out
    assert etl(noun, "export", name, *options, "-o", "json").json


def test_deleting_hides_and_restoring_brings_back(registered, etl):
    """A deleted job is no longer listed or shown, unless deleted ones are asked for; restoring shows it again."""
    assert etl("jobs", "delete", JOB, "--yes").code == 0
    assert names(etl("jobs", "list", "-o", "json")) == []
    assert etl("jobs", "show", JOB).code == 4
    assert etl("jobs", "show", JOB, "--deleted", "-o", "json").json["is_deleted"] is True
    assert names(etl("jobs", "list", "--deleted", "-o", "json")) == ["load-flights"]
    assert etl("jobs", "restore", JOB).code == 0
    assert names(etl("jobs", "list", "-o", "json")) == ["load-flights"]


def test_what_is_used_cannot_be_deleted(registered, etl):
    """A dataclass and a metric of a living job, and a component others depend on, are refused with the reason."""
    for arguments in (
        ("dataclasses", "delete", "flights/raw_flight"),
        ("metrics", "delete", "flights/rows_out"),
        ("components", "delete", "extract", "--job", JOB),
    ):
        result = etl(*arguments, "--yes")
        assert result.code == 5, result
        assert "clean" in result.err or "extract" in result.err


def test_components_and_metrics_and_tags_are_deleted_and_restored(registered, etl):
    """A last component, a tag, and with their job gone a dataclass and a metric go and come back."""
    for arguments in (("components", "{}", "load", "--job", JOB), ("tags", "{}", "team=ops")):
        noun, _, *rest = arguments
        assert etl(noun, "delete", *rest, "--yes").code == 0
        assert etl(noun, "restore", *rest).code == 0
    assert etl("jobs", "delete", JOB, "--yes").code == 0
    for noun, name in (("metrics", "flights/rows_out"), ("dataclasses", "flights/raw_flight")):
        assert etl(noun, "delete", name, "--yes").code == 0
        assert etl(noun, "show", name).code == 4
        assert etl(noun, "restore", name).code == 0
        assert etl(noun, "show", name).code == 0


def test_a_component_is_found_without_its_job_when_there_is_one(registered, etl, here):
    """Only one job has such a component: it is meant. Two do: the error names them."""
    assert etl("components", "show", "clean", "-o", "json").json["job"] == "load-flights"
    (here / "other.yaml").write_text("{name: other, components: [{name: clean, component_type: filter}]}")
    assert etl("register-job", "other.yaml").code == 0
    result = etl("components", "show", "clean")
    assert result.code == 3
    assert "default/other" in result.err
    assert JOB in result.err
    assert etl("components", "show", "nobody").code == 4


def test_a_component_is_named_with_its_job_in_one_word(registered, etl, here):
    """``namespace/job.component``, as registering prints it; dots in either name do not confuse it."""
    (here / "dots.yaml").write_text("{name: a.b, components: [{name: c.d, component_type: x}]}")
    assert etl("register-job", "dots.yaml").code == 0
    for label, job, name in (
        ("flights/load-flights.clean", "load-flights", "clean"),
        ("default/a.b.c.d", "a.b", "c.d"),
    ):
        found = etl("components", "show", label, "-o", "json").json
        assert (found["job"], found["name"]) == (job, name)
    for missing in ("flights/load-flights.cleen", "flights/nothing.clean", "flights/load-flights", "a/."):
        result = etl("components", "show", missing)
        assert result.code == 4, result.err
        assert "NAMESPACE/JOB.COMPONENT" in result.err


def test_lists_are_filtered(registered, etl, here):
    """Namespace, name, status, tag and type narrow a list."""
    (here / "other.yaml").write_text("{name: other, status: draft, components: [{name: x, component_type: log}]}")
    assert etl("register-job", "other.yaml").code == 0
    for options, expected in (
        (("--namespace", "flights"), ["load-flights"]),
        (("--name", "load*"), ["load-flights"]),
        (("--name", "th"), ["other"]),
        (("--status", "draft"), ["other"]),
        (("--tag", "team=ops"), ["load-flights"]),
        (("--tag", "daily", "--tag", "team"), ["load-flights"]),
        (("--tag", "team=dev"), []),
        ((), ["other", "load-flights"]),
    ):
        assert names(etl("jobs", "list", *options, "-o", "json")) == expected, options
    assert names(etl("components", "list", "--type", "filter", "-o", "json")) == ["clean"]
    assert names(etl("components", "list", "--job", JOB, "-o", "json")) == ["extract", "clean", "load"]
    assert etl("jobs", "list", "--status", "nonsense").code == 3
    assert etl("jobs", "list", "--tag", "a", "--tag", "a=b").code == 2
    assert etl("jobs", "list", "--tag", "=b").code == 2


def test_pages_are_followed(store, etl, here):
    """``--limit`` makes pages that ``--cursor`` continues, ``--all`` follows them to the end."""
    jobs = "".join(f"\n  - {{name: job{number}, components: []}}" for number in range(5))
    (here / "many.yaml").write_text(f"version: 1\njobs:{jobs}\n")
    assert etl("register-job", "many.yaml").code == 0
    first = etl("jobs", "list", "--limit", "2", "-o", "json").json
    assert len(first["items"]) == 2
    second = etl("jobs", "list", "--limit", "2", "--cursor", first["next_cursor"], "-o", "json").json
    assert [item["name"] for item in first["items"] + second["items"]] == ["job0", "job1", "job2", "job3"]
    everything = etl("jobs", "list", "--limit", "2", "--all", "-o", "json").json
    assert len(everything["items"]) == 5
    assert everything["next_cursor"] is None
    table = etl("jobs", "list", "--limit", "2")
    assert first["next_cursor"] in table.err
    assert etl("jobs", "list", "--cursor", "broken").code == 3


def test_component_types_are_listed_and_shown(store, etl, here):
    """A registered type is shown with its schema."""
    (here / "types.yaml").write_text(
        "version: 1\ncomponent_types:\n  - {name: read_csv, description: Reads, configuration_schema: {type: object}}\n"
    )
    applied = etl("apply", "types.yaml")
    assert applied.code == 0, applied
    assert names(etl("component-types", "list", "-o", "json")) == ["read_csv"]
    assert etl("component-types", "show", "read_csv", "-o", "json").json["configuration_schema"] == {"type": "object"}
    assert "type: object" in etl("component-types", "show", "read_csv").out
    assert "read_csv" in etl("component-types", "list").out
    missing = etl("component-types", "show", "read_cvs")
    assert missing.code == 4
    assert "did you mean 'read_csv'" in missing.err


def test_an_empty_list_says_so(store, etl):
    """People get a sentence, programs an empty list, spreadsheets a head."""
    for noun in ("jobs", "components", "dataclasses", "metrics", "tags", "component-types", "executions"):
        assert etl(noun, "list").out.startswith("no ")
        assert etl(noun, "list", "-o", "json").json == {"items": [], "next_cursor": None}
        assert etl(noun, "list", "-o", "jsonl").out == ""
        head = etl(noun, "list", "-o", "csv").out
        assert len(head.splitlines()) == 1
        assert "," in head
