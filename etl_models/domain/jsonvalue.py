"""JSON values as every supported database can keep them.

The narrowest rules win: PostgreSQL jsonb refuses NUL and lone surrogates, MariaDB refuses depth 32 and deeper,
JSON itself has no NaN. A value that passes here comes back equal from all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from etl_models.domain.text import text_problem
from etl_models.errors import InvalidInputError

MAX_DEPTH = 20
MAX_BYTES = 1_048_576
_EXACT_FLOAT = 2.0**53

JsonValue = Any


def canonical(value: object, field: str, *, max_bytes: int = MAX_BYTES) -> JsonValue:
    """Return ``value`` as plain JSON (dict, list, str, int, float, bool, None).

    Dates, times, UUIDs, paths, decimals and enums become text or their value; mappings, sequences and sets
    become objects and arrays. Raises :class:`InvalidInputError` naming the path inside ``field`` for NaN,
    infinities, text no database can store, keys that are not text, more than ``MAX_DEPTH`` levels, more than
    ``max_bytes`` of JSON, and objects of other types.
    """
    result = _convert(value, field, 1)
    size = len(dumps(result).encode())
    if size > max_bytes:
        raise InvalidInputError(f"{field} is {size} bytes of JSON; at most {max_bytes} are allowed", field=field)
    return result


def dumps(value: JsonValue) -> str:
    """Write canonical JSON: keys sorted, no blanks, no NaN, UTF-8 characters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _convert(value: object, path: str, depth: int) -> JsonValue:  # noqa: PLR0911  (one return for each kind of value)
    if depth > MAX_DEPTH:
        raise InvalidInputError(f"{path} is nested more than {MAX_DEPTH} levels deep", field=path)
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "shape", ()):
        value = value.item()  # the scalars of data frames
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _convert(value.value, path, depth)
    if isinstance(value, str):
        return _text(str(value), path)
    if isinstance(value, int):
        return _integer(int(value), path)
    if isinstance(value, float):
        return _number(float(value), path)
    if isinstance(value, Mapping):
        return {_key(key, path): _convert(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray | memoryview):
        items = sorted(value, key=repr) if isinstance(value, AbstractSet) else value
        return [_convert(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]
    return _text(_scalar(value, path), path)


def _scalar(value: object, path: str) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():g}S"
    raise InvalidInputError(
        f"{path} is of type {type(value).__name__}, which JSON cannot hold; convert it to text or numbers first",
        field=path,
    )


def _key(key: object, path: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str):
        raise InvalidInputError(f"{path} has a key of type {type(key).__name__}; keys must be text", field=path)
    return _text(str(key), f"a key of {path}")


def _text(value: str, path: str) -> str:
    problem = text_problem(value, limit=MAX_BYTES)
    if problem is not None:
        raise InvalidInputError(f"{path} {problem}", field=path)
    return value


def _integer(value: int, path: str) -> int:
    # Past 64 bits MariaDB turns an integer into a float, and readers of other languages lose digits.
    if not -(2**63) <= value < 2**64:
        raise InvalidInputError(f"{path} is an integer beyond 64 bits; write it as text", field=path)
    return value


def _number(value: float, path: str) -> int | float:
    if not math.isfinite(value):
        raise InvalidInputError(f"{path} is {value!r}, which JSON cannot hold; write it as text or null", field=path)
    if value == 0:
        return 0.0  # PostgreSQL numeric has no negative zero
    if abs(value) >= _EXACT_FLOAT and value.is_integer() and -(2.0**63) <= value < 2.0**64:
        return int(value)  # jsonb gives such a number back as an integer
    return value
