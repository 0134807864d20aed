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
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.domain.naming import MAX_NAME_LENGTH, Reference, check_name, parse_reference
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
_EXAMINED = 65_536
_MARGIN = 8_192
_SHOWN = 1_000

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


def recorded_name(value: object, field: str, *, limit: int = MAX_NAME_LENGTH) -> str:
    """Return what identifies something recorded: a slash is allowed, and what looks like a secret is masked.

    Raises :class:`InvalidInputError` for what cannot be a name; its message is masked as well.
    """
    return check_name(_masked(value) if isinstance(value, str) else value, field, limit=limit, slash=True)


def _masked(text: str) -> str:
    # Metrics come by the million, under few names.
    if len(text) <= MAX_NAME_LENGTH:
        return _masked_name(text)
    return redact(text[:_SHOWN]) + text[_SHOWN:]  # too long to be a name: only the message will show its beginning


@lru_cache(maxsize=4096)
def _masked_name(text: str) -> str:
    return redact(text)


def check_key(value: str | None) -> str | None:
    """Return an idempotency key; raises :class:`InvalidInputError` for one that cannot be a key."""
    return None if value is None else recorded_name(value, "key", limit=MAX_KEY_LENGTH)


def check_trigger(value: str | None) -> str | None:
    """Return what set an execution off; raises :class:`InvalidInputError` when it is no short word."""
    return None if value is None else recorded_name(value, "trigger", limit=MAX_TRIGGER_LENGTH)


def check_job(reference: object) -> Reference:
    """Return the identity of a job; raises :class:`InvalidInputError` when it is no name."""
    if isinstance(reference, Reference):
        reference = str(reference)
    return parse_reference(_masked(reference) if isinstance(reference, str) else reference, "job")  # type: ignore[arg-type]


def check_parameters(value: Mapping[str, object] | None) -> dict[str, JsonValue]:
    """Return parameters as JSON with secrets masked.

    Raises :class:`InvalidInputError` for what is no mapping, what JSON cannot hold, and more than 256 KB.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"parameters must be a mapping, not {type(value).__name__}", field="parameters")
    plain = canonical(value, "parameters", max_bytes=MAX_PARAMETERS_BYTES)
    clean: dict[str, JsonValue] = _with_masked_keys(redact_value(plain))
    return clean


def _with_masked_keys(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {redact(key): _with_masked_keys(item) for key, item in value.items()}
    return [_with_masked_keys(item) for item in value] if isinstance(value, list) else value


def check_tags(given: TagsInput) -> dict[str, str]:
    """Read tags from ``{"team": "ops", "daily": None}``, ``["daily", {"team": "ops"}]`` or ``"daily"``.

    The result maps each key to its value, "" for none. Numbers, booleans, dates and ids are written as text. Raises
    :class:`InvalidInputError` for a key or value that cannot be told apart safely on every database.
    """
    return {_tag_key(key): _tag_value(value) for key, value in _tag_items(given)}


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
    name = recorded_name(key, "key of a tag", limit=MAX_TAG_KEY_LENGTH)
    if "=" in name:
        raise InvalidInputError(
            f"key of a tag must not hold '=' (got {printable(short(name))}); pass key and value apart", field="tags"
        )
    return name


def _tag_value(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _tag_value(value.value)
    if isinstance(value, numbers.Real | Decimal | UUID | date):
        return value.isoformat() if isinstance(value, date) else str(value)
    return recorded_name(value, "value of a tag", limit=MAX_TAG_VALUE_LENGTH)
