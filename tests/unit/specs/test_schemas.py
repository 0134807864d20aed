"""Our verdict on a JSON Schema is that of the 2020-12 metaschema, and a little stricter where said."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_models.specs.schemas import TYPES, schema_findings

_KEYWORDS = [
    "$id",
    "$schema",
    "$ref",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$vocabulary",
    "$comment",
    "$defs",
    "prefixItems",
    "items",
    "contains",
    "additionalProperties",
    "properties",
    "patternProperties",
    "dependentSchemas",
    "propertyNames",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "unevaluatedItems",
    "unevaluatedProperties",
    "type",
    "const",
    "enum",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "title",
    "description",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "examples",
    "format",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "definitions",
    "dependencies",
    "$recursiveAnchor",
    "$recursiveRef",
    "x-own",
]

_WORDS = st.sampled_from([*TYPES, "objekt", "", "a", "b", "a#b", "#x", "1a", "x-y.z", "https://example.com/s"])
_LEAVES = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, -1.0, 2.0]) | _WORDS
_ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_KEYWORDS, "a", "b"]), inner, max_size=3)
    ),
    max_leaves=10,
)
SCHEMAS = st.dictionaries(st.sampled_from(_KEYWORDS), _ANYTHING, max_size=5)


def metaschema_accepts(schema: Any) -> bool:
    """The verdict of the official metaschema."""
    validator = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    return bool(validator.is_valid(schema))


@settings(max_examples=300, deadline=None)
@given(SCHEMAS)
def test_the_verdict_is_that_of_the_metaschema(schema: dict[str, Any]) -> None:
    """A schema is refused exactly when the metaschema refuses it, references to nowhere aside."""
    found = [each for each in schema_findings(schema) if "does not exist" not in each.message]
    assert (found == []) == metaschema_accepts(schema)


_VALUES: list[Any] = [
    None,
    True,
    1,
    0,
    -1,
    1.5,
    2.0,
    "a",
    "",
    "string",
    "#",
    [],
    [1],
    ["a"],
    ["a", "a"],
    ["string", "null"],
    [{}],
    [True],
    {},
    {"a": 1},
    {"a": []},
    {"a": ["b"]},
    {"a": {}},
    {"a": True},
    {"a": "b"},
    {"type": "x"},
]


@pytest.mark.parametrize("keyword", _KEYWORDS)
def test_every_keyword_takes_what_the_metaschema_says(keyword: str) -> None:
    """Each keyword with each kind of value has the same verdict as in the metaschema."""
    for value in _VALUES:
        found = [each for each in schema_findings({keyword: value}) if "does not exist" not in each.message]
        assert (found == []) == metaschema_accepts({keyword: value}), (value, found)


@pytest.mark.parametrize("pattern", ["(", "[", "*", "a{2,1}", "(?P<x>a)(?P<x>b)", "\\", "(?<=a+)b", "a" * 1001])
def test_patterns_must_compile(pattern: str) -> None:
    """The metaschema lets any text pass for a pattern; here it would fail when the first record is checked."""
    assert metaschema_accepts({"pattern": pattern})
    assert [each.loc for each in schema_findings({"pattern": pattern})] == [("pattern",)]
    [finding] = schema_findings({"patternProperties": {pattern: True}})
    assert (finding.loc, finding.at_key) == (("patternProperties", pattern), True)


@pytest.mark.parametrize(
    ("reference", "known"),
    [
        ("#", True),
        ("#/$defs/a", True),
        ("#/$defs/b", False),
        ("#/$defs/x~1y", True),
        ("#/$defs/x%2Fy", False),
        ("#/$defs/p%25q", True),
        ("#/allOf/0", True),
        ("#/allOf/1", False),
        ("#/allOf/x", False),
        ("#anchor", True),
        ("other.json#/x", True),
        ("https://example.com/x", True),
        ("#/", False),
    ],
)
def test_references_inside_the_document_lead_somewhere(reference: str, known: bool) -> None:
    """A JSON pointer that leads nowhere would fail when the first record is checked."""
    schema = {"$defs": {"a": {}, "x/y": {}, "p%q": {}}, "allOf": [True], "properties": {"p": {"$ref": reference}}}
    assert (list(schema_findings(schema)) == []) == known


def test_a_schema_with_an_identifier_may_refer_to_other_resources() -> None:
    """With ``$id`` a reference is resolved against it, which is not ours to follow."""
    assert list(schema_findings({"$id": "https://example.com/s", "$ref": "#/nowhere"})) == []


def test_findings_say_where_and_why() -> None:
    """Every fault has its own path and sentence."""
    schema = {
        "type": ["string", "nul"],
        "properties": {"a": {"type": "integr"}, "b": {"required": ["x", "x"]}, "c": 3},
        "anyOf": [{"minimum": "1"}, {"maxLength": True}],
        "dependentRequired": {"a": "b"},
    }
    found = list(schema_findings(schema))
    assert [(".".join(map(str, each.loc)), each.message.partition(",")[0]) for each in found] == [
        ("type.1", "must be one of 'string'"),
        ("properties.a.type", "must be one of 'string'"),
        ("properties.b.required.1", "is listed twice"),
        ("properties.c", "must be a schema (a mapping"),
        ("anyOf.0.minimum", "must be a number"),
        ("anyOf.1.maxLength", "must be a whole number"),
        ("dependentRequired.a", "must be a list of property names"),
    ]
