"""Names people give to things: what a name may hold, and how ``namespace/name`` is read.

Names are keys on three databases with different collations, so anything that two of them could compare
differently (trailing blanks, combining characters in another normal form, invisible characters) is refused
rather than quietly changed.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from etl_models.domain.text import printable, short
from etl_models.errors import InvalidInputError

DEFAULT_NAMESPACE = "default"
MAX_NAME_LENGTH = 255

# Cc control, Cf format (bidi overrides, zero width), Cs surrogates, Co private use, Cn unassigned, Zl/Zp separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Joiners carry meaning in several scripts and in emoji sequences.
_ALLOWED_FORMAT_CHARACTERS = frozenset("\u200c\u200d")


class Reference(NamedTuple):
    """Identity of a definition: ``str()`` gives ``namespace/name``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def name_problem(value: str, *, limit: int = MAX_NAME_LENGTH, slash: bool = False) -> str | None:  # noqa: PLR0911
    """Return why ``value`` cannot be a name, or None; ``slash`` allows ``/`` inside."""
    if not value:
        return "must not be empty"
    if len(value) > limit:
        return f"is {len(value)} characters long; at most {limit} are allowed"
    if value != value.strip():
        return "must not begin or end with white space"
    for position, character in enumerate(value):
        if unicodedata.category(character) in _REFUSED_CATEGORIES and character not in _ALLOWED_FORMAT_CHARACTERS:
            return f"holds the character U+{ord(character):04X} at position {position + 1}, which names may not hold"
    if not slash and "/" in value:
        return "must not hold '/', which separates namespace and name"
    if unicodedata.normalize("NFC", value) != value:
        return "is not in Unicode normal form C (NFC); write it with composed characters"
    return None


def check_name(value: object, field: str, *, limit: int = MAX_NAME_LENGTH, slash: bool = False) -> str:
    """Return ``value`` unchanged if it can be a name.

    Raises :class:`InvalidInputError` naming ``field``, the reason and the value (escaped and shortened).
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{field} must be text, not {type(value).__name__}", field=field)
    problem = name_problem(value, limit=limit, slash=slash)
    if problem is not None:
        raise InvalidInputError(f"{field} {problem} (got {printable(short(value))!s})", field=field)
    return value


def parse_reference(value: str, field: str = "name", *, namespace: str = DEFAULT_NAMESPACE) -> Reference:
    """Read ``name`` or ``namespace/name``; without a slash the name is in ``namespace``.

    Raises :class:`InvalidInputError` when either part cannot be a name.
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{field} must be text, not {type(value).__name__}", field=field)
    head, slash, tail = value.partition("/")
    if not slash:
        return Reference(check_name(namespace, "namespace"), check_name(value, field))
    return Reference(check_name(head, f"namespace of {field}"), check_name(tail, field))
