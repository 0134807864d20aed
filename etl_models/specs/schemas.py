"""Is this a valid JSON Schema 2020-12? The keywords as data, checked in one walk.

``jsonschema`` could tell by validating against the metaschema, but takes about 0.3 ms for every property: seconds
for a large catalogue, minutes for a hostile megabyte. A test holds the two verdicts against each other. Beyond
the metaschema, patterns must compile and references inside the document must lead somewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from etl_models.specs.base import Finding
from etl_models.specs.fields import MAX_VALUE_DEPTH
from etl_models.specs.patterns import pattern_problem
from etl_models.specs.positions import Path
from etl_models.specs.wording import kind_of, one_of

TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"]

_Check = Callable[[Any, "_Walk", Path], Iterator[Finding]]
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")


class _Walk:
    """One walk through one schema document; remembers the references it met."""

    def __init__(self) -> None:
        self.references: list[tuple[str, Path]] = []

    def schema(self, schema: Any, loc: Path) -> Iterator[Finding]:
        """Yield what is wrong with ``schema`` and its subschemas. What nests too deep is refused elsewhere."""
        if isinstance(schema, bool) or len(loc) > 2 * MAX_VALUE_DEPTH:
            return
        if not isinstance(schema, Mapping):
            yield Finding(loc, f"must be a schema (a mapping, true or false), not {kind_of(schema)}")
            return
        for keyword, value in schema.items():
            check = _KEYWORDS.get(keyword) if isinstance(keyword, str) else None
            if check is not None:
                yield from check(value, self, (*loc, keyword))


def schema_findings(schema: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield everything that keeps ``schema`` from being a valid JSON Schema 2020-12."""
    walk = _Walk()
    yield from walk.schema(schema, ())
    if "$id" not in schema:  # with an identifier of its own, a reference starting with # may mean another resource
        for reference, loc in walk.references:
            if not _leads_somewhere(reference, schema):
                yield Finding(loc, "refers to a part of the schema that does not exist")


def _leads_somewhere(reference: str, root: Any) -> bool:
    """Say whether a JSON pointer (``#/$defs/x``) exists; anchors and other documents are not followed."""
    if not reference.startswith("#/"):
        return True
    here = root
    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping) and key in here:
            here = here[key]
        elif isinstance(here, list | tuple) and key.isdecimal() and int(key[:9]) < len(here):
            here = here[int(key[:9])]
        else:
            return False
    return True


def _schema(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from walk.schema(value, loc)


def _schemas(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, list | tuple) or not value:
        yield Finding(loc, f"must be a list of at least one schema{_not(value)}")
        return
    for index, item in enumerate(value):
        yield from walk.schema(item, (*loc, index))


def _mapping(each: _Check, value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, Mapping):
        yield Finding(loc, f"must be a mapping (key: value), not {kind_of(value)}")
        return
    for key, item in value.items():
        if isinstance(key, str):
            yield from each(item, walk, (*loc, key))


def _pattern_properties(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from _mapping(_schema, value, walk, loc)
    for pattern in value if isinstance(value, Mapping) else ():
        problem = pattern_problem(pattern) if isinstance(pattern, str) else None
        if problem:
            yield Finding((*loc, pattern), problem, at_key=True)


def _schema_or_names(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    check = _names if isinstance(value, list | tuple) else _schema
    yield from check(value, walk, loc)


def _text(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield Finding(loc, f"must be text, not {kind_of(value)}")


def _matching(shape: re.Pattern[str], value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from _text(value, walk, loc)
    if isinstance(value, str) and not shape.fullmatch(value):
        yield Finding(loc, "is not a valid identifier")


def _reference(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from _text(value, walk, loc)
    if isinstance(value, str):
        walk.references.append((value, loc))


def _pattern(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from _text(value, walk, loc)
    problem = pattern_problem(value) if isinstance(value, str) else None
    if problem:
        yield Finding(loc, problem)


def _truth(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, bool):
        yield Finding(loc, f"must be true or false, not {kind_of(value)}")


def _list(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, list | tuple):
        yield Finding(loc, f"must be a list, not {kind_of(value)}")


def _number(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Finding(loc, f"must be a number, not {kind_of(value)}")


def _positive(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    yield from _number(value, walk, loc)
    if isinstance(value, int | float) and not isinstance(value, bool) and not value > 0:
        yield Finding(loc, "must be greater than 0")


def _count(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    whole = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and value.is_integer())
    if isinstance(value, bool) or not whole:
        yield Finding(loc, f"must be a whole number, not {kind_of(value)}")
    elif value < 0:
        yield Finding(loc, "must be at least 0")


def _names(value: Any, _: _Walk, loc: Path) -> Iterator[Finding]:
    if not isinstance(value, list | tuple):
        yield Finding(loc, f"must be a list of property names, not {kind_of(value)}")
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        if not isinstance(item, str):
            yield Finding((*loc, index), f"must be text, not {kind_of(item)}")
        elif item in seen:
            yield Finding((*loc, index), "is listed twice")
        else:
            seen.add(item)


def _type(value: Any, walk: _Walk, loc: Path) -> Iterator[Finding]:
    if isinstance(value, str):
        if value not in TYPES:
            yield Finding(loc, one_of(TYPES, value))
    elif isinstance(value, list | tuple) and value:
        yield from _names(value, walk, loc)
        for index, item in enumerate(value):
            if isinstance(item, str) and item not in TYPES:
                yield Finding((*loc, index), one_of(TYPES, item))
    else:
        yield Finding(loc, f"must be a type or a list of at least one type{_not(value)}")


def _not(value: Any) -> str:
    return ", not an empty list" if isinstance(value, list | tuple) else f", not {kind_of(value)}"


def _keywords(check: _Check, *names: str) -> dict[str, _Check]:
    return dict.fromkeys(names, check)


_KEYWORDS: Mapping[str, _Check] = {
    **_keywords(_text, "$schema", "$comment", "title", "description", "format", "contentEncoding", "contentMediaType"),
    **_keywords(partial(_matching, _ANCHOR), "$anchor", "$dynamicAnchor", "$recursiveAnchor"),
    **_keywords(partial(_matching, re.compile(r"[^#]*#?")), "$id"),
    **_keywords(_reference, "$ref", "$dynamicRef", "$recursiveRef"),
    **_keywords(partial(_mapping, _truth), "$vocabulary"),
    **_keywords(partial(_mapping, _schema), "$defs", "definitions", "properties", "dependentSchemas"),
    **_keywords(_pattern_properties, "patternProperties"),
    **_keywords(
        _schema, "additionalProperties", "propertyNames", "unevaluatedProperties", "unevaluatedItems", "items",
        "contains", "not", "if", "then", "else", "contentSchema",
    ),
    **_keywords(_schemas, "prefixItems", "allOf", "anyOf", "oneOf"),
    **_keywords(_type, "type"),
    **_keywords(_list, "enum", "examples"),
    **_keywords(_number, "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    **_keywords(_positive, "multipleOf"),
    **_keywords(
        _count, "maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains", "maxProperties",
        "minProperties",
    ),
    **_keywords(_pattern, "pattern"),
    **_keywords(_truth, "uniqueItems", "deprecated", "readOnly", "writeOnly"),
    **_keywords(_names, "required"),
    **_keywords(partial(_mapping, _names), "dependentRequired"),
    **_keywords(partial(_mapping, _schema_or_names), "dependencies"),
}  # fmt: skip
