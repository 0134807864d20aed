"""Counting what a piece of work sends to the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def counted(engine: sa.Engine) -> Iterator[Counter[str]]:
    """Count statements by their first word: ``SELECT``, ``INSERT``, ...; a batch of rows is one statement."""
    counts: Counter[str] = Counter()

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        counts[statement.split(maxsplit=1)[0].upper()] += 1

    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
