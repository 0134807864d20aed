"""Free text: what may be stored, what is recorded in spite of its faults, and how it is shown safely."""

from __future__ import annotations

import re
import unicodedata

from etl_models.errors import InvalidInputError

MAX_DESCRIPTION_LENGTH = 10_000
MAX_RECORDED_LENGTH = 16_384
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# PostgreSQL stores neither NUL nor lone surrogates; UTF-8 itself has no surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_problem(value: str, *, limit: int = MAX_DESCRIPTION_LENGTH) -> str | None:
    """Return why ``value`` cannot be stored as free text, or None."""
    if len(value) > limit:
        return f"is {len(value)} characters long; at most {limit} are allowed"
    found = _UNSTORABLE.search(value)
    if found:
        character = ord(found.group())
        kind = "a NUL character" if character == 0 else f"the lone surrogate U+{character:04X}"
        return f"holds {kind} at position {found.start() + 1}, which databases cannot store"
    return None


def check_text(value: object, field: str, *, limit: int = MAX_DESCRIPTION_LENGTH) -> str:
    """Return ``value`` unchanged if it can be stored, else raise :class:`InvalidInputError` naming ``field``."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{field} must be text, not {type(value).__name__}", field=field)
    problem = text_problem(value, limit=limit)
    if problem is not None:
        raise InvalidInputError(f"{field} {problem}", field=field)
    return value


def safe_text(value: str, *, limit: int = MAX_RECORDED_LENGTH) -> str:
    """Make recorded text (an error message, a traceback) storable without refusing it.

    What cannot be stored becomes U+FFFD, visibly; text longer than ``limit`` keeps its end, where a traceback
    says what happened, behind a note of how much was left out.
    """
    cleaned = _UNSTORABLE.sub(REPLACEMENT, value)
    if len(cleaned) <= limit:
        return cleaned
    note = f"[... {len(cleaned) - limit} characters left out ...]\n"
    return note + cleaned[len(cleaned) - limit + len(note) :]


def short(value: str, limit: int = 60) -> str:
    """Shorten ``value`` for a message, marking the cut."""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def printable(value: str) -> str:
    """Escape what could steer or confuse a terminal: controls, ANSI escapes, bidi overrides, surrogates."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(
        character
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        else character.encode("unicode_escape").decode("ascii")
        for character in value
    )
