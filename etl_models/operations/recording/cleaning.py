"""Checking and cleaning what a worker hands over, before any of it is stored or written down elsewhere.

Two kinds of fields: *identities* (names, keys, tags) are refused when two databases could tell them apart
differently; *recorded text* (errors, reasons) is never refused, what cannot be stored becomes U+FFFD.
"""

from __future__ import annotations

import logging
import numbers
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TypeAlias
from uuid import UUID

from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.domain.naming import check_name
from etl_models.domain.redaction import redact, redact_value
from etl_models.domain.text import MAX_RECORDED_LENGTH, REPLACEMENT, printable, safe_text, short
from etl_models.errors import InvalidInputError
from etl_models.models.execution import MAX_KEY_LENGTH, MAX_REASON_LENGTH
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH

logger = logging.getLogger("etl_models.recorder")

MAX_PARAMETERS_BYTES = 262_144
MAX_TRIGGER_LENGTH = 50

# How much of a text is searched for secrets at most, and how much of that is thrown away again at its beginning,
# where the cut may have left half a secret that no pattern knows any more.
_EXAMINED = 131_072
_MARGIN = 8_192

TagsInput: TypeAlias = Mapping[str, object] | Iterable[str | Mapping[str, object]] | str | None


def recorded_text(value: str | None, field: str, *, limit: int = MAX_RECORDED_LENGTH) -> str | None:
    """Mask secrets in ``value``, make it storable, and keep its last ``limit`` characters.

    A character that no database stores becomes U+FFFD, which is logged.
    """
    if value is None:
        return None
    text = redact(value) if len(value) <= _EXAMINED else redact(value[-_EXAMINED:])[_MARGIN:]
    clean = safe_text(text, limit=limit)
    if REPLACEMENT in clean and clean.count(REPLACEMENT) > text.count(REPLACEMENT):
        logger.warning("%s held characters that databases cannot store; each was replaced by U+FFFD", field)
    return clean


def recorded_reason(value: str | None) -> str | None:
    """Return a reason as it is stored."""
    return recorded_text(value, "reason", limit=MAX_REASON_LENGTH)


def check_key(value: str | None) -> str | None:
    """Return an idempotency key unchanged; raises :class:`InvalidInputError` for one that cannot be a key."""
    return None if value is None else check_name(value, "key", limit=MAX_KEY_LENGTH, slash=True)


def check_trigger(value: str | None) -> str | None:
    """Return what set an execution off, unchanged; raises :class:`InvalidInputError` when it is no short word."""
    return None if value is None else check_name(value, "trigger", limit=MAX_TRIGGER_LENGTH, slash=True)


def check_parameters(value: Mapping[str, object] | None) -> dict[str, JsonValue]:
    """Return parameters as JSON with secrets masked.

    Raises :class:`InvalidInputError` for what is no mapping, what JSON cannot hold, and more than 256 KB.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"parameters must be a mapping, not {type(value).__name__}", field="parameters")
    clean: dict[str, JsonValue] = redact_value(canonical(value, "parameters", max_bytes=MAX_PARAMETERS_BYTES))
    return clean


def check_tags(given: TagsInput) -> dict[str, str]:
    """Read tags from ``{"team": "ops", "daily": None}``, ``["daily", {"team": "ops"}]`` or ``"daily"``.

    The result maps each key to its value, "" for none. Numbers, booleans, dates and ids are written as text. Raises
    :class:`InvalidInputError` for a key or value that cannot be told apart safely on every database.
    """
    return {_tag_key(key): _tag_value(key, value) for key, value in _tag_items(given)}


def _tag_items(given: TagsInput) -> Iterator[tuple[object, object]]:
    if given is None:
        return
    if isinstance(given, str):
        yield given, None
    elif isinstance(given, Mapping):
        yield from given.items()
    elif isinstance(given, Iterable):
        for item in given:
            yield from item.items() if isinstance(item, Mapping) else ((item, None),)
    else:
        raise InvalidInputError(f"tags must be a mapping or a list, not {type(given).__name__}", field="tags")


def _tag_key(key: object) -> str:
    name = check_name(key, "key of a tag", limit=MAX_TAG_KEY_LENGTH, slash=True)
    if "=" in name:
        raise InvalidInputError(
            f"key of a tag must not hold '=' (got {printable(short(name))}); pass key and value apart", field="tags"
        )
    return name


def _tag_value(key: object, value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _tag_value(key, value.value)
    if isinstance(value, numbers.Real | Decimal | UUID | date):
        return value.isoformat() if isinstance(value, date) else str(value)
    return redact(check_name(value, f"value of the tag {key}", limit=MAX_TAG_VALUE_LENGTH, slash=True))
