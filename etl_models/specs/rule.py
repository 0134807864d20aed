"""Validation rules: what every record of a dataclass must meet beyond its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.vocabulary import Severity
from etl_models.specs.base import Finding, Spec, custom_error
from etl_models.specs.fields import Description, FieldName, at_most, json_value, lax
from etl_models.specs.patterns import pattern_problem
from etl_models.specs.wording import kind_of

RULE_TYPES = ("required", "range", "format", "allowed", "unique", "custom")
MAX_FIELDS = 1_000
MAX_ALLOWED_VALUES = 10_000
MAX_CALLABLE_LENGTH = 500

_CALLABLE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def _callable(value: str) -> str:
    if len(value) > MAX_CALLABLE_LENGTH or not _CALLABLE.fullmatch(value):
        raise custom_error("must name a function as 'package.module:function'")
    return value


def _pattern(value: str) -> str:
    problem = pattern_problem(value)
    if problem is not None:
        raise custom_error(problem)
    return value


def _scalar(value: object) -> JsonValue:
    if isinstance(value, dict | list | tuple):
        raise custom_error("must be text, a number, a truth value or null")
    return json_value(value)


def _number(value: object) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise custom_error(f"must be a number, not {kind_of(value)}")
    return json_value(value)


NOT_EMPTY = Field(json_schema_extra={"minItems": 1})

Number: TypeAlias = Annotated[int | float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Scalar: TypeAlias = Annotated[Any, BeforeValidator(_scalar)]
Fields: TypeAlias = Annotated[tuple[FieldName, ...], lax, NOT_EMPTY, at_most(MAX_FIELDS, empty=False)]


class _Rule(Spec):
    """What all rules have. ``field`` names one field of the record, ``fields`` several."""

    field: FieldName | None = Field(default=None, description="The field the rule is about.")
    fields: Fields | None = Field(default=None, description="The fields the rule is about, when there are several.")
    severity: Annotated[Severity, lax] = Field(
        default=Severity.ERROR,
        description="What a failing record means: error rejects it, warning and info only count it.",
    )
    description: Description = Field(default="", description="What the rule is for, for people.")

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that the rule says which fields it is about, in one way."""
        if "field" in data and "fields" in data:
            yield Finding(("fields",), "give either 'field' or 'fields', not both", at_key=True)
        elif "field" not in data and "fields" not in data and cls is not CustomRule:
            yield Finding((), "required key 'field' is missing (or 'fields', a list)")


class RequiredRule(_Rule):
    """The fields must be there and hold something."""

    type: Literal["required"] = Field(description="The fields must be there and not null.")


class RangeRule(_Rule):
    """The value must lie between ``min`` and ``max``, both included."""

    type: Literal["range"] = Field(description="The value must lie between min and max.")
    min: Number | None = Field(default=None, description="Smallest allowed value.")
    max: Number | None = Field(default=None, description="Largest allowed value.")

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that there is a limit, and that the limits leave something between them."""
        yield from super().findings(data)
        low, high = data.get("min"), data.get("max")
        if low is None and high is None:
            yield Finding((), "required key 'min' or 'max' is missing")
        elif isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield Finding(("min",), "must not be greater than 'max'")


class FormatRule(_Rule):
    """The text must match ``pattern``."""

    type: Literal["format"] = Field(description="The text must match a regular expression.")
    pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        description="Regular expression, searched anywhere in the text unless anchored with ^ and $."
    )


class AllowedRule(_Rule):
    """The value must be one of ``values``."""

    type: Literal["allowed"] = Field(description="The value must be one of a list.")
    values: Annotated[tuple[Scalar, ...], lax, NOT_EMPTY, at_most(MAX_ALLOWED_VALUES, empty=False)] = Field(
        description="The allowed values."
    )


class UniqueRule(_Rule):
    """No two records may agree in all the fields."""

    type: Literal["unique"] = Field(description="No two records may have the same value (or combination of values).")


class CustomRule(_Rule):
    """A function decides; it is named here and imported only by the worker that runs it."""

    type: Literal["custom"] = Field(description="A function of yours decides.")
    callable: Annotated[str, AfterValidator(_callable)] = Field(description="The function: 'package.module:function'.")


RuleSpec: TypeAlias = Annotated[
    RequiredRule | RangeRule | FormatRule | AllowedRule | UniqueRule | CustomRule, Field(discriminator="type")
]
