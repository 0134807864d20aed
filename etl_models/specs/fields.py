"""The types of fields that several specs share. Each refuses with the reason alone, never with the value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.domain.naming import MAX_NAME_LENGTH, name_problem
from etl_models.domain.text import MAX_DESCRIPTION_LENGTH, text_problem
from etl_models.errors import InvalidInputError
from etl_models.specs.base import MAX_FINDINGS, Finding, custom_error, refuse
from etl_models.specs.positions import Path
from etl_models.specs.wording import kind_of

MAX_PORT_LENGTH = 100
MAX_UNIT_LENGTH = 50
MAX_VALUE_DEPTH = 16
"""Levels inside a JSON field. A job's whole document may have 20 (``domain/jsonvalue.py``), 3 of them its own."""

_MAX_TEXT = 1_048_576


def _name(limit: int = MAX_NAME_LENGTH, *, slash: bool = False, empty: bool = False) -> AfterValidator:
    def check(value: str) -> str:
        problem = None if empty and not value else name_problem(value, limit=limit, slash=slash)
        if problem is not None:
            raise custom_error(problem)
        return value

    return AfterValidator(check)


def _description(value: str) -> str:
    problem = text_problem(value)
    if problem is not None:
        raise custom_error(problem)
    return value


def _reference(value: str) -> str:
    head, slash, tail = value.partition("/")
    problem = name_problem(head) or (name_problem(tail) if slash else None)
    if problem is not None:
        raise custom_error(problem)
    return value


def json_findings(value: object, loc: Path = (), depth: int = 1) -> Iterator[Finding]:
    """Yield everything in ``value`` that one of the databases could not keep, each with its path."""
    if isinstance(value, Mapping):
        if depth > MAX_VALUE_DEPTH:
            yield Finding(loc, f"is nested more than {MAX_VALUE_DEPTH} levels deep")
            return
        for key, item in value.items():
            if isinstance(key, str):
                yield from (found._replace(at_key=True) for found in json_findings(key, (*loc, key)))
                yield from json_findings(item, (*loc, key), depth + 1)
            else:
                yield Finding(loc, f"keys must be text, not {kind_of(key)}")
    elif isinstance(value, list | tuple):
        if depth > MAX_VALUE_DEPTH:
            yield Finding(loc, f"is nested more than {MAX_VALUE_DEPTH} levels deep")
            return
        for index, item in enumerate(value):
            yield from json_findings(item, (*loc, index), depth + 1)
    else:
        problem = _scalar_problem(value)
        if problem is not None:
            yield Finding(loc, problem)


def _scalar_problem(value: object) -> str | None:
    if isinstance(value, str):
        return text_problem(value, limit=_MAX_TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number; JSON has no NaN or infinity"
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return "is a whole number beyond 64 bits; write it as text"
    return None


def json_value(value: object) -> JsonValue:
    """Return ``value`` as canonical JSON (see ``domain/jsonvalue.py``), or refuse it with every reason."""
    found = list(islice(json_findings(value), MAX_FINDINGS))
    if found:
        refuse("JSON", found)
    try:
        return canonical(value, "the value")
    except InvalidInputError as error:
        raise custom_error(error.message) from None


def _json_object(value: object) -> JsonValue:
    if not isinstance(value, Mapping):
        raise custom_error(f"must be a mapping (key: value), not {kind_of(value)}")
    return json_value(value)


Name: TypeAlias = Annotated[str, _name(), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255})]
"""A name: 1 to 255 characters, no ``/``; see ``domain/naming.py``."""

PortName: TypeAlias = Annotated[
    str, _name(MAX_PORT_LENGTH), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PORT_LENGTH})
]
Unit: TypeAlias = Annotated[
    str,
    _name(MAX_UNIT_LENGTH, slash=True, empty=True),
    WithJsonSchema({"type": "string", "maxLength": MAX_UNIT_LENGTH}),
]
FieldName: TypeAlias = Annotated[
    str, _name(slash=True), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255})
]
"""A field of a record; a dot leads into a nested one."""

DataclassReference: TypeAlias = Annotated[
    str, AfterValidator(_reference), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 511})
]
"""``name`` (in the namespace of the job) or ``namespace/name``."""

Description: TypeAlias = Annotated[
    str, AfterValidator(_description), WithJsonSchema({"type": "string", "maxLength": MAX_DESCRIPTION_LENGTH})
]
JsonObject: TypeAlias = Annotated[dict[str, Any], BeforeValidator(_json_object), WithJsonSchema({"type": "object"})]
"""A JSON object of at most 16 levels and 1 MB, canonical after validation."""


def at_most(limit: int, *, empty: bool = True) -> BeforeValidator:
    """Refuse a longer list (or an empty one) before looking at its items, which Pydantic would do one by one."""

    def check(value: object) -> object:
        if isinstance(value, list | tuple | dict):
            if len(value) > limit:
                raise custom_error(f"holds {len(value)} items; at most {limit} are allowed")
            if not value and not empty:
                raise custom_error("must not be empty")
        return value

    return BeforeValidator(check)


lax = Field(strict=False)
"""For enums and tuples: strict Pydantic would want members and tuples, while files hold words and lists."""
