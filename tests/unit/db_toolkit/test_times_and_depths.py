"""What no column could hold is refused where it is given: times without a zone, clocks with one, JSON too deep."""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from sqlmodel import Field, Session, create_engine

from etl_models.db.composites import UUIDTimestampedBase
from etl_models.db.declarative import new_registry
from etl_models.db.errors import InvalidDataError
from etl_models.db.repository import Repository
from etl_models.db.shapes import create_shape, update_shape

NAIVE = "2026-01-01T12:00:00"
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
EAST = time(12, tzinfo=timezone(timedelta(hours=1)))


class Own(UUIDTimestampedBase, registry=new_registry()):
    """Apart from other tests."""


class Delivery(Own, table=True):
    """Something with a time and a clock."""

    due: datetime | None = None
    opens: time | None = None
    data: dict[str, Any] = Field(default_factory=dict)


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """Field and code of each problem."""
    return [(str(item["loc"][0]), item["type"]) for item in error.errors()]


@pytest.mark.parametrize("make", [Delivery, create_shape(Delivery), update_shape(Delivery)])
@pytest.mark.parametrize("value", [NAIVE, "2026-01-01", datetime(2026, 1, 1)])  # noqa: DTZ001
def test_a_moment_without_offset_is_refused_by_its_field(make: type[BaseModel], value: Any) -> None:
    """A model and its shapes name the field, as filters do, before anything is sent to a database."""
    with pytest.raises(ValidationError) as caught:
        make(due=value)
    assert problems(caught.value) == [("due", "timezone_aware")]


@pytest.mark.parametrize("make", [Delivery, create_shape(Delivery), update_shape(Delivery)])
def test_a_clock_with_offset_is_refused_by_its_field(make: type[BaseModel]) -> None:
    """The offset would be lost."""
    with pytest.raises(ValidationError) as caught:
        make(opens=EAST)
    assert problems(caught.value) == [("opens", "time_without_offset")]


def test_moments_with_offset_and_clocks_without_are_taken() -> None:
    """So are None and values that are assigned; a refused assignment changes nothing."""
    row = Delivery.model_validate({"due": NOON, "opens": "12:00:00"})
    assert (row.due, row.opens) == (NOON, time(12))
    row.due = None
    with pytest.raises(ValidationError):
        setattr(row, "due", NAIVE)  # noqa: B010 - a value of the wrong type, as text from outside is
    assert row.due is None
    assert Delivery.model_validate({"due": 1767268800}).due == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_bulk_rows_name_the_field_as_well() -> None:
    """The text of the error says which field and why."""
    with Session(create_engine("sqlite://")) as session, pytest.raises(InvalidDataError, match=r"due: .*timezone"):
        Repository(session, Delivery).bulk_create([{"due": NAIVE}])


@pytest.mark.parametrize("levels", [21, 100_000])
def test_json_of_any_depth_is_refused_as_data(levels: int) -> None:
    """However deep it is, it ends in InvalidDataError, not in a RecursionError."""
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"a": deep}
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with Session(engine) as session:
        deliveries = Repository(session, Delivery)
        with pytest.raises(InvalidDataError):
            deliveries.create(data=deep)
        session.rollback()
        with pytest.raises(InvalidDataError):
            deliveries.bulk_create([{"data": deep}])
        session.rollback()
        row = deliveries.create(data={"a": 1})
        with pytest.raises(InvalidDataError):
            deliveries.update(row, data=deep)
        session.rollback()
    engine.dispose()
    while deep:  # freed level by level
        deep = deep.pop("a")
