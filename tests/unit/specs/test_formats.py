"""The same definitions in YAML, TOML and JSON; from files, folders, standard input and dicts."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from etl_models.errors import DefinitionError
from etl_models.specs.component import ComponentSpec, LayoutSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.job import JobSpec
from etl_models.specs.loader import load, validate_paths

GOOD = Path(__file__).parents[2] / "data" / "definitions" / "good"
FORMATS = ["yaml", "toml", "json"]


def plain(name: str) -> dict[str, Any]:
    """The JSON form of the example, as the standard library reads it."""
    content: dict[str, Any] = json.loads((GOOD / name).read_text())
    return content


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_document(form: str) -> None:
    """YAML, TOML, JSON and the plain dict of one example give equal specs and equal documents."""
    expected = load(plain("flights.json"))
    found = load(GOOD / f"flights.{form}")
    assert found == expected
    assert found.document() == expected.document()


@pytest.mark.parametrize("form", FORMATS)
def test_standard_input_is_read_without_being_told_its_format(form: str) -> None:
    """``-`` guesses the format of what it is given."""
    data = (GOOD / f"flights.{form}").read_bytes()
    assert load("-", stdin=io.BytesIO(data)) == load(GOOD / "flights.json")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"jobs": [{"name": "a"}]}', "a"),
        ("{jobs: [{name: a}]}", "a"),
        ("# jobs = 1\n[[jobs]]\nname = 'a'\n", "a"),
        ("version = 1\njobs = [{name = 'a'}]\n", "a"),
        ('"version" = 1\njobs = [{name = "a"}]\n', "a"),
        ("# [jobs]\njobs:\n- name: a\n", "a"),
        ("---\njobs: [{name: a = b}]\n", "a = b"),
        ("jobs:\n  - name: 'x = 1'\n", "x = 1"),
    ],
)
def test_the_format_of_a_text_shows_in_its_first_line(text: str, name: str) -> None:
    """Comments and equal signs inside YAML mislead nobody."""
    assert load("-", stdin=io.BytesIO(text.encode())).jobs[0].name == name


def test_the_example_is_read_as_it_is_written() -> None:
    """Values arrive typed, defaults filled in, references short inside their own namespace."""
    document = load(GOOD / "flights.yaml")
    job = document.jobs[0]
    extract, clean, loading = job.components
    assert (job.namespace, job.name, job.strategy_type, job.num_of_retries) == ("flights", "load-flights", "bulk", 2)
    assert job.tags == {"daily": None, "team": "ops"}
    assert extract.configuration["country"] == "no"
    assert extract.configuration["since"] == "2013-01-01"
    assert [(edge.component, edge.out_port, edge.in_port) for edge in loading.depends_on] == [
        ("clean", "rejected", "left"),
        ("clean", "out", "in"),
    ]
    assert loading.inputs == ("clean_flight", "shared/carrier")
    assert clean.layout == LayoutSpec(x=100.5, y=-20.0)
    assert loading.layout is None
    assert {metric.namespace for metric in document.metrics} == {"flights"}


def test_spellings_of_etl_core_are_read_and_never_written() -> None:
    """comp_type, payload, routes, x_coord and y_coord mean component_type, configuration, depends_on, x and y."""
    job = load(GOOD / "etl_core_job.json").jobs[0]
    ours = {
        "name": "LinearJob",
        "components": [
            {
                "name": "source",
                "component_type": "read_csv",
                "configuration": {"filepath": "in.csv"},
                "layout": {"x": 10, "y": 20},
            },
            {"name": "echo", "component_type": "test", "depends_on": ["source"]},
            {
                "name": "audit",
                "component_type": "write_csv",
                "depends_on": [
                    {"component": "source", "out_port": "log"},
                    {"component": "source", "in_port": "left"},
                    {"component": "source", "out_port": "errors"},
                    "echo",
                ],
            },
        ],
    }
    assert job == load(ours).jobs[0]
    written = json.dumps(job.document())
    assert not [word for word in ("comp_type", "payload", "routes", "x_coord", "y_coord") if f'"{word}"' in written]


def test_bare_definitions_are_documents_of_one() -> None:
    """A job or dataclass at the top of a file needs no document around it."""
    job = load(GOOD / "bare_job.yaml", kind="job").jobs[0]
    assert (job.namespace, job.name, [component.name for component in job.components]) == (
        "shop",
        "load-orders",
        ["read", "write"],
    )
    dataclass = load(GOOD / "bare_dataclass.toml", kind="dataclass").dataclasses[0]
    assert dataclass.schema_definition == {"type": "object"}
    component = load(GOOD / "bare_component.yaml", kind="component")
    assert isinstance(component, ComponentSpec)
    assert component.depends_on[0].component == "read"


@pytest.mark.parametrize("kind", ["job", "dataclass", "component"])
def test_the_kind_asked_for_decides_where_keys_do_not(kind: Any) -> None:
    """A mapping with nothing but a name is what the command wants it to be."""
    given = {"name": "x"} | ({"component_type": "t"} if kind == "component" else {})
    found = load(given, kind=kind)
    if kind == "component":
        assert found.name == "x"
    else:
        assert len(found.jobs) == (kind == "job")
        assert len(found.dataclasses) == (kind == "dataclass")


def test_anchors_and_merge_keys_write_once_what_is_common() -> None:
    """What a mapping says itself wins over what it merges; of merged mappings the first wins."""
    first, second, third = load(GOOD / "aliases.yaml").jobs[0].components
    assert (second.name, second.component_type) == ("read-b", first.component_type)
    assert second.configuration == {"path": "b.csv", "encoding": "utf-8"}
    assert (third.name, third.status, third.configuration) == ("read-c", "draft", first.configuration)


def test_a_yaml_file_may_hold_several_documents() -> None:
    """Each document has its own namespace; together they are one load."""
    jobs = load(GOOD / "several_documents.yaml").jobs
    assert [(job.namespace, job.name) for job in jobs] == [("default", "one"), ("other", "one")]


def test_a_folder_is_read_recursively_in_order(tmp_path: Path) -> None:
    """Files are read sorted by name; other suffixes and everything hidden is left alone."""
    for name in ("b/two.toml", "a.yaml", "c.json", "notes.md", ".hidden.yaml", ".git/config.yaml", "b/.cache/x.yml"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        stem = file.stem
        text = {".toml": f"[[jobs]]\nname = '{stem}'\n", ".json": json.dumps({"jobs": [{"name": stem}]})}
        file.write_text(text.get(file.suffix, f"jobs: [{{name: {stem}}}]\n"))
    assert [job.name for job in load(tmp_path).jobs] == ["a", "two", "c"]


def test_files_may_refer_to_each_other(tmp_path: Path) -> None:
    """A job in one file reads a dataclass of another, in whatever order they are given."""
    job, shape = tmp_path / "job.yaml", tmp_path / "shape.yaml"
    job.write_text("name: j\ncomponents: [{name: c, component_type: t, inputs: [row, other/row]}]\n")
    shape.write_text("dataclasses: [{name: row}, {name: row, namespace: other}]\n")
    for paths in ([job, shape], [shape, job], [tmp_path]):
        summary = validate_paths(paths)
        assert (summary.jobs, summary.components, summary.dataclasses) == (1, 1, 2)
    with pytest.raises(DefinitionError, match="unknown dataclass 'default/row'; pass the file that defines it too"):
        validate_paths([job])


def test_what_a_component_writes_need_not_be_described() -> None:
    """An output in the job's own namespace is known to the other components; a misspelt input is still refused."""
    writer = {"name": "w", "component_type": "t", "outputs": ["clean_row"]}
    reader = {"name": "r", "component_type": "t", "inputs": ["clean_row"]}
    assert load({"name": "j", "components": [writer, reader]}, known_dataclasses=()).jobs
    with pytest.raises(DefinitionError, match="unknown dataclass 'default/clean_rwo'; did you mean 'clean_row'"):
        load({"name": "j", "components": [writer, reader | {"inputs": ["clean_rwo"]}]}, known_dataclasses=())
    with pytest.raises(DefinitionError, match="unknown dataclass 'other/clean_row'"):
        load({"name": "j", "components": [writer | {"outputs": ["other/clean_row"]}]}, known_dataclasses=())


