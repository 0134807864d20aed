"""YAML files: read event by event, so that every limit stops the parser itself.

Plain scalars follow the core schema of YAML 1.2, with one exception: digits behind a leading zero are text. So
``no`` and ``on`` are text, dates are text, ``1:30`` is text, ``0o17`` is a number, and ``007`` keeps its zeros.
Aliases and merge keys work, within limits that make a bomb of them harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import yaml

from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.text import printable, short
from etl_models.errors import Problem
from etl_models.specs.positions import Lines, Place, container, show
from etl_models.specs.source import MAX_DEPTH, MAX_DIGITS, MAX_NODES, Parsed, SourceError
from etl_models.specs.suggest import quoted
from etl_models.specs.wording import kind_of

MAX_ALIASES = 1_000
MAX_ALIASED_NODES = 20_000
MAX_ALIASED_CHARACTERS = 262_144
MAX_DOCUMENTS = 1_000
MAX_DIRECTIVES = 100
MAX_PROBLEMS = 100

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml is about 15 times as fast

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NUMBER_START = frozenset("+-.0123456789")
_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"


def parse(text: str) -> list[Parsed]:
    """Return the documents of a YAML text."""
    if text.count("\n%") > MAX_DIRECTIVES:  # libyaml compares each of them with all before it
        raise SourceError(f"holds more than {MAX_DIRECTIVES} lines that begin with '%'")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.reader.ReaderError as error:
        raise _character_error(error, text) from None
    except RecursionError:
        raise SourceError(f"is nested more than {MAX_DEPTH} levels deep") from None
    return builder.documents


def _character_error(error: yaml.reader.ReaderError, text: str) -> SourceError:
    code = ord(error.character) if isinstance(error.character, str) else int(error.character)
    message = f"holds the character U+{code:04X}, which YAML does not allow"
    return SourceError(message, *Lines(text).at(max(text.find(chr(code)), 0)))


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> SourceError:
    mark = error.problem_mark or error.context_mark
    said = short(printable(": ".join(part for part in (error.context, error.problem) if part)), 200)
    if mark is None:
        return SourceError(f"is not valid YAML: {said}")
    line = text.split("\n", mark.line + 1)[mark.line] if mark.line <= text.count("\n") else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        said += "; YAML does not allow tabs for indentation, use spaces"
    return SourceError(f"is not valid YAML: {said}", mark.line + 1, mark.column + 1)


class _Made(NamedTuple):
    """A finished value with its place and its weight: how much an alias to it adds."""

    value: JsonValue
    place: Place
    nodes: int
    characters: int
    depth: int


class _Open:
    """A list or mapping whose end has not been read yet; for a mapping, also the key that waits for its value."""

    __slots__ = (
        "anchor",
        "characters",
        "depth",
        "is_list",
        "key",
        "key_place",
        "merged",
        "merges",
        "nodes",
        "place",
        "value",
    )

    def __init__(self, value: Any, place: Place, anchor: str | None) -> None:
        self.value = value
        self.place = place
        self.anchor = anchor
        self.is_list = isinstance(value, list)
        self.nodes = 1
        self.characters = 0
        self.depth = 1
        self.key: JsonValue = None
        self.key_place: Place | None = None
        self.merges = False
        self.merged: list[tuple[dict[str, Any], Place]] = []


class _Builder:
    """Builds values and places from events, in one pass and without recursion."""

    def __init__(self) -> None:
        self.documents: list[Parsed] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Made | None] = {}
        self._problems: list[Problem] = []
        self._nodes = 0
        self._aliases = 0
        self._aliased_nodes = 0
        self._aliased_characters = 0
        self._take: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end_mapping,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        handle = self._take.get(type(event))
        if handle is not None:
            handle(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._anchors = {}
        self._problems = []
        if len(self.documents) == MAX_DOCUMENTS:
            _refuse(event, f"holds more than {MAX_DOCUMENTS} documents")

    def _scalar(self, event: Any) -> None:
        self._count(event, 1)
        value, mark = _resolve(event), event.start_mark
        made = _Made(value, Place(mark.line + 1, mark.column + 1), 1, len(event.value), 0)
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        self._attach(made, merges=event.value == _MERGE and event.implicit[0])

    def _mapping(self, event: yaml.MappingStartEvent) -> None:
        self._open(event, {}, "map")

    def _sequence(self, event: yaml.SequenceStartEvent) -> None:
        self._open(event, [], "seq")

    def _open(self, event: Any, value: list[Any] | dict[str, Any], tag: str) -> None:
        self._count(event, 1)
        if event.tag not in (None, "!", _TAG + tag):
            _refuse(event, f"has the tag {_shown(event.tag)}; only the tags of plain data are allowed")
        if len(self._stack) == MAX_DEPTH:
            _refuse(event, f"is nested more than {MAX_DEPTH} levels deep")
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # not finished: an alias to it would hold itself
        place = container(event.start_mark.line + 1, event.start_mark.column + 1)
        self._stack.append(_Open(value, place, event.anchor))

    def _end_mapping(self, event: yaml.MappingEndEvent) -> None:
        mapping = self._stack[-1]
        for value, place in mapping.merged:
            for key in value:
                if key not in mapping.value:
                    mapping.value[key] = value[key]
                    _copy(key, place, mapping.place)
        self._end(event)

    def _end(self, _: yaml.Event) -> None:
        done = self._stack.pop()
        made = _Made(done.value, done.place, done.nodes, done.characters, done.depth)
        if done.anchor is not None:
            self._anchors[done.anchor] = made
        self._attach(made)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = quoted(str(event.anchor))
        if event.anchor not in self._anchors:
            _refuse(event, f"is not valid YAML: the alias {name} has no anchor before it")
        made = self._anchors[event.anchor]
        if made is None:
            _refuse(event, f"the alias {name} stands inside its own anchor and would hold itself")
        self._aliases += 1
        self._aliased_nodes += made.nodes
        self._aliased_characters += made.characters
        if (
            self._aliases > MAX_ALIASES
            or self._aliased_nodes > MAX_ALIASED_NODES
            or self._aliased_characters > MAX_ALIASED_CHARACTERS
        ):
            _refuse(event, "aliases repeat too much; write the values out")
        if len(self._stack) + made.depth > MAX_DEPTH:
            _refuse(event, f"is nested more than {MAX_DEPTH} levels deep")
        self._count(event, made.nodes)
        self._attach(made)

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            _refuse(event, f"holds more than {MAX_NODES} values")

    def _attach(self, made: _Made, *, merges: bool = False) -> None:
        """Put a finished value where it belongs: into the list or mapping around it, or as the document."""
        if not self._stack:
            self.documents.append(Parsed(made.value, lambda: made.place, self._problems))
            return
        around = self._stack[-1]
        around.nodes += made.nodes
        around.characters += made.characters
        if made.depth >= around.depth:
            around.depth = made.depth + 1
        if around.is_list:
            around.place.put(len(around.value), made.place)
            around.value.append(made.value)
        elif around.key_place is None:
            around.key, around.key_place, around.merges = made.value, made.place, merges
        else:
            self._put(around, around.key_place, made)
            around.key_place = None

    def _put(self, mapping: _Open, key_place: Place, made: _Made) -> None:
        key = mapping.key
        if mapping.merges:
            self._merge(mapping, key_place, made)
        elif not isinstance(key, str):
            if isinstance(key, dict | list):
                raise SourceError(f"keys must be text, not {kind_of(key)}", *key_place[:2])
            self._problem(key_place, f"keys must be text, not {kind_of(key)}; write the key in quotes")
        elif key in mapping.value:
            first = mapping.place.keys[key] if mapping.place.keys else key_place
            self._problem(key_place, f"the key {quoted(key)} is given twice (first in line {first[0]})")
        else:
            mapping.value[key] = made.value
            mapping.place.put(key, made.place, key_place[:2])

    def _merge(self, mapping: _Open, key_place: Place, made: _Made) -> None:
        values = made.value if isinstance(made.value, list) else [made.value]
        if not all(isinstance(value, dict) for value in values):
            self._problem(key_place, "the merge key '<<' takes a mapping or a list of mappings")
            return
        places = (made.place.items or {}).values() if isinstance(made.value, list) else [made.place]
        mapping.merged.extend(zip(values, places, strict=True))

    def _problem(self, place: Place, message: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(message, self._path(), line=place.line, column=place.column))

    def _path(self) -> str:
        """Return the path of what is being built: an index of every open list, a key of every open mapping."""
        steps: list[str | int] = []
        for opened in self._stack:
            if opened.is_list:
                steps.append(len(opened.value))
            elif isinstance(opened.key, str):
                steps.append(opened.key)
        return show(tuple(steps))


def _copy(key: str, source: Place, target: Place) -> None:
    assert source.items is not None
    target.put(key, source.items[key], source.keys.get(key) if source.keys else None)


def _refuse(event: Any, message: str) -> NoReturn:
    raise SourceError(message, event.start_mark.line + 1, event.start_mark.column + 1)


def _shown(tag: str) -> str:
    return quoted("!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag)


def _resolve(event: Any) -> JsonValue:
    """Return the value of a scalar: by its tag, else by its look when it is plain."""
    if event.tag is None:
        return _plain(event) if event.implicit[0] else event.value
    if event.tag == "!" or event.tag == _TAG + "str":
        return event.value
    value: Any = _plain(event)
    kinds = _TAGGED.get(event.tag)
    if kinds is None:
        _refuse(event, f"has the tag {_shown(event.tag)}; only the tags of plain data are allowed")
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if not fits:
        _refuse(event, f"does not fit its tag {_shown(event.tag)}")
    return float(value) if event.tag == _TAG + "float" else value


_TAGGED: dict[str, tuple[type, ...]] = {
    _TAG + "null": (type(None),),
    _TAG + "bool": (bool,),
    _TAG + "int": (int,),
    _TAG + "float": (int, float),
}


def _plain(event: yaml.ScalarEvent) -> JsonValue:
    text: str = event.value
    if text[:1] in _NUMBER_START:
        return _number(event, text)
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    return False if text in _FALSE else text


def _number(event: yaml.ScalarEvent, text: str) -> JsonValue:
    if len(text) > MAX_DIGITS:
        if text[1:].isdecimal():
            _refuse(event, f"is a number of more than {MAX_DIGITS} digits")
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _BASED.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    special = _SPECIAL.fullmatch(text)
    return float(text.replace(".", "", 1)) if special else text
