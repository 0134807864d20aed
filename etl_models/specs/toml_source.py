"""TOML files: looked over before ``tomllib`` sees them, parsed by it, and located by a walk over the same tokens.

``tomllib`` takes quadratic time for a long dotted key (40 KB of ``a.a.a...`` hang it for minutes) and recurses
into nested values, so both are limited beforehand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import partial
from typing import Any, NamedTuple

from etl_models.domain.jsonvalue import JsonValue
from etl_models.specs.positions import Lines, Place, container
from etl_models.specs.source import MAX_DEPTH, MAX_DIGITS, MAX_NODES, Parsed, SourceError

# Closing quotes are optional: looking in vain for one from every quote of a broken text would be quadratic.
_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r]++|\#[^\n]*+)
    | (?P<text>\"\"\"(?:[^"\\]++|\\.|"{1,2}+(?!"))*+(?:"{3,5})?
              |\'\'\'(?:[^']++|'{1,2}+(?!'))*+(?:'{3,5})?
              |"(?:[^"\\\n]++|\\[^\n])*+"?
              |'[^'\n]*+'?)
    | (?P<mark>[\n\[\]{},=.])
    | (?P<bare>[^\s\[\]{},=."'\#]++)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WHERE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


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
    message = f"is not valid TOML: {_WHERE.sub('', said)}"
    if found is None:
        return SourceError(message)
    return SourceError(message, *((int(found[1]), int(found[2])) if found[1] else Lines(text).at(len(text))))


def _plain(value: Any) -> JsonValue:
    """Write TOML's dates and times as text; everything else is JSON already."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind is not None and kind != "skip":
            yield _Token(kind, found.group(), found.start())


def _check(text: str) -> None:
    """Refuse what would cost the parser more than it is worth; syntax is its own business."""
    depth = dots = values = 0
    for token in _tokens(text):
        if token.kind == "mark":
            if token.text in "[{":
                depth += 1
            elif token.text in "]}":
                depth = max(depth - 1, 0)
            values += token.text in "[{,="
            dots = dots + 1 if token.text == "." else 0
        elif len(token.text) > MAX_DIGITS and token.kind == "bare":
            _refuse(text, token, f"is a key or a number of more than {MAX_DIGITS} characters")
        if depth > MAX_DEPTH or dots > MAX_DEPTH:
            _refuse(text, token, f"is nested more than {MAX_DEPTH} levels deep")
        if values > MAX_NODES:
            _refuse(text, token, f"holds more than {MAX_NODES} values")


def _refuse(text: str, token: _Token, message: str) -> None:
    raise SourceError(message, *Lines(text).at(token.start))


class _Places:
    """Walks over the tokens of a text that the parser has accepted."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        self._tokens = list(_tokens(text))
        self._at = 0
        self.root = container(1, 1)

    @classmethod
    def of(cls, text: str) -> Place:
        """Return the places of everything in ``text``."""
        places = cls(text)
        table = places.root
        while (token := places._skip_newlines()) is not None:
            table = places._header() if token.text == "[" else places._statement(table)
        return places.root

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _skip_newlines(self) -> _Token | None:
        while (token := self._next()) is not None and token.text == "\n":
            self._at += 1
        return self._next()

    def _pop(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _header(self) -> Place:
        """Read ``[a.b]`` or ``[[a.b]]`` and return the place of the table it opens."""
        start = self._pop().start
        repeated = self._tokens[self._at].text == "["
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
            token = self._pop()
            text = tomllib.loads(f"k = {token.text}")["k"] if token.kind == "text" else token.text
            keys.append((text, self._lines.at(token.start)))
            following = self._next()
            if following is None or following.text != ".":
                return keys
            self._at += 1

    def _value(self) -> Place:
        token = self._pop()
        start = self._lines.at(token.start)
        if token.text in _BRACKETS:
            return self._inside(container(*start), _BRACKETS[token.text])
        while (following := self._next()) is not None and following.text not in _ENDS:
            self._at += 1
        return Place(*start)

    def _inside(self, place: Place, end: str) -> Place:
        """Read the items of an array or an inline table up to its ``end``."""
        while (token := self._skip_newlines()) is not None and token.text != end:
            if token.text == ",":
                self._at += 1
            elif end == "}":
                self._statement(place)
            else:
                place.put(len(place.items or ()), self._value())
        self._at += 1
        return place


_ENDS = frozenset({",", "]", "}", "\n"})
_BRACKETS = {"[": "]", "{": "}"}


def _child(table: Place, key: str | int, place: tuple[int, int], key_place: tuple[int, int] | None) -> Place:
    """Return the list or table under ``key``, made at ``place`` when it is new."""
    found = table.items.get(key) if table.items else None
    if found is None:
        found = container(*place)
        table.put(key, found, key_place)
    return found