def test_links_to_files_are_followed(tmp_path: Path) -> None:
    """Mounted configuration (a folder of links into a hidden folder) is read once."""
    hidden = tmp_path / "..data"
    hidden.mkdir()
    (hidden / "job.yaml").write_text("jobs: [{name: a}]\n")
    (tmp_path / "job.yaml").symlink_to(hidden / "job.yaml")
    assert len(load(tmp_path).jobs) == 1


def test_specs_are_sources_too() -> None:
    """What was loaded or built in Python can be loaded again, alone or with others."""
    job = JobSpec(name="a")
    document = DefinitionDocument(jobs=(JobSpec(name="b"),))
    assert load(job).jobs == (job,)
    assert load([job, document, {"name": "c", "components": []}]).jobs == (job, *document.jobs, JobSpec(name="c"))


def test_known_dataclasses_need_no_file() -> None:
    """References are checked against what the caller knows, or not at all."""
    job = {"name": "a", "components": [{"name": "c", "component_type": "t", "inputs": ["row", "x/row"]}]}
    assert load(job).jobs
    assert load(job, known_dataclasses=["default/row", "x/row"]).jobs
    assert load(job, known_dataclasses=lambda reference: reference.name == "row").jobs
    with pytest.raises(DefinitionError) as raised:
        load(job, known_dataclasses={"default/row"})
    assert [problem.path for problem in raised.value.problems] == ["components[0].inputs[1]"]


def test_validation_counts_what_it_read() -> None:
    """The summary names files and definitions of every kind; bare components count too."""
    names = ["flights.yaml", "bare_job.yaml", "bare_component.yaml", "bare_dataclass.toml"]
    with pytest.raises(DefinitionError, match="unknown dataclass 'shared/carrier'"):
        validate_paths([GOOD / name for name in names])
    shared = {"namespace": "shared", "dataclasses": [{"name": "carrier"}]}
    summary = validate_paths([*(GOOD / name for name in names), shared])
    assert (summary.files, summary.jobs, summary.components, summary.dataclasses) == (4, 2, 6, 4)
    assert (summary.metrics, summary.component_types) == (1, 1)


def test_null_means_not_given() -> None:
    """An optional key without a value has its default, as if the line were not there."""
    assert load({"name": "a", "description": None, "components": None, "tags": None}, kind="job") == load(
        {"name": "a"}, kind="job"
    )


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbfjobs:\r\n- name: a\r\n", b"jobs:\n- name: a", b"jobs:\n- name: a\n...\n"]
)
def test_byte_order_marks_and_line_ends_do_not_matter(text: bytes) -> None:
    """A file saved on Windows means the same."""
    assert load("-", stdin=io.BytesIO(text)).jobs[0].name == "a"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_name_with_control_characters_is_shown_escaped(tmp_path: Path) -> None:
    """A name cannot steer the terminal that shows the problem."""
    file = tmp_path / "a\x1b[31m\n.yaml"
    file.write_text("[]")
    with pytest.raises(DefinitionError) as raised:
        load(file)
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)
