"""Tags: ``[daily, {team: ops}]`` in a file, ``{"daily": None, "team": "ops"}`` in a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from etl_models.domain.naming import name_problem
from etl_models.specs.base import Finding, custom_error, refuse
from etl_models.specs.positions import Path
from etl_models.specs.suggest import quoted
from etl_models.specs.wording import kind_of

MAX_TAGS = 100
MAX_TAG_KEY_LENGTH = 100
MAX_TAG_VALUE_LENGTH = 255


def _entries(given: object) -> Iterator[tuple[Path, object, object]]:
    """Yield path, key and value of every tag, in a list or in a mapping."""
    if isinstance(given, Mapping):
        yield from (((key,) if isinstance(key, str) else (), key, value) for key, value in given.items())
        return
    if not isinstance(given, list | tuple):
        raise custom_error(f"must be a list, not {kind_of(given)}")
    for index, item in enumerate(given):
        if isinstance(item, Mapping):
            yield from (((index, *path), key, value) for path, key, value in _entries(item))
        else:
            yield (index,), item, None


def _key_problem(key: object) -> str | None:
    if not isinstance(key, str):
        return f"a tag must be text or a mapping of texts, not {kind_of(key)}; write it in quotes"
    if "=" in key:
        return "must not hold '='; write a tag with a value as a mapping (key: value)"
    return name_problem(key, limit=MAX_TAG_KEY_LENGTH, slash=True)


def _value_problem(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return f"the value of a tag must be text, not {kind_of(value)}; write it in quotes"
    return name_problem(value, limit=MAX_TAG_VALUE_LENGTH, slash=True)


def _tags(given: object) -> dict[str, str | None]:
    """Return the tags sorted by key, or refuse them with every reason."""
    if isinstance(given, list | tuple | dict) and len(given) > MAX_TAGS:
        raise custom_error(f"holds {len(given)} items; at most {MAX_TAGS} are allowed")
    tags: dict[str, str | None] = {}
    found: list[Finding] = []
    for path, key, value in _entries(given):
        in_mapping = bool(path) and isinstance(path[-1], str)
        problem = _key_problem(key)
        if problem is None and key in tags:
            problem = f"the tag {quoted(str(key))} is given twice; a tag has one value"
        if problem is not None:
            found.append(Finding(path, problem, at_key=in_mapping))
            continue
        problem = _value_problem(value)
        if problem is not None:
            found.append(Finding(path, problem))
        tags[str(key)] = str(value) if value else None
    if len(tags) > MAX_TAGS:
        raise custom_error(f"holds {len(tags)} tags; at most {MAX_TAGS} are allowed")
    if found:
        refuse("tags", found)
    return dict(sorted(tags.items()))


_KEY_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_TAG_KEY_LENGTH, "pattern": "^[^=]*$"}
_MAPPING_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": _KEY_SCHEMA,
    "additionalProperties": {"type": ["string", "null"], "maxLength": MAX_TAG_VALUE_LENGTH},
}

Tags: TypeAlias = Annotated[
    dict[str, str | None],
    BeforeValidator(_tags),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"anyOf": [_KEY_SCHEMA, _MAPPING_SCHEMA]}}, _MAPPING_SCHEMA]}),
]
"""Key -> value, or None for a tag without one; one value for each key."""
