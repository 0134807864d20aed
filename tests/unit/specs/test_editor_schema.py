"""The JSON Schema for editors accepts what loads, and refuses what JSON Schema can refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from etl_models.errors import DefinitionError
from etl_models.specs.editor_schema import definitions_schema
from etl_models.specs.loader import load
from etl_models.specs.yaml_source import parse

GOOD = Path(__file__).parents[2] / "data" / "definitions" / "good"
SCHEMA = definitions_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_json_schema() -> None:
    """Valid against the metaschema, the same every time, plain JSON."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(definitions_schema())) == SCHEMA


@pytest.mark.parametrize("file", sorted(GOOD.glob("*.yaml")) + sorted(GOOD.glob("*.json")), ids=lambda file: file.name)
def test_good_files_are_valid(file: Path) -> None:
    """What loads gives no red lines while it is written."""
    for parsed in parse(file.read_text()):
        value = {key: item for key, item in parsed.value.items() if key != "version" or "jobs" in parsed.value}
        assert [error.message for error in VALIDATOR.iter_errors(value)] == []


@pytest.mark.parametrize("name", ["flights.json", "etl_core_job.json"])
def test_documents_that_specs_write_are_valid(name: str) -> None:
    """An exported document can be edited as a file again."""
    assert VALIDATOR.is_valid(load(GOOD / name).document())


@pytest.mark.parametrize(
    "value",
    [
        {"jobs": [{"name": "a", "colour": 1}]},
        {"jobs": [{"nmae": "a"}]},
        {"jobs": [{"name": ""}]},
        {"jobs": [{"name": 1}]},
        {"jobs": {"name": "a"}},
        {"jobs": [{"name": "a", "strategy_type": "bluk"}]},
        {"jobs": [{"name": "a", "num_of_retries": -1}]},
        {"jobs": [{"name": "a", "num_of_retries": 1.5}]},
        {"jobs": [{"name": "a", "file_logging": "yes"}]},
        {"jobs": [{"name": "a", "tags": [1]}]},
        {"jobs": [{"name": "a", "tags": ["a=b"]}]},
        {"jobs": [{"name": "a", "schedule": {"trigger_type": "never", "trigger_args": {}}}]},
        {"jobs": [{"name": "a", "components": [{"name": "c"}]}]},
        {"jobs": [{"name": "a", "components": [{"name": "c", "component_type": "t", "comp_type": "t"}]}]},
        {
            "jobs": [
                {"name": "a", "components": [{"name": "c", "component_type": "t", "payload": {}, "configuration": {}}]}
            ]
        },
        {"jobs": [{"name": "a", "components": [{"name": "c", "component_type": "t", "depends_on": [1]}]}]},
        {
            "jobs": [
                {"name": "a", "components": [{"name": "c", "component_type": "t", "depends_on": [{"in_port": "x"}]}]}
            ]
        },
        {"jobs": [{"name": "a", "components": [{"name": "c", "component_type": "t", "layout": {"x": "1"}}]}]},
        {"version": 2},
        {"dataclasses": [{"name": "d", "validation_rules": {"r": {"type": "required"}}}]},
        {
            "dataclasses": [
                {"name": "d", "validation_rules": {"r": {"type": "required", "field": "a", "fields": ["a"]}}}
            ]
        },
        {"dataclasses": [{"name": "d", "validation_rules": {"r": {"type": "range", "field": "a"}}}]},
        {"dataclasses": [{"name": "d", "validation_rules": {"r": {"type": "allowed", "field": "a", "values": []}}}]},
        {"dataclasses": [{"name": "d", "validation_rules": {"r": {"type": "magic", "field": "a"}}}]},
        {"metrics": [{"name": "m", "kind": "magic"}]},
        [],
        "jobs",
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_what_is_wrong_by_shape_is_refused_by_both(value: Any) -> None:
    """The editor and the loader agree on keys, types, vocabularies and limits."""
    assert not VALIDATOR.is_valid(value)
    if isinstance(value, dict):
        with pytest.raises(DefinitionError):
            load(value)


def test_every_field_has_a_title_and_a_description() -> None:
    """Hovering over any key says what it is for."""
    silent = [
        f"{name}.{field}"
        for name, part in SCHEMA["$defs"].items()
        for field, schema in (part.get("properties") or part.get("anyOf", [{}])[-1].get("properties", {})).items()
        if not schema.get("title") or not schema.get("description")
    ]
    assert silent == []


def test_other_spellings_are_marked_as_deprecated() -> None:
    """Editors strike through what is accepted for the sake of etl-core."""
    component = SCHEMA["$defs"]["ComponentSpec"]["properties"]
    assert {name for name, part in component.items() if part.get("deprecated")} == {"comp_type", "payload", "routes"}


def test_every_object_is_closed() -> None:
    """Unknown keys are errors wherever we define the keys."""
    parts = [part.get("anyOf", [part])[-1] for part in SCHEMA["$defs"].values()]
    assert all(part.get("additionalProperties") is False for part in parts if "properties" in part)
