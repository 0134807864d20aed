"""Names and values that SQL has meanings of its own for are only names and values."""

import enum
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Field

from etl_models.db.composites import FullAuditModel
from etl_models.db.declarative import new_registry
from etl_models.db.errors import InvalidDataError
from etl_models.db.money import currency_check
from tests.support.toolkit import Rows

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]


class Own(FullAuditModel, registry=new_registry()):
    """Apart from other tests."""


class Mark(enum.StrEnum):
    """Values that are hard to quote."""

    PERCENT = "50%"
    PARAMETER = " :b"
    FORMAT = "%(x)s"
    BACKSLASH = "back\\slash"
    QUOTE = "it's"
    DOUBLE = '"'
    LETTER = "ü"


class Order(Own, table=True):
    """Reserved words, nothing but."""

    group: Mark = Mark.PERCENT
    select: str = Field(default="", max_length=20, index=True)
    key: int = Field(default=0, unique=True)
    table: dict[str, Any] = Field(default_factory=dict)
    long: str = Field(default="", max_length=1000, index=True)
    desc: str | None = Field(default=None, foreign_key="order.select", max_length=20)
    currency: str = Field(default="EUR", max_length=3)
    __table_args__ = (currency_check("currency"), sa.UniqueConstraint("select"))


@pytest.mark.parametrize("mark", Mark, ids=lambda mark: mark.name)
def test_reserved_words_and_odd_values_are_stored(rows_of: RowsOf, mark: Mark) -> None:
    """A row lives its whole life in a table called ORDER, whose enum holds what other layers would interpret."""
    rows = rows_of(Order)
    orders = rows.repository(Order)
    row = orders.create(group=mark, select="a", table={"where": [mark.value]}, long="x" * 1000)
    orders.bulk_create([{"group": mark.value, "select": "b", "key": 1, "desc": "a"}])
    orders.bulk_update([{"id": row.id, "key": 7}])
    orders.bulk_upsert([{"select": "b", "group": mark, "key": 8}], match=["select"])
    rows.commit()
    rows.forget()
    assert [(found.group, found.key) for found in orders.find_all(group=mark, order_by="key")] == [(mark, 7), (mark, 8)]
    assert orders.get(row.id).table == {"where": [mark.value]}
    orders.update(row.id, group=Mark.LETTER)
    assert orders.revert_to(row.id, 1).group is mark
    with pytest.raises(InvalidDataError):
        orders.create(group="other")


def test_the_table_refuses_other_values_of_an_enum(rows_of: RowsOf) -> None:
    """The check of a column called GROUP works as any other."""
    rows = rows_of(Order)
    rows.repository(Order).create()
    rows.commit()
    table = sa.table("order", sa.column("group"))
    with pytest.raises(sa.exc.DBAPIError):
        rows.run(lambda session: session.connection().execute(sa.update(table).values(group="other")))
    rows.rollback()
    rows.run(lambda session: session.connection().execute(sa.update(table).values(group=Mark.BACKSLASH.value)))
    rows.commit()
    rows.forget()
    assert rows.repository(Order).find_all()[0].group is Mark.BACKSLASH
