"""Long lists of values in statements of bounded size: databases and drivers limit the parameters of one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

CHUNK = 500
"""Values in one ``IN``; half the 999 parameters that the oldest SQLite allows."""


def in_chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield ``values`` in lists of at most ``size``; none for no values."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def pairs_in(
    first: sa.ColumnElement[Any], second: sa.ColumnElement[Any], pairs: Iterable[tuple[Any, Any]]
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions, one for each statement to send, that together find the rows with these pairs of values.

    Grouped by the first value, because MariaDB uses no index for lists of row values.
    """
    for chunk in in_chunks(sorted(set(pairs))):
        grouped: dict[Any, list[Any]] = defaultdict(list)
        for one, other in chunk:
            grouped[one].append(other)
        yield sa.or_(*(sa.and_(first == one, second.in_(others)) for one, others in grouped.items()))
