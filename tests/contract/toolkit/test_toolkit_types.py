"""What is stored comes back equal, on every database: each type of column, and rows as dictionaries."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl_models.db.bases import table_of
from etl_models.db.errors import InvalidDataError, InvalidFilterError
from etl_models.db.filters import OPERATORS
from etl_models.db.money import Money
from etl_models.db.serialization import ModelSerializer
from tests.support.toolkit import Rows, opened
from tests.support.toolkit_models import Color, Sample

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]

OUTERMOST = 1.797e308
FLOATS = st.floats(min_value=-OUTERMOST, max_value=OUTERMOST) | st.sampled_from([math.inf, -math.inf, math.nan])
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=100)
# The years every database has; MariaDB's begin at 1000.
MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
SAMPLES = st.fixed_dictionaries(
    {
        "text": TEXT,
        "name": TEXT,
        "whole": st.integers(-(2**63), 2**63 - 1),
        "real": FLOATS,
        "maybe_real": st.none() | FLOATS,
        "yes": st.booleans(),
        "exact": st.decimals(-(10**10), 10**10, places=4, allow_nan=False),
        "moment": st.none() | MOMENTS,
        "day": st.none() | st.dates(date(1000, 1, 1)),
        "clock": st.none() | st.times(),
        "span": st.none() | st.timedeltas(timedelta(days=-36500), timedelta(days=36500)),
        "ident": st.none() | st.uuids(),
        "color": st.sampled_from(Color),
        "raw": st.binary(max_size=200),
        "data": st.dictionaries(TEXT, JSON, max_size=4),
        "items": st.lists(JSON, max_size=4),
        "price_micros": st.integers(-(2**63), 2**63 - 1),
        "tags": TEXT,
    }
)
EXAMPLES = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def rows(rows_of: RowsOf) -> Rows:
    """A table with every type of column."""
    return rows_of(Sample)


@pytest.fixture
def blocking_rows(database_url: str) -> Iterator[Rows]:
    """The same on the blocking face only: values are the same on both, and many of them take long."""
    with opened(database_url, "sync", table_of(Sample)) as made:
        yield made


def same(left: Any, right: Any) -> bool:
    """Equality under which NaN equals itself."""
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)


def assert_same(left: Sample, right: Sample) -> None:
    """Every column of two rows is the same."""
    different = {
        name: (getattr(left, name), getattr(right, name))
        for name in Sample.model_fields
        if not same(getattr(left, name), getattr(right, name))
    }
    assert different == {}


def test_every_value_comes_back(blocking_rows: Rows) -> None:
    """A row read back equals the row that was written, in memory and through its dictionary."""
    rows, samples = blocking_rows, blocking_rows.repository(Sample)

    @EXAMPLES
    @given(SAMPLES)
    def check(values: dict[str, Any]) -> None:
        written = samples.create(values)
        rows.commit()
        rows.forget()
        read = samples.get(written.id)
        assert_same(read, written)
        assert_same(ModelSerializer.from_dict(Sample, read.to_dict()), read)
        assert_same(ModelSerializer.from_json(Sample, ModelSerializer.to_json(read)), read)
        assert ModelSerializer.bulk_to_dict([read]) == [read.to_dict()]
        samples.bulk_update([{"id": written.id, **values}])
        rows.forget()
        again = samples.get(written.id)
        assert {**again.to_dict(), "updated_at": None} == {**read.to_dict(), "updated_at": None}

    check()


def test_any_filter_works_or_is_refused(blocking_rows: Rows) -> None:
    """Whatever a filter is made of, it finds rows or raises InvalidFilterError: nothing reaches SQL as text."""
    samples = blocking_rows.repository(Sample)
    samples.create(text="x")
    blocking_rows.commit()
    values = st.none() | st.text(max_size=50) | st.integers() | st.floats() | st.lists(st.text(max_size=5), max_size=3)
    names = st.sampled_from(sorted(Sample.model_fields)) | st.text(max_size=20)

    @EXAMPLES
    @given(names, st.sampled_from(["", *sorted(OPERATORS)]) | st.text(max_size=10), values)
    def check(name: str, operator: str, value: Any) -> None:
        lookup = f"{name}__{operator}" if operator else name
        for call in (samples.find_all, samples.count, samples.exists):
            try:
                call(**{lookup: value})
            except InvalidFilterError:
                continue
            except TypeError as error:  # the name of an argument
                assert "argument" in str(error)  # noqa: PT017
        for call in (samples.search, samples.page):
            try:
                call(order_by=[name])
            except InvalidFilterError:
                continue

    check()


def test_special_floats_sort_and_compare(rows: Rows) -> None:
    """NaN equals itself and comes after infinity, which comes after every number."""
    samples = rows.repository(Sample)
    for value in (1.5, math.nan, -math.inf, math.inf, -2.0):
        samples.create(real=value)
    rows.commit()
    rows.forget()
    ordered = [row.real for row in samples.find_all(order_by="real")]
    assert ordered[:4] == [-math.inf, -2.0, 1.5, math.inf]
    assert math.isnan(ordered[4])
    assert samples.count(real=math.nan) == 1
    assert samples.count(real__gt=1.5) == 2
    with pytest.raises(InvalidDataError):
        samples.create(real=1.7976931348623157e308)


def test_times_are_instants(rows: Rows) -> None:
    """An offset is turned to UTC with its microseconds kept; a time without one is refused."""
    samples = rows.repository(Sample)
    moment = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=-5)))
    ident = samples.create(moment=moment, clock=time(23, 59, 59, 999999)).id
    rows.commit()
    rows.forget()
    read = samples.get(ident)
    assert (read.moment, read.moment.tzinfo, read.clock.microsecond) == (moment, UTC, 999999)
    with pytest.raises(InvalidDataError):
        samples.create(moment=datetime(2024, 5, 6))  # noqa: DTZ001
    rows.rollback()


@pytest.mark.parametrize(
    "values",
    [
        {"data": {"x": math.nan}},
        {"data": {"x": "nul\x00"}},
        {"items": [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]},
        {"exact": Decimal("1.23456")},
        {"exact": Decimal("NaN")},
        {"exact": Decimal("1." + 40 * "0" + "1")},
        {"clock": time(1, 2, tzinfo=UTC)},
        {"whole": 2**64},
        {"color": "green"},
        {"price_currency": "EURO"},
    ],
    ids=str,
)
def test_what_one_database_could_not_keep_none_takes(rows: Rows, values: dict[str, Any]) -> None:
    """A value that would be changed or lost somewhere is refused everywhere."""
    samples = rows.repository(Sample)
    with pytest.raises(InvalidDataError):
        samples.create(values)
    rows.rollback()
    assert samples.count() == 0


def test_changes_inside_json_are_seen(rows: Rows) -> None:
    """A change at any depth of a JSON column is written, by whatever method of dict or list."""
    samples = rows.repository(Sample)
    row = samples.create(data={"a": {"b": [1, {"c": 2}]}}, items=[1])
    rows.commit()
    expected: dict[str, Any] = {"a": {"b": [1, {"c": 2}]}}
    for change in (
        lambda data: data["a"]["b"][1].update(c=3),
        lambda data: data["a"]["b"].append([0]),
        lambda data: data["a"]["b"][-1].insert(0, {"deep": {}}),
        lambda data: data["a"]["b"][-1][0]["deep"].setdefault("x", []),
        lambda data: data["a"]["b"][-1][0]["deep"]["x"].extend([3, 1, 2]),
        lambda data: data["a"]["b"][-1][0]["deep"]["x"].sort(),
        lambda data: data["a"].pop("b"),
        lambda data: data.clear(),
        lambda data: data.__ior__({"new": 1}),
    ):
        change(row.data)
        change(expected)
        rows.commit()
        rows.forget()
        row = samples.get(row.id)
        assert row.data == expected


def test_json_is_checked_by_the_database(rows: Rows) -> None:
    """Text that is no JSON is refused by the table itself, whoever writes it."""
    rows.repository(Sample).create()
    rows.commit()
    with pytest.raises(sa.exc.DBAPIError):
        rows.run(lambda session: session.connection().exec_driver_sql("UPDATE sample SET data = 'no JSON'"))
    rows.rollback()


def test_an_unknown_enum_value_is_refused_by_the_database(rows: Rows) -> None:
    """The check constraint of an enum keeps other programs to its values."""
    rows.repository(Sample).create()
    rows.commit()
    with pytest.raises(sa.exc.DBAPIError):
        rows.run(lambda session: session.connection().exec_driver_sql("UPDATE sample SET color = 'green'"))
    rows.rollback()


def test_money_is_exact(rows: Rows) -> None:
    """An amount is set and read as one value, and added up by the database."""
    samples = rows.repository(Sample)
    first = samples.create(price=Money.of("0.1", "EUR"))
    samples.create(price=Money.of("0.2", "EUR"))
    rows.commit()
    total = rows.all(sa.select(sa.func.sum(Sample.price_micros).label("total")))[0]["total"]
    assert Money(int(total), "EUR") == Money.of("0.3", "EUR")
    samples.update(first, price_micros=5)
    assert samples.get(first.id).price_micros == 5


def test_exact_numbers_do_not_depend_on_the_context(rows: Rows) -> None:
    """A program that rounds its own decimals to few digits reads and writes ours whole."""
    samples = rows.repository(Sample)
    with localcontext(prec=3):
        row = samples.create(exact=Decimal("12345678901.1234"), price=Money.of("1234567.891234", "EUR"))
        rows.commit()
        rows.forget()
        read = samples.get(row.id)
        assert read.exact == Decimal("12345678901.1234")
        assert str(read.price) == "1234567.891234 EUR"
        assert str(Money.of(2, "EUR") * 3) == "6.00 EUR"


def test_ids_are_found_as_text(rows: Rows) -> None:
    """A UUID may be given as text in any of its spellings."""
    samples = rows.repository(Sample)
    ident = uuid.uuid4()
    row = samples.create(ident=ident)
    for spelling in (str(ident), ident.hex, str(ident).upper()):
        assert samples.find(ident=spelling) is row
