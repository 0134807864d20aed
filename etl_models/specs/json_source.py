"""JSON files: parsed by the standard library; positions are found by a second look when something is wrong."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, NamedTuple

from etl_models.errors import Problem
from etl_models.specs.positions import Lines, Place, container, show
from etl_models.specs.source import MAX_DEPTH, MAX_DIGITS, MAX_NODES, Parsed, SourceError
from etl_models.specs.suggest import quoted

# The closing quote is optional: looking in vain for it from every quote of a broken text would be quadratic.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]++', re.DOTALL)
_OPENING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
MAX_PROBLEMS = 100

_LONG_NUMBER = re.compile(rf"-?[0-9]{{{MAX_DIGITS},}}")


def parse(text: str) -> list[Parsed]:
    """Return the one document of a JSON text."""
    _check_depth(text)
    faults = _Faults()
    try:
        value = json.loads(text, object_pairs_hook=faults.mapping, parse_constant=faults.constant)
    except json.JSONDecodeError as error:
        raise SourceError(f"is not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except ValueError:  # more digits than Python turns into a number
        found = _LONG_NUMBER.search(text)
        place = Lines(text).at(found.start()) if found else ()
        raise SourceError(f"holds a number of more than {MAX_DIGITS} digits", *place) from None
    problems = _scan(text).problems if faults.found else []
    return [Parsed(value, partial(_places, text), problems)]


def _places(text: str) -> Place:
    return _scan(text).place


def _check_depth(text: str) -> None:
    """Refuse what nests too deep or holds too many lists and mappings, before the parser recurses into it."""
    depth = opened = 0
    for found in _OPENING.finditer(text):
        part = found.group()
        if part in "[{":
            depth += 1
            opened += 1
            if depth > MAX_DEPTH:
                raise SourceError(f"is nested more than {MAX_DEPTH} levels deep", *Lines(text).at(found.start()))
        elif part in "]}":
            depth -= 1
    if opened + text.count(",") > MAX_NODES and _count(text) > MAX_NODES:
        raise SourceError(f"holds more than {MAX_NODES} values")


def _count(text: str) -> int:
    return sum(1 for found in _TOKEN.finditer(text) if found.group() in "[{,")


class _Faults:
    """Notes that the parser met something it would let pass; where it stands is found afterwards."""

    def __init__(self) -> None:
        self.found = False

    def mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Build an object; of a key that is given twice the first value stays."""
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            self.found = True
            mapping = dict(reversed(pairs))
        return mapping

    def constant(self, _: str) -> None:
        """Take NaN and the infinities, which JSON does not have, for null."""
        self.found = True


class _Scan(NamedTuple):
    place: Place
    problems: list[Problem]


class _Level:
    """A list or object that the scan is inside of."""

    def __init__(self, place: Place, *, is_list: bool) -> None:
        self.place = place
        self.is_list = is_list
        self.count = 0
        self.key: str | None = None
        self.key_place = (0, 0)
        self.step: str | int = 0  # under which the newest item stands


def _scan(text: str) -> _Scan:
    """Walk over a text that the parser has accepted and note where everything stands."""
    lines = Lines(text)
    problems: list[Problem] = []
    holder = container(1, 1)
    stack = [_Level(holder, is_list=True)]
    for found in _TOKEN.finditer(text):
        part, level = found.group(), stack[-1]
        if part in "]}":
            stack.pop()
        elif part in ",:":
            continue
        elif not level.is_list and level.key is None:
            level.key, level.key_place = json.loads(part), lines.at(found.start())
        elif part in "[{":
            place = container(*lines.at(found.start()))
            _add(stack, place, problems)
            stack.append(_Level(place, is_list=part == "["))
        else:
            place = Place(*lines.at(found.start()))
            _add(stack, place, problems)
            if part in ("NaN", "Infinity", "-Infinity"):
                problems.append(_problem(stack, "JSON has no NaN or infinity", place.line, place.column))
    return _Scan((holder.items or {}).get(0, Place(1, 1)), problems)


def _problem(stack: list[_Level], message: str, line: int, column: int) -> Problem:
    return Problem(message, show(tuple(level.step for level in stack[1:])), line=line, column=column)


def _add(stack: list[_Level], place: Place, problems: list[Problem]) -> None:
    level = stack[-1]
    if level.is_list:
        level.step = level.count
        level.place.put(level.count, place)
        level.count += 1
        return
    key, level.key = level.key, None
    assert key is not None
    level.step = key
    first = level.place.keys.get(key) if level.place.keys else None
    if first is None:
        level.place.put(key, place, level.key_place)
    elif len(problems) < MAX_PROBLEMS:
        message = f"the key {quoted(key)} is given twice (first in line {first[0]})"
        problems.append(_problem(stack, message, *level.key_place))
