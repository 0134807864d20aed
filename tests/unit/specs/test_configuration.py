"""Configurations against the schema of their component type."""

from __future__ import annotations

from typing import Any

import pytest

from etl_models.errors import Problem
from etl_models.specs.configuration import check_configuration

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["path"],
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string", "minLength": 2},
        "rows": {"type": "integer", "minimum": 1, "maximum": 10},
        "mode": {"enum": ["text", "binary", 3]},
        "password": {"type": "string", "pattern": "^x", "minLength": 20},
        "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "nested": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}}},
    },
}


@pytest.mark.parametrize(
    "configuration",
    [
        {"path": "a.csv"},
        {"path": "a.csv", "rows": 3, "mode": "text", "either": None, "nested": [{"a": None}, {"b": 1}]},
        {"path": {"secret": "p"}, "password": {"secret": "db/pw"}, "either": {"secret": "x"}},
        {"path": "a.csv", "mode": {"secret": "m"}},
    ],
)
def test_configurations_that_fit(configuration: dict[str, Any]) -> None:
    """A reference to a secret stands for any text: nobody knows its value before the job runs."""
    assert check_configuration(configuration, SCHEMA) == []


@pytest.mark.parametrize(
    ("configuration", "path", "message"),
    [
        ({}, "path", "required key 'path' is missing"),
        ({"path": 3}, "path", "must be of type string, not a whole number"),
        ({"path": "x"}, "path", "does not meet 'minLength' 2 of its component type"),
        ({"path": "ab", "rows": 11}, "rows", "does not meet 'maximum' 10 of its component type"),
        ({"path": "ab", "rows": {"secret": "n"}}, None, ""),
        ({"path": "ab", "pth": 1}, "pth", "unknown key 'pth' for this component type; did you mean 'path'?"),
        (
            {"path": "ab", "mode": "txt"},
            "mode",
            "must be one of the 3 values that its component type allows; did you mean 'text'?",
        ),
        ({"path": "ab", "password": "hunter2"}, "password", "does not meet 'pattern' of its component type"),
        ({"path": "ab", "either": 3}, "either", "does not meet 'anyOf' of its component type"),
        ({"path": "ab", "nested": [{"a": 1}, {"a": "x"}]}, "nested[1].a", "must be of type integer or null, not text"),
    ],
)
def test_configurations_that_do_not_fit(configuration: dict[str, Any], path: str | None, message: str) -> None:
    """Path and reason are named, the value is not."""
    found = check_configuration(configuration, SCHEMA, "components[0].configuration")
    expected = [] if path is None else [Problem(message, path=f"components[0].configuration.{path}")]
    assert [each for each in found if "minLength' 20" not in each.message] == expected


def test_nothing_is_fetched() -> None:
    """A schema that refers to the network is a problem, not a request."""
    [problem] = check_configuration({}, {"$ref": "http://127.0.0.1:9/schema.json"})
    assert problem.message.startswith("cannot be checked: the schema of the component type refers to something")


def test_endless_references_end() -> None:
    """A schema that refers to itself without end is a problem, not a crash."""
    [problem] = check_configuration({}, {"$ref": "#"})
    assert problem.message.startswith("cannot be checked: the schema of the component type refers to itself")


def test_only_so_many_problems_are_found() -> None:
    """A list of a thousand wrong items is not a thousand problems."""
    assert len(check_configuration(["x"] * 1000, {"items": {"type": "integer"}}, "")) == 100


def test_closed_patterns_are_said_plainly() -> None:
    """A key that no pattern allows is a problem of its mapping when no property is near."""
    schema = {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": False}
    assert [each.path for each in check_configuration({"a": 1, "x1": 2}, schema, "c")] == []
    assert [each.path for each in check_configuration({"a": 1, "y1": 2}, schema, "c")] == ["c.y1"]
