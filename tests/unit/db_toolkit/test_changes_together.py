"""Several fields changed at once: rules across fields judge the row as it will be, not the states on the way."""

from datetime import date
from typing import ClassVar, Self

import pytest
from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from sqlmodel import Field

from etl_models.db import Base, IntegerPKMixin, ModelSerializer, Money, SlugMixin, money_columns, new_registry


class Calendar(Base, registry=new_registry()):
    """Apart from other tests."""


class Span(SlugMixin, IntegerPKMixin, Calendar, table=True):
    """A first day that is never after the last, and a price."""

    name: str = Field(max_length=20)
    first: date
    last: date
    is_long: bool = False
    price_micros: int = 0
    price_currency: str = Field(default="EUR", min_length=3, max_length=3)
    price: ClassVar[Money] = money_columns("price")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.last < self.first:
            raise ValueError("last is before first")
        if self.is_long != (is_long := (self.last - self.first).days > 30):
            self.is_long = is_long
        return self


@pytest.fixture
def span() -> Span:
    return Span(id=1, name="x", first=date(2030, 1, 1), last=date(2030, 1, 2))


@pytest.mark.parametrize("names", [("first", "last"), ("last", "first")])
def test_fields_that_only_fit_together_can_be_changed_together(span: Span, names: tuple[str, ...]) -> None:
    """Either order moves the span to another year, though the first change alone would be refused."""
    days = {"first": "2040-05-01", "last": "2040-08-01"}
    changed = ModelSerializer.update_from_dict(span, {name: days[name] for name in names})
    assert (changed.first, changed.last) == (date(2040, 5, 1), date(2040, 8, 1))
    assert changed.is_long, "what a validator sets is taken over"
    assert {"first", "last"} <= changed.model_fields_set
    assert changed.name == "x"


def test_what_does_not_fit_together_changes_nothing(span: Span) -> None:
    """All fields or none."""
    with pytest.raises(ValidationError, match="last is before first"):
        ModelSerializer.update_from_dict(span, {"name": "y", "first": "2040-05-01"})
    assert (span.name, span.first) == ("x", date(2030, 1, 1))


@pytest.mark.parametrize("more", [{}, {"name": "y"}])
def test_money_can_be_changed_as_one_value(span: Span, more: dict[str, str]) -> None:
    """A composite stands for its columns, as when a row is made."""
    ModelSerializer.update_from_dict(span, {"price": Money.of("1.50", "USD"), **more})
    assert (span.price_micros, span.price_currency) == (1_500_000, "USD")


class Measure(IntegerPKMixin, Calendar, table=True):
    """A value whose limit depends on its unit."""

    unit: str = Field(max_length=5)
    value: int

    @field_validator("value")
    @classmethod
    def _check(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("unit") == "hour" and value > 23:
            raise ValueError("an hour ends at 23")
        return value


def test_a_field_that_looks_at_another_sees_its_new_value() -> None:
    """Fields are judged in the order of the model, however they are given."""
    measure = Measure(unit="hour", value=5)
    ModelSerializer.update_from_dict(measure, {"value": 50, "unit": "day"})
    assert (measure.value, measure.unit) == (50, "day")
    with pytest.raises(ValidationError, match="an hour ends at 23"):
        ModelSerializer.update_from_dict(measure, {"value": 24, "unit": "hour"})
    assert (measure.value, measure.unit) == (50, "day")
