"""Data on standard output: five formats of the same facts.

* ``json``: one object, or ``{"items": [...], "next_cursor": ...}``; ``yaml`` is the same.
* ``jsonl``: one object a line. ``csv``: one row an object, nested values as JSON, cells that a spreadsheet would run
  as a formula defused by a leading apostrophe.
* ``table``: for people; see ``screen``.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from etl_models_cli.context import Cli, Format
from etl_models_cli.ending import ReaderGoneError
from etl_models_cli.progress import counted

if TYPE_CHECKING:
    from etl_models.domain.paging import Page
    from etl_models_cli.screen import Screen, View

# Characters that steer a terminal: inside JSON text they can be escaped without changing the value.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_pages(cli: Cli, pages: Iterable[Page[Any]], view: View) -> None:
    """Write a list. ``jsonl`` and ``csv`` are written page by page, the others when all is there."""
    pages = counted(cli, pages)
    if cli.format is Format.JSONL:
        cursor = _each_page(pages, lambda items: [_compact(as_json(item)) for item in items])
    elif cli.format is Format.CSV:
        _line(_csv([view.fields]))
        cursor = _each_page(
            pages, lambda items: [_csv(_cells(view.flat(as_json(item)), view.fields)) for item in items]
        )
    else:
        collected = list(pages)
        items = list(chain.from_iterable(page.items for page in collected))
        cursor = collected[-1].next_cursor if collected else None
        if cli.format is Format.TABLE:
            for line in view.lines(items, cli.screen):
                _line(line)
        else:
            write_document(cli, {"items": [as_json(item) for item in items], "next_cursor": cursor})
            cursor = None
    if cursor is not None:
        cli.note(f"there are more: --cursor {cursor}")


def write_item(cli: Cli, item: Any, lines: Callable[[Screen], Iterable[str]]) -> None:
    """Write one thing."""
    if cli.format is Format.TABLE:
        for line in lines(cli.screen):
            _line(line)
        return
    document = as_json(item)
    if cli.format is Format.CSV:
        _line(_csv([tuple(document)]))
        _line(_csv(_cells(document, tuple(document))))
    else:
        write_document(cli, document)


def write_document(cli: Cli, document: Any) -> None:
    """Write JSON or YAML as it is; a table has no place for it and becomes YAML."""
    if cli.format is Format.JSON:
        _line(_safe(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)))
    elif cli.format in {Format.JSONL, Format.CSV}:
        _line(_compact(document))
    else:
        _line(to_yaml(document).rstrip("\n"))


def to_yaml(document: Any) -> str:
    """Return ``document`` as YAML, keys in their order."""
    import yaml

    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
    return text


def as_json(item: Any) -> Any:
    """Return a read model, or what is JSON already, as JSON."""
    if hasattr(item, "to_json"):
        return item.to_json()
    return item.model_dump(mode="json") if hasattr(item, "model_dump") else item


def _each_page(pages: Iterable[Page[Any]], lines: Callable[[Sequence[Any]], Iterable[str]]) -> str | None:
    cursor: str | None = None
    for page in pages:
        for line in lines(page.items):
            _line(line)
        cursor = page.next_cursor
    return cursor


def _compact(document: Any) -> str:
    return _safe(json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def _safe(text: str) -> str:
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _cells(document: Mapping[str, Any], fields: Sequence[str]) -> Iterator[Sequence[str]]:
    yield [_cell(document.get(field)) for field in fields]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return _compact(value)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().removesuffix("\n")


def _line(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        raise ReaderGoneError from None
