"""Keyset paging: a page begins after the sort key of the one before, however many rows come and go meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa


class SortKey(NamedTuple):
    """A column to sort by, of Python type ``kind``. The keys of an order together must be unique.

    Of a ``nullable`` one, NULLs come last in either direction.
    """

    column: sa.ColumnElement[Any]
    kind: type = str
    descending: bool = False
    nullable: bool = False

    def order(self) -> sa.ColumnElement[Any]:
        """Return the ORDER BY term, without that for NULLs."""
        return self.column.desc() if self.descending else self.column.asc()

    def terms(self) -> list[sa.ColumnElement[Any]]:
        """Return all ORDER BY terms."""
        return [self.column.is_(None), self.order()] if self.nullable else [self.order()]

    def after(self, value: Any) -> sa.ColumnElement[bool]:
        """Return the condition to come after ``value``."""
        if value is None:
            return sa.false()
        place = sa.literal(value) if isinstance(value, bool) else value  # SQLAlchemy compares no True and no False
        condition: sa.ColumnElement[bool] = self.column < place if self.descending else self.column > place
        return sa.or_(condition, self.column.is_(None)) if self.nullable else condition

    def same(self, value: Any) -> sa.ColumnElement[bool]:
        """Return the condition to be where ``value`` is."""
        condition: sa.ColumnElement[bool] = self.column.is_(None) if value is None else self.column == value
        return condition


def after(keys: Sequence[SortKey], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after the one with these sort values.

    Written as ORs, because row values cannot mix directions and MariaDB uses no index for them.
    """
    *rest, last = zip(keys, values, strict=True)
    condition: sa.ColumnElement[bool] = last[0].after(last[1])
    for key, value in reversed(rest):
        condition = sa.or_(key.after(value), sa.and_(key.same(value), condition))
    return condition
