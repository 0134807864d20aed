"""TOML files: looked over before ``tomllib`` sees them, parsed by it, and located by a walk over the same tokens.

``tomllib`` takes quadratic time for a long dotted key (40 KB of ``a.a.a...`` hang it for minutes) and recurses
into nested values, so both are limited beforehand.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, time
from functools import partial
from typing import Any, NoReturn

from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.text import printable, short
from etl_models.specs.positions import Lines, Place, container
from etl_models.specs.source import MAX_DEPTH, MAX_DIGITS, Parsed, SourceError

MAX_WORK = 200_000
"""Work for tomllib, in units of about three microseconds; a catalogue of 2,000 jobs needs about 140,000."""

MAX_DOTS = 20
"""In one key; each costs tomllib time in every key below it."""

# Closing quotes are optional: looking in vain for one from every quote of a broken text would be quadratic.
_TEXT = r"""
    \"\"\"(?:[^"\\]++|\\.|"{1,2}+(?!"))*+(?:"{3,5})?
    |\'\'\'(?:[^']++|'{1,2}+(?!'))*+(?:'{3,5})?
    |"(?:[^"\\\n]++|\\[^\n])*+"?
    |'[^'\n]*+'?
"""
_TOKEN = re.compile(_TEXT + r"|\#[^\n]*+|[\n\[\]{},=.]|[^\s\[\]{},=.\"'\#]++", re.VERBOSE | re.DOTALL)
_OUTLINE = re.compile(
    _TEXT + r"|\#[^\n]*+|[\n\[\]{},=.]|[^\s\[\]{},=.\"'\#]{" + str(MAX_DIGITS + 1) + ",}+", re.VERBOSE | re.DOTALL
)
_WORK = {"\n": 0, "]": 0, "}": 0, ",": 1, ".": 1, "=": 2, "[": 2, "{": 2}
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_WHERE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse(text: str) -> list[Parsed]:
    """Return the one document of a TOML text."""
    _check(text)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text) from None
    except (ValueError, RecursionError) as error:  # an impossible date, or too many digits
        raise SourceError(f"is not valid TOML: {type(error).__name__}") from None
    return [Parsed(_plain(value), partial(_Places.of, text))]


def _syntax_error(said: str, text: str) -> SourceError:
    found = _WHERE.search(said)
    message = f"is not valid TOML: {short(printable(_WHERE.sub('', said)), 200)}"
    if found is None:
        return SourceError(message)
    line, column = (int(found[1]), int(found[2])) if found[1] else Lines(text).at(len(text))
    if "Cannot" in said:  # overwrite a value, declare a table twice: tomllib stands behind it by then
        line_text = text.split("\n", line)[line - 1]
        message += " (the key is given twice)"
        column = len(line_text) - len(line_text.lstrip()) + 1
    return SourceError(message, line, column)


def _plain(value: Any) -> JsonValue:
    """Write TOML's dates and times as text; everything else is JSON already."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _check(text: str) -> None:
    """Refuse what would cost the parser more than it is worth; syntax is its own business."""
    depth = dots = work = 0
    for found in _OUTLINE.finditer(text):
        mark = found.group()
        if mark not in _WORK:
            if len(mark) > MAX_DIGITS and mark[0] not in "\"'#":
                _refuse(text, found.start(), f"is a key or a number of more than {MAX_DIGITS} characters")
            continue
        depth = max(depth + _DEPTH.get(mark, 0), 0)
        dots = dots + 1 if mark == "." else 0
        work += _WORK[mark]
        if depth > MAX_DEPTH or dots > MAX_DOTS:
            _refuse(text, found.start(), f"is nested more than {MAX_DOTS if dots else MAX_DEPTH} levels deep")
        if work > MAX_WORK:
            _refuse(text, found.start(), "holds too many keys, tables and values")


def _refuse(text: str, offset: int, message: str) -> NoReturn:
    raise SourceError(message, *Lines(text).at(offset))


class _Places:
    """Walks over the tokens of a text that the parser has accepted."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        found = [(word.group(), word.start()) for word in _TOKEN.finditer(text)]
        self._tokens = [word for word in found if word[0][0] != "#"]
        self._at = 0
        self.root = container(1, 1)

    @classmethod
    def of(cls, text: str) -> Place:
        """Return the places of everything in ``text``."""
        places = cls(text)
        table = places.root
        while (word := places._skip_newlines()) is not None:
            table = places._header() if word == "[" else places._statement(table)
        return places.root

    def _next(self) -> str | None:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else None

    def _skip_newlines(self) -> str | None:
        while (word := self._next()) == "\n":
            self._at += 1
        return word

    def _pop(self) -> tuple[str, int]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _header(self) -> Place:
        """Read ``[a.b]`` or ``[[a.b]]`` and return the place of the table it opens."""
        _, start = self._pop()
        repeated = self._next() == "["
        self._at += repeated
        *parents, (key, key_place) = self._key()
        self._at += 1 + repeated
        place = self._lines.at(start)
        found = _child(self._descend(self.root, parents), key, place, key_place)
        return _child(found, len(found.items or ()), place, None) if repeated else found

    def _statement(self, table: Place) -> Place:
        """Read ``key = value`` into ``table`` and return it."""
        *parents, (key, key_place) = self._key()
        self._at += 1  # the sign
        self._descend(table, parents).put(key, self._value(), key_place)
        return table

    def _descend(self, table: Place, keys: list[tuple[str, tuple[int, int]]]) -> Place:
        for key, key_place in keys:
            table = _child(table, key, key_place, key_place)
            last = next(reversed(table.items or {}), None)
            if isinstance(last, int):  # an array of tables: what follows belongs to its newest table
                table = _child(table, last, key_place, None)
        return table

    def _key(self) -> list[tuple[str, tuple[int, int]]]:
        keys = []
        while True:
            word, start = self._pop()
            text = tomllib.loads(f"k = {word}")["k"] if word[0] in "\"'" else word
            keys.append((text, self._lines.at(start)))
            if self._next() != ".":
                return keys
            self._at += 1

    def _value(self) -> Place:
        word, offset = self._pop()
        start = self._lines.at(offset)
        if word in _BRACKETS:
            return self._inside(container(*start), _BRACKETS[word])
        while self._next() not in _ENDS:
            self._at += 1
        return Place(*start)

    def _inside(self, place: Place, end: str) -> Place:
        """Read the items of an array or an inline table up to its ``end``."""
        while (word := self._skip_newlines()) is not None and word != end:
            if word == ",":
                self._at += 1
            elif end == "}":
                self._statement(place)
            else:
                place.put(len(place.items or ()), self._value())
        self._at += 1
        return place


_ENDS = frozenset({",", "]", "}", "\n", None})
_BRACKETS = {"[": "]", "{": "}"}


def _child(table: Place, key: str | int, place: tuple[int, int], key_place: tuple[int, int] | None) -> Place:
    """Return the list or table under ``key``, made at ``place`` when it is new."""
    found = table.items.get(key) if table.items else None
    if found is None:
        found = container(*place)
        table.put(key, found, key_place)
    return found
