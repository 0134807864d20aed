"""Tables and pages for people: as wide as the terminal, harmless whatever the data holds.

Where there is no terminal nothing is cut, so that a pipe gets everything, a line for each row.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from etl_models.domain.text import printable
from etl_models_cli import times
from etl_models_cli.style import Palette

_GAP = 2
_MIN_FLEXIBLE = 8
_ELLIPSIS = "…"


def width_of(stream: TextIO | None) -> int | None:
    """Return the columns of the terminal, ``COLUMNS`` where it is set, None for no limit."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    if stream is None or not stream.isatty():
        return None
    return shutil.get_terminal_size().columns


@dataclass(frozen=True, slots=True)
class Screen:
    """What the output is for a person; ``width`` None means unlimited, ``zone`` None relative times."""

    palette: Palette
    width: int | None
    zone: ZoneInfo | None
    now: datetime
    verbose: int

    def moment(self, value: datetime | None) -> str:
        """Return an instant as people say it, or in the zone that was asked for."""
        return times.moment(value, self.now, self.zone)

    def heading(self, text: str) -> str:
        """Return the title of a part."""
        return self.palette.bold(text)

    def fields(self, pairs: Iterable[tuple[str, str]], *, indent: str = "  ") -> Iterator[str]:
        """Yield ``name  value`` lines, values below each other; empty values are left out."""
        kept = [(name, value) for name, value in pairs if value]
        room = max((cell_width(name) for name, _ in kept), default=0)
        for name, value in kept:
            first, *rest = value.split("\n")
            yield f"{indent}{self.palette.dim(name.ljust(room))}  {first}"
            yield from (f"{indent}{' ' * room}  {line}" for line in rest)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title and how an item fills it.

    ``rank`` says when it goes where room is short: the highest rank first, 0 never. A ``flexible`` one may be cut, down
    to ``least``; before it is cut further, columns of a higher rank go.
    """

    title: str
    cell: Callable[[Any, Screen], str]
    rank: int = 0
    right: bool = False
    flexible: bool = False
    least: int = _MIN_FLEXIBLE
    style: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How a list of one kind is shown: columns for people, fields for CSV, and what to say of an empty one.

    ``flat`` makes the fields of a CSV row from the JSON of an item.
    """

    columns: Sequence[Column]
    fields: Sequence[str]
    empty: str = "nothing to show"
    flat: Callable[[dict[str, Any]], dict[str, Any]] = dict

    def lines(self, items: Sequence[Any], screen: Screen) -> Iterator[str]:
        """Yield the lines of the table."""
        if not items:
            yield screen.palette.dim(self.empty)
            return
        yield from table(items, self.columns, screen)


def table(items: Sequence[Any], columns: Sequence[Column], screen: Screen, *, indent: str = "") -> Iterator[str]:
    """Yield a head and a line for each item."""
    cells = [[plain(column.cell(item, screen)) for column in columns] for item in items]
    natural = [
        max(cell_width(plain(column.title)), *(cell_width(row[index]) for row in cells))
        for index, column in enumerate(columns)
    ]
    shown = [index for index, column in enumerate(columns) if natural[index] and _has_content(index, cells, column)]
    widths = fit(columns, natural, shown, None if screen.width is None else screen.width - len(indent))
    yield indent + _row(
        [(plain(columns[index].title), "bold", index) for index in widths], widths, columns, screen.palette
    )
    for item, row in zip(items, cells, strict=True):
        parts = [(row[index], _style(columns[index], item), index) for index in widths]
        yield indent + _row(parts, widths, columns, screen.palette)


def fit(columns: Sequence[Column], natural: Sequence[int], shown: Sequence[int], width: int | None) -> dict[int, int]:
    """Return the width of each column that is shown; what does not fit is cut or left out."""
    chosen = list(shown)
    while True:
        widths = {index: natural[index] for index in chosen}
        excess = 0 if width is None else sum(widths.values()) + _GAP * (len(chosen) - 1) - width
        if excess <= 0 or _shrink(columns, widths, excess):
            return widths
        victim = max(chosen, key=lambda index: (columns[index].rank, index))
        if columns[victim].rank == 0:
            break
        chosen.remove(victim)
    # Nothing may go any more: what cannot fit ends at the edge.
    room = width or 0
    for index in chosen:
        widths[index] = max(1, min(widths[index], room))
        room -= widths[index] + _GAP
    return {index: size for index, size in widths.items() if size > 1 or natural[index] == 1}


def _shrink(columns: Sequence[Column], widths: dict[int, int], excess: int) -> bool:
    """Take the excess from the widest flexible columns; False when there is not enough to take."""
    spare = {index: widths[index] - columns[index].least for index in widths if columns[index].flexible}
    if sum(max(0, room) for room in spare.values()) < excess:
        return False
    for _ in range(excess):
        widest = max((index for index in spare if spare[index] > 0), key=lambda index: widths[index])
        widths[widest] -= 1
        spare[widest] -= 1
    return True


def _has_content(index: int, cells: Sequence[Sequence[str]], column: Column) -> bool:
    return column.rank == 0 or any(row[index] for row in cells)


def _style(column: Column, item: Any) -> str | None:
    return column.style(item) if column.style else None


def _row(
    parts: Sequence[tuple[str, str | None, int]], widths: dict[int, int], columns: Sequence[Column], palette: Palette
) -> str:
    done = []
    for text, style, index in parts:
        cut = shorten(text, widths[index])
        blanks = " " * (widths[index] - cell_width(cut))
        painted = palette.paint(cut, style)
        done.append(blanks + painted if columns[index].right else painted + blanks)
    return (" " * _GAP).join(done).rstrip()


def wrapped(words: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines of ``words``, two blanks between them, none wider than ``width`` where a word allows it."""
    line = ""
    for word in map(plain, words):
        if line and cell_width(line) + _GAP + cell_width(word) > width:
            yield line
            line = ""
        line = f"{line}{' ' * _GAP}{word}" if line else word
    if line:
        yield line


def plain(text: str) -> str:
    """Return ``text`` on one line, with everything escaped that could steer a terminal."""
    return printable(text)


def cell_width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def shorten(text: str, width: int) -> str:
    """Return ``text`` cut to ``width`` columns, the cut marked."""
    if cell_width(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _character_width(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS
