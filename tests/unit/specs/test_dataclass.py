"""Dataclasses and their rules, metrics, component types, documents."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from etl_models.specs.base import Spec, findings_of
from etl_models.specs.component_type import ComponentTypeSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.metric import MetricSpec
from etl_models.specs.positions import show
from etl_models.specs.rule import CustomRule, RangeRule, RequiredRule

SCHEMA = {
    "type": "object",
    "properties": {
        "carrier": {"type": "string"},
        "origin": {"type": "object", "properties": {"code": {}, "city": {}}},
        "open": {"type": "object"},
        "dotted.name": {},
    },
}


def problems(spec: type[Spec], data: Any) -> list[str]:
    """What is wrong with a spec, as ``path: message``."""
    try:
        spec.model_validate(data)
    except ValidationError as error:
        return [f"{show(found.loc)}: {found.message}" for found in findings_of(error)]
    return []


def rule_problems(rule: Any, schema: Any = None) -> list[str]:
    """What is wrong with a dataclass that has one rule."""
    return problems(DataclassSpec, {"name": "d", "schema_definition": schema or {}, "validation_rules": {"r": rule}})


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "required", "field": "a"},
        {"type": "required", "fields": ["a", "b"], "severity": "warning"},
        {"type": "range", "field": "a", "min": 0},
        {"type": "range", "field": "a", "max": 0.5, "min": 0.5},
        {"type": "format", "field": "a", "pattern": ""},
        {"type": "allowed", "field": "a", "values": ["x", 1, 1.5, True, None]},
        {"type": "unique", "fields": ["a", "b"], "severity": "info", "description": "No twins."},
        {"type": "custom", "callable": "package.module:function"},
        {"type": "custom", "callable": "m:Class.method", "field": "a"},
        {"type": "custom", "callable": "прав.ила:проверка"},
    ],
)
def test_rules_that_are_right(rule: dict[str, Any]) -> None:
    """Each type of rule is read with its own keys."""
    assert rule_problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"type": "required"}, ": required key 'field' is missing (or 'fields', a list)"),
        ({"type": "required", "fields": []}, ".fields: must not be empty"),
        ({"type": "required", "field": ["a"]}, ".field: must be text, not a list"),
        ({"type": "required", "field": "a", "fields": ["b"]}, ".fields: give either 'field' or 'fields', not both"),
        (
            {"type": "required", "field": "a", "severty": "error"},
            ".severty: unknown key 'severty'; did you mean 'severity'?",
        ),
        (
            {"type": "required", "field": "a", "severity": "fatal"},
            ".severity: must be one of 'error', 'warning', 'info'",
        ),
        ({"type": "required", "field": "a", "min": 1}, ".min: unknown key 'min'"),
        ({"type": "range", "field": "a"}, ": required key 'min' or 'max' is missing"),
        ({"type": "range", "field": "a", "min": 2, "max": 1}, ".min: must not be greater than 'max'"),
        ({"type": "range", "field": "a", "min": "1"}, ".min: must be a number, not text"),
        ({"type": "range", "field": "a", "max": True}, ".max: must be a number, not a truth value"),
        ({"type": "range", "field": "a", "max": float("nan")}, ".max: must be a finite number"),
        ({"type": "range", "field": "a", "max": 2**70}, ".max: is a whole number beyond 64 bits"),
        ({"type": "format", "field": "a"}, ".pattern: required key 'pattern' is missing"),
        ({"type": "format", "field": "a", "pattern": "("}, ".pattern: is not a valid regular expression: missing )"),
        ({"type": "format", "field": "a", "pattern": "a{9999999999}"}, ".pattern: is not a valid regular expression"),
        ({"type": "allowed", "field": "a", "values": []}, ".values: must not be empty"),
        (
            {"type": "allowed", "field": "a", "values": [[1]]},
            ".values[0]: must be text, a number, a truth value or null",
        ),
        ({"type": "allowed", "field": "a", "values": "x"}, ".values: must be a list, not text"),
        ({"type": "custom"}, ".callable: required key 'callable' is missing"),
        ({"type": "custom", "callable": "os.system"}, ".callable: must name a function as 'package.module:function'"),
        ({"type": "custom", "callable": "a:b()"}, ".callable: must name a function"),
        ({"type": "custom", "callable": "a b:c"}, ".callable: must name a function"),
        ({"type": "custom", "callable": "a:" + "b" * 500}, ".callable: must name a function"),
        (
            {"type": "rang", "field": "a"},
            ".type: must be one of 'required', 'range', 'format', 'allowed', 'unique', 'custom'; did",
        ),
        ({"type": 3, "field": "a"}, ".type: must be one of"),
        ({"field": "a"}, ".type: required key 'type' is missing"),
        ("required", ": must be a mapping (key: value), not text"),
        (None, ": must be a mapping (key: value), not nothing (null)"),
    ],
)
def test_rules_that_are_wrong(rule: Any, expected: str) -> None:
    """Each problem names the key of the rule it is about."""
    [problem] = rule_problems(rule)
    assert problem.startswith(f"validation_rules.r{expected}")


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("carrier", None),
        ("origin", None),
        ("origin.code", None),
        ("dotted.name", None),
        ("open.anything.goes", None),
        ("carier", "the schema has no property 'carier'; did you mean 'carrier'?"),
        ("origin.cod", "the schema has no property 'cod'; did you mean 'code'?"),
        ("orign.code", "the schema has no property 'orign'; did you mean 'origin'?"),
        ("carrier.code", None),  # a text has no fields, but the schema does not say so
    ],
)
def test_rules_speak_of_fields_the_schema_has(field: str, said: str | None) -> None:
    """A misspelt field would make a rule that never fails; a dot leads into a nested record."""
    expected = [] if said is None else [f"validation_rules.r.field: {said}"]
    assert rule_problems({"type": "required", "field": field}, SCHEMA) == expected


@pytest.mark.parametrize("keyword", ["$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties"])
def test_a_schema_made_of_parts_may_have_any_field(keyword: str) -> None:
    """Where properties may be described elsewhere, no field can be called unknown."""
    value: Any = {"$ref": "#", "if": True, "patternProperties": {"^x": True}}.get(keyword, [True])
    assert rule_problems({"type": "required", "field": "zzz"}, SCHEMA | {keyword: value}) == []
    assert rule_problems({"type": "required", "field": "zzz"}, {"type": "object"}) == []


def test_rules_keep_their_types() -> None:
    """A loaded rule is of the class of its type."""
    spec = DataclassSpec.model_validate(
        {
            "name": "d",
            "validation_rules": {
                "a": {"type": "required", "field": "x"},
                "b": {"type": "range", "field": "x", "min": 1, "max": 2.5},
                "c": {"type": "custom", "callable": "m:f"},
            },
        }
    )
    assert [type(rule) for rule in spec.validation_rules.values()] == [RequiredRule, RangeRule, CustomRule]
    assert DataclassSpec.model_validate(spec.document()) == spec


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "d", "dataclass_type": ""}, ["dataclass_type: must not be empty"]),
        ({"name": "d", "schema_definition": []}, ["schema_definition: must be a mapping (key: value), not a list"]),
        (
            {"name": "d", "schema_definition": True},
            ["schema_definition: must be a mapping (key: value), not a truth value"],
        ),
        ({"name": "d", "validation_rules": []}, ["validation_rules: must be a mapping (key: value), not a list"]),
        (
            {"name": "d", "validation_rules": {"a/b": {"type": "unique", "field": "x"}}},
            ['validation_rules["a/b"]: must not hold'],
        ),
        (
            {"name": "d", "validation_rules": {3: {"type": "unique", "field": "x"}}},
            ["validation_rules[3]: must be text"],
        ),
        ({"schema": {}}, ["schema: unknown key 'schema'", "name: required key 'name' is missing"]),
    ],
)
def test_a_dataclass_refuses_what_it_cannot_hold(data: Any, expected: list[str]) -> None:
    """Shapes, names and keys are checked."""
    found = problems(DataclassSpec, data)
    assert len(found) == len(expected)
    assert all(problem.startswith(start) for problem, start in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"name": "m"}, []),
        ({"name": "m", "unit": "rows/s", "kind": "ratio", "direction": "lower_is_better"}, []),
        ({"name": "m", "unit": "u" * 51}, ["unit: is 51 characters long; at most 50 are allowed"]),
        ({"name": "m", "unit": None}, []),
        (
            {"name": "m", "direction": "up"},
            ["direction: must be one of 'higher_is_better', 'lower_is_better', 'neutral'"],
        ),
        ({"name": ""}, ["name: must not be empty"]),
    ],
)
def test_metrics(data: Any, expected: list[str]) -> None:
    """A metric has a name, and may have a unit, a kind and a direction."""
    assert problems(MetricSpec, data) == expected


def test_component_types_bring_a_schema_that_is_one() -> None:
    """The schema of a configuration is checked when the type is defined."""
    assert problems(ComponentTypeSpec, {"name": "t", "configuration_schema": {"type": "object"}}) == []
    [problem] = problems(ComponentTypeSpec, {"name": "t", "configuration_schema": {"properties": {"a": 1}}})
    assert problem.startswith("configuration_schema.properties.a: must be a schema")


def test_items_take_the_namespace_of_their_document() -> None:
    """An item with a namespace of its own keeps it; component types have none."""
    document = DefinitionDocument.model_validate(
        {
            "namespace": "n",
            "jobs": [{"name": "a"}, {"name": "a", "namespace": "other"}],
            "dataclasses": [{"name": "d"}],
            "metrics": [{"name": "m"}],
            "component_types": [{"name": "t"}],
        }
    )
    assert [job.namespace for job in document.jobs] == ["n", "other"]
    assert (document.dataclasses[0].namespace, document.metrics[0].namespace) == ("n", "n")
    assert DefinitionDocument.model_validate(document.document()) == document


@pytest.mark.parametrize("key", ["jobs", "dataclasses", "metrics", "component_types"])
def test_nothing_is_defined_twice(key: str) -> None:
    """The same name twice in one namespace is refused; in two namespaces they are two things."""
    [problem] = problems(DefinitionDocument, {key: [{"name": "a"}, {"name": "b"}, {"name": "a"}]})
    assert problem.startswith(f"{key}[2].name: the ")
    assert problem.endswith("'a' is defined twice")
    if key != "component_types":
        assert problems(DefinitionDocument, {key: [{"name": "a"}, {"name": "a", "namespace": "x"}]}) == []


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True])
def test_other_versions_of_the_format_are_refused(version: Any) -> None:
    """Only the number 1 is version 1; null is none."""
    assert problems(DefinitionDocument, {"version": version}) == [
        "version: must be 1, the version of the file format that this library reads"
    ]
    assert problems(DefinitionDocument, {"version": None}) == []
