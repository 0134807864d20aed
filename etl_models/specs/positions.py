"""Where a value stands in a file, and how its path is written (``jobs[0].components[1].depends_on[0]``)."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple, TypeAlias

from etl_models.domain.text import printable, short

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead from the top of a document to a value."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")


class Place(NamedTuple):
    """Line and column (from 1) of a value, the places of what it holds, and where the keys of those stand."""

    line: int
    column: int
    items: dict[str | int, Place] | None = None
    keys: dict[str | int, tuple[int, int]] | None = None

    def put(self, key: str | int, item: Place, key_place: tuple[int, int] | None = None) -> None:
        """Note that ``item`` stands under ``key``; only for a place that was made with ``items``."""
        assert self.items is not None
        self.items[key] = item
        if self.keys is not None and key_place is not None:
            self.keys[key] = key_place


def container(line: int, column: int) -> Place:
    """Return the place of a list or mapping, to be filled."""
    return Place(line, column, {}, {})


def locate(root: Place, path: Path, *, at_key: bool = False) -> tuple[int, int]:
    """Return line and column of the value at ``path``, or of the nearest value around it that the file holds."""
    place = root
    key = None
    for step in path:
        found = place.items.get(step) if place.items else None
        if found is None:
            return place.line, place.column
        key = place.keys.get(step) if place.keys else None
        place = found
    return key if at_key and key else (place.line, place.column)


def show(path: Path) -> str:
    """Write ``path`` as people read it; keys that are no plain words are quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{short(step)}" if text else short(step)
        else:
            text += f'["{printable(short(step))}"]'
    return text


class Lines:
    """Line and column (from 1) of an offset into ``text``."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of the character at ``offset``."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
