"""The JSON Schema of definition files, for editors: completion, hovers, and errors while typing.

It says what JSON Schema can say; names across definitions, cycles and time zones are checked only by loading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from etl_models.specs.base import Spec
from etl_models.specs.component import ComponentSpec, DependencySpec, LayoutSpec, RouteSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.job import JobSpec
from etl_models.specs.rule import AllowedRule, FormatRule, RangeRule, RequiredRule, UniqueRule

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TOP: tuple[type[Spec], ...] = (DefinitionDocument, JobSpec, DataclassSpec, ComponentSpec)


def definitions_schema() -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of a definition file: a document, or a bare job, dataclass or component."""
    _, schema = models_json_schema([(spec, "validation") for spec in _TOP], ref_template="#/$defs/{model}")
    parts: dict[str, Any] = schema["$defs"]
    for spec, change in _changes():
        change(spec, parts[spec.__name__])
    for part in parts.values():
        _describe(part)
    for spec in (DependencySpec, RouteSpec):
        parts[spec.__name__] = _with_shorthand(spec, parts[spec.__name__])
    return {
        "$schema": DIALECT,
        "title": "etl-models definitions",
        "description": "Jobs, components, dataclasses and metrics of etl-models.",
        "anyOf": [{"$ref": f"#/$defs/{spec.__name__}"} for spec in _TOP],
        "$defs": dict(sorted(parts.items())),
    }


def _describe(part: dict[str, Any]) -> None:
    """Give every field a title, and write code as editors show it."""
    for name, field in part.get("properties", {}).items():
        field.setdefault("title", name.replace("_", " ").title())
    if "description" in part:
        part["description"] = part["description"].replace("``", "`")


def _changes() -> Iterator[tuple[type[Spec], Callable[[type[Spec], dict[str, Any]], None]]]:
    """Yield what Pydantic does not know of our specs: other spellings, and rules across keys."""
    yield ComponentSpec, _add_spellings
    yield LayoutSpec, _add_spellings
    for rule in (RequiredRule, RangeRule, FormatRule, AllowedRule, UniqueRule):
        yield rule, _one_of_field_and_fields
    yield RangeRule, _some_limit


def _add_spellings(spec: type[Spec], part: dict[str, Any]) -> None:
    properties, required = part["properties"], part.get("required", [])
    for other, ours in spec.spellings.items():
        description = f"etl-core's spelling of {ours}."
        properties[other] = {**properties[ours], "title": other, "description": description, "deprecated": True}
        either: Mapping[str, Any] = {"not": {"required": [ours, other]}}
        if ours in required:
            required.remove(ours)
            either = {"oneOf": [{"required": [ours]}, {"required": [other]}]}
        part.setdefault("allOf", []).append(either)
    if "routes" in properties:
        properties["routes"]["deprecated"] = True


def _one_of_field_and_fields(_: type[Spec], part: dict[str, Any]) -> None:
    part.setdefault("allOf", []).append({"oneOf": [_is_given("field"), _is_given("fields")]})


def _some_limit(_: type[Spec], part: dict[str, Any]) -> None:
    part["allOf"].append({"anyOf": [_is_given("min"), _is_given("max")]})


def _is_given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _with_shorthand(spec: type[Spec], part: dict[str, Any]) -> dict[str, Any]:
    """Let the name alone stand for the mapping."""
    return {
        "title": part.pop("title"),
        "description": part.pop("description"),
        "anyOf": [part["properties"][spec.shorthand], part],
    }
