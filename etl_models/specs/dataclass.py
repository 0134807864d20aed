"""Dataclasses: the shape of records (JSON Schema 2020-12) and the rules they must meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from etl_models.domain.naming import DEFAULT_NAMESPACE
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.specs.base import Finding, Spec, peek
from etl_models.specs.fields import Description, JsonObject, Name, at_most, lax
from etl_models.specs.positions import Path
from etl_models.specs.rule import RULE_TYPES, RuleSpec
from etl_models.specs.schemas import schema_findings
from etl_models.specs.suggest import did_you_mean, quoted

MAX_RULES = 1_000

# With one of these a property may be described elsewhere than under ``properties``.
_OPEN_SCHEMA = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "patternProperties", "dependentSchemas"}
)


class DataclassSpec(Spec):
    """A dataclass as a definition file describes it."""

    namespace: Name = Field(default=DEFAULT_NAMESPACE, description="Namespace; that of the document unless given.")
    name: Name = Field(description="Name of the dataclass, unique in its namespace.")
    dataclass_type: Name = Field(default="record", description="What it describes: record, table, file, stream, ...")
    description: Description = Field(default="", description="What a record is, for people.")
    status: Annotated[DefinitionStatus, lax] = Field(
        default=DefinitionStatus.ACTIVE, description="Where it stands in its life."
    )
    schema_definition: JsonObject = Field(default_factory=dict, description="JSON Schema 2020-12 of one record.")
    validation_rules: Annotated[dict[Name, RuleSpec], at_most(MAX_RULES)] = Field(
        default_factory=dict, description="Rules beyond the schema, by name."
    )

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that the schema is valid and that the rules speak of fields it has."""
        schema, rules = data.get("schema_definition"), data.get("validation_rules")
        if isinstance(schema, Mapping):
            yield from (found.below("schema_definition") for found in schema_findings(schema))
            if isinstance(rules, Mapping):
                yield from (found.below("validation_rules") for found in _unknown_fields(rules, schema))

    @classmethod
    def relocated(cls, loc: Path) -> Path:
        """Leave out the type of a rule, which Pydantic adds to the path after the rule's name."""
        is_inside_rule = loc[:1] == ("validation_rules",) and loc[2:3] and loc[2] in RULE_TYPES
        return (*loc[:2], *loc[3:]) if is_inside_rule else loc


def _unknown_fields(rules: Mapping[Any, Any], schema: Mapping[Any, Any]) -> Iterator[Finding]:
    for name, rule in rules.items():
        if not isinstance(name, str):
            continue
        for loc, field in _named_fields(rule):
            unknown = _unknown_part(field, schema)
            if unknown is not None:
                yield Finding((name, *loc), f"the schema has no property {quoted(unknown[0])}{unknown[1]}")


def _named_fields(rule: object) -> Iterator[tuple[Path, str]]:
    field, fields = peek(rule, "field"), peek(rule, "fields")
    if isinstance(field, str):
        yield ("field",), field
    if isinstance(fields, list | tuple):
        yield from ((("fields", index), item) for index, item in enumerate(fields) if isinstance(item, str))


def _unknown_part(field: str, schema: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Return the part of a dotted ``field`` that no property describes, with a suggestion; None if all are known."""
    here: Any = schema
    rest = field
    while rest:
        properties = here.get("properties") if isinstance(here, Mapping) and not _OPEN_SCHEMA & here.keys() else None
        if not isinstance(properties, Mapping) or not properties:
            return None  # The schema does not say which properties there are.
        if rest in properties:
            return None
        part, _, rest = rest.partition(".")
        if part not in properties:
            return part, did_you_mean(part, (key for key in properties if isinstance(key, str)))
        here = properties[part]
    return None
