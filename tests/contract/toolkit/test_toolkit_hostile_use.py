"""What a repository does with input its authors did not have in mind: nothing is lost, leaked or half done."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import field_validator
from sqlalchemy.orm import Session, joinedload
from sqlmodel import Field, Relationship, col

from etl_models.db.composites import TimestampedBase, UUIDTimestampedBase
from etl_models.db.declarative import Base
from etl_models.db.engine import build_engine
from etl_models.db.errors import (
    DuplicateError,
    InvalidDataError,
    InvalidFilterError,
    NotFoundError,
    RepositoryError,
    StaleDataError,
    TenantRequiredError,
)
from etl_models.db.filters import Where
from etl_models.db.mixins import RowVersionMixin, SoftDeleteMixin, TenantScopedMixin
from etl_models.db.money import Money
from etl_models.db.repository import Repository
from etl_models.db.selection import Keyset, Scope, Selection
from etl_models.db.shapes import create_shape
from etl_models.db.target import Target
from etl_models.db.tenancy import tenant_scope
from etl_models.db.versioning import VersioningMixin
from etl_models.domain.clock import utcnow
from etl_models.domain.paging import encode_cursor
from tests.support.toolkit import Rows
from tests.support.toolkit_models import Advert, Note, Person, Sample

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]


class Account(UUIDTimestampedBase, table=True):
    """Two unique keys, one of which may be empty, and a validator that changes what it is given."""

    email: str = Field(max_length=100, unique=True)
    points: int = 0
    alias: str | None = Field(default=None, max_length=50, unique=True)
    secret: str = Field(default="", max_length=50, exclude=True)

    @field_validator("email")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.strip().lower()


class Seat(Base, table=True):
    """A key of two columns."""

    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: str = Field(primary_key=True, max_length=20)
    guest: str = Field(default="", max_length=20)


class Counter(RowVersionMixin, TimestampedBase, table=True):
    """Numbered by the database, with a version."""

    count: int = 0


class Dossier(TenantScopedMixin, VersioningMixin, UUIDTimestampedBase, table=True):
    """A tenant's row with a history."""

    name: str = Field(max_length=20)


class Shelf(UUIDTimestampedBase, table=True):
    """Holds books."""

    name: str | None = Field(default=None, max_length=20)
    books: list["Book"] = Relationship(back_populates="shelf")


class Book(SoftDeleteMixin, UUIDTimestampedBase, table=True):
    """Can be hidden; may lie on a shelf."""

    title: str = Field(max_length=20)
    shelf_id: uuid.UUID | None = Field(default=None, foreign_key="shelf.id")
    shelf: Shelf | None = Relationship(back_populates="books")


@pytest.fixture
def rows(rows_of: RowsOf) -> Rows:
    """One account with every field set."""
    made = rows_of(Account)
    made.repository(Account).create(email="ada@x", points=9, alias="ada", secret="hunter2")
    made.commit()
    return made


@pytest.fixture
def accounts(rows: Rows) -> Any:
    """The repository over it."""
    return rows.repository(Account)


# ------------------------------------------------------------------------------------ nothing unset overwrites anything


def _everything(row: Account) -> tuple[Any, ...]:
    return row.id, row.created_at, row.points, row.alias, row.secret


@pytest.mark.parametrize(
    "way", ["update", "bulk_update", "upsert", "bulk_upsert", "upsert an instance", "update by it"]
)
def test_fields_that_are_not_named_stay(rows: Rows, accounts: Any, way: str) -> None:
    """Whichever way one field is changed, defaults of the model never overwrite what is stored."""
    before = accounts.get_one(email="ada@x")
    kept, ident = _everything(before), before.id
    if way == "update":
        accounts.update(ident, alias="new")
    elif way == "bulk_update":
        accounts.bulk_update([{"id": ident, "alias": "new"}])
    elif way == "upsert":
        accounts.upsert(email="ada@x", alias="new", match="email")
    elif way == "bulk_upsert":
        accounts.bulk_upsert([{"email": "ada@x", "alias": "new"}], match=["email"])
    elif way == "upsert an instance":
        accounts.upsert(Account(email="ada@x", alias="new"), match="email")
    else:
        accounts.update(ident, Account(email="ada@x", alias="new"))
    rows.commit()
    rows.forget()
    after = accounts.get_one(email="ada@x")
    assert _everything(after) == (*kept[:3], "new", kept[4])
    assert accounts.count() == 1


def test_a_row_of_no_session_is_never_changed_in_vain(rows: Rows, accounts: Any) -> None:
    """Changing a detached row changes the stored one; a row that was never stored, or is gone, is refused."""
    ada = accounts.get_one(email="ada@x")
    rows.forget()
    changed = accounts.update(ada, points=10)
    assert changed is not ada
    rows.commit()
    rows.forget()
    assert accounts.get(ada.id).points == 10
    for method in (accounts.update, accounts.delete):
        with pytest.raises(InvalidDataError, match="not stored"):
            method(Account(id=ada.id, email="ada@x"))
    rows.forget()
    accounts.delete(ada)
    assert accounts.count() == 0
    for method in (accounts.update, accounts.delete):
        with pytest.raises(NotFoundError):
            method(ada)


def test_what_was_given_is_all_used(accounts: Any) -> None:
    """Keywords beside an instance count; fields that are never serialized are stored; a stored row is no new one."""
    bob = accounts.create(Account(email="bob@x", secret="s"), points=5)
    assert (bob.points, bob.secret) == (5, "s")
    carol = accounts.upsert(Account(email="carol@x", secret="t"), match="email")
    assert carol.secret == "t"
    assert accounts.create(create_shape(Account)(email="dan@x", secret="u")).secret == "u"
    with pytest.raises(InvalidDataError, match="stored already"):
        accounts.create(bob)
    with pytest.raises(InvalidDataError, match="name the fields"):
        accounts.update(carol, bob)


# --------------------------------------------------------------------------------------------------------------- upsert


def test_an_upsert_finds_what_the_model_made_of_the_key(accounts: Any) -> None:
    """The values of ``match`` are those that are stored, not those that were given."""
    ada = accounts.get_one(email="ada@x")
    assert accounts.upsert(email="  ADA@X ", points=3, match=["email"]) is ada
    assert (ada.points, ada.alias) == (3, "ada")


def test_an_upsert_without_a_key_adds_a_row(rows_of: RowsOf) -> None:
    """A key made by the client or numbered by the database need not be given."""
    rows = rows_of(Account, Counter)
    accounts, counters = rows.repository(Account), rows.repository(Counter)
    assert [accounts.upsert(email=f"{name}@x").email for name in "ab"] == ["a@x", "b@x"]
    first = counters.upsert(count=1)
    assert counters.upsert(count=2).id != first.id
    assert counters.bulk_upsert([{"count": 3}, {"id": first.id, "count": 4}, {"id": None, "count": 5}]) == 3
    rows.commit()
    rows.forget()
    assert sorted(row.count for row in counters.find_all()) == [2, 3, 4, 5]
    assert counters.get(first.id).version == 2


def test_an_empty_key_matches_nothing(accounts: Any) -> None:
    """An upsert by a field that is empty is refused: it would add a row every time."""
    for call in (
        lambda: accounts.upsert(email="q@x", alias=None, match=["alias"]),
        lambda: accounts.bulk_upsert([{"email": "q@x"}], match=["alias"]),
    ):
        with pytest.raises(InvalidDataError, match="alias"):
            call()
    assert accounts.count() == 1


@pytest.mark.parametrize("method", ["bulk_upsert", "bulk_update"])
def test_the_last_of_several_rows_with_one_key_counts(rows: Rows, accounts: Any, method: str) -> None:
    """Rows with the same key are taken in their order, whatever fields each of them names."""
    ident = accounts.get_one(email="ada@x").id
    changes: list[dict[str, Any]] = [{"points": 1}, {"points": 2, "alias": "k"}, {"points": 3}]
    if method == "bulk_update":
        accounts.bulk_update([{"id": ident, **change} for change in changes])
    else:
        accounts.bulk_upsert([{"email": "ada@x", **change} for change in changes], match=["email"])
    rows.commit()
    rows.forget()
    ada = accounts.get(ident)
    assert (ada.points, ada.alias) == (3, "k")


def test_a_hidden_row_is_changed_and_stays_hidden(rows_of: RowsOf) -> None:
    """An upsert that meets a softly deleted row changes it; it is returned, and shown only by ``restore``."""
    rows = rows_of(Person, Advert)
    adverts = rows.repository(Advert)
    adverts.soft_delete(adverts.create(name="a", budget=1))
    changed = adverts.upsert(name="a", budget=2, match="name")
    assert (changed.budget, changed.is_deleted) == (2, True)
    assert adverts.find(name="a") is None
    with pytest.raises(NotFoundError):
        adverts.soft_delete(changed)
    assert adverts.restore(changed).budget == 2
    assert adverts.find(name="a") is changed


# ----------------------------------------------------------------------------------------------------------------- bulk


def test_bulk_rows_may_be_shapes_and_generators_but_not_stored_rows(rows: Rows, accounts: Any) -> None:
    """Rows are mappings or shapes; whatever else is refused as a whole, with the reason."""
    shape = create_shape(Account)
    assert accounts.bulk_create(shape(email=f"{name}@x", secret=name) for name in "pq") == 2
    assert accounts.bulk_create([Account(email="r@x", points=2)]) == 1
    rows.commit()
    assert accounts.get_one(email="p@x").secret == "p"
    for wrong in ([5], ["x"], {"email": "x@x"}, [accounts.get_one(email="p@x")]):
        for method in (accounts.bulk_create, accounts.bulk_update, accounts.bulk_upsert):
            with pytest.raises(InvalidDataError):
                method(wrong)
    assert [method([]) for method in (accounts.bulk_create, accounts.bulk_update, accounts.bulk_upsert)] == [0, 0, 0]


def test_bulk_rows_may_hold_money(rows_of: RowsOf) -> None:
    """What is one value of two columns is so in bulk as well."""
    samples = rows_of(Sample).repository(Sample)
    ident = samples.upsert(price=Money.of("1", "USD")).id
    samples.bulk_create([{"price": Money.of("2", "USD")}])
    samples.bulk_upsert([{"id": ident, "price": Money.of("3", "CHF")}])
    samples.bulk_update([{"id": ident, "price": Money.of("4", "CHF")}])
    for call in (lambda: samples.bulk_create([{"price": 5}]), lambda: samples.update(ident, price=5)):
        with pytest.raises(InvalidDataError, match="price"):
            call()
    assert samples.count(price_micros=4_000_000, price_currency="CHF") == 1
    assert samples.count(price_micros=2_000_000, price_currency="USD") == 1


def test_unknown_fields_of_a_bulk_update_are_named(accounts: Any) -> None:
    """Only what is wrong is complained of."""
    with pytest.raises(InvalidDataError) as caught:
        accounts.bulk_update([{"id": uuid.uuid4(), "colour": 1}])
    assert [problem["field"] for problem in caught.value.problems] == ["colour"]


# -------------------------------------------------------------------------------------------------------------- tenants


def test_no_way_leads_to_the_rows_of_others(rows_of: RowsOf) -> None:
    """Bulk changes and histories keep to the tenant as well, and fail without one."""
    rows = rows_of(Dossier)
    dossiers = rows.repository(Dossier)
    with tenant_scope("acme"):
        ident = dossiers.create(name="secret").id
    rows.commit()
    asks = (
        lambda: dossiers.bulk_update([{"id": ident, "name": "stolen"}]),
        lambda: len(dossiers.history(ident)),
        lambda: int(dossiers.as_of(ident, utcnow()) is not None),
    )
    for ask in asks:
        with pytest.raises(TenantRequiredError):
            ask()
    with tenant_scope("other"):
        assert [ask() for ask in asks] == [0, 0, 0]
        with pytest.raises(NotFoundError):
            dossiers.revert_to(ident, 1)
    rows.rollback()
    with tenant_scope("acme"):
        assert dossiers.get(ident).name == "secret"
        assert [ask() for ask in asks] == [1, 2, 1]
    assert len(dossiers.every_tenant().history(ident)) == 2


def test_a_key_within_a_tenant_needs_no_tenant(rows_of: RowsOf) -> None:
    """``match`` need not name the tenant of a key that is unique within one."""
    rows = rows_of(Note)
    notes = rows.repository(Note)
    for tenant in ("acme", "other"):
        with tenant_scope(tenant):
            notes.create(name="One")
            assert notes.upsert(slug="one", name="One!", match="slug").name == "One!"
            assert notes.bulk_upsert([{"slug": "one", "name": "One?"}], match=["slug"]) == 1
    assert notes.every_tenant().count() == 2


# -------------------------------------------------------------------------------------------------------------- finding


def test_secrets_are_not_searched(accounts: Any) -> None:
    """Text that is never serialized cannot be guessed by searching for its parts."""
    assert accounts.search_by("hunter").total == 0
    assert accounts.search_by("ADA").total == 1
    assert accounts.search_by("ada", fields="alias").total == 1


def test_keys_of_several_columns(rows_of: RowsOf) -> None:
    """A composite key is a tuple, a list or a mapping; its parts are read as their types."""
    rows = rows_of(Seat)
    seats = rows.repository(Seat)
    seats.bulk_create([{"line": 1, "place": "a"}, {"line": 1, "place": "b"}])
    first = seats.get((1, "a"))
    for ident in (["1", "a"], {"place": "a", "line": "1"}):
        assert seats.get(ident) is first
    assert seats.update((1, "a"), guest="ada").guest == "ada"
    assert seats.upsert(line=1, place="a", guest="bob") is first
    assert [row.place for row in seats.page(order_by="guest", limit=1).items] == ["b"]
    for wrong in (None, 1, (1,), (1, None), (1, "a", 2), {"line": 1}, (2**70, "a"), (1, "nul\x00"), (1, "\ud800")):
        with pytest.raises(InvalidFilterError):
            seats.get_by_id(wrong)
    with pytest.raises(NotFoundError) as caught:
        seats.get((1, "x" * 5000))
    assert len(str(caught.value)) < 300
    seats.delete((1, "a"))
    assert seats.count() == 1


@pytest.mark.parametrize(
    "lookups",
    [
        {"exact": "1e999999"},
        {"exact__in": ["1e999999999"]},
        {"span": "P999999999D"},
        {"clock": "10:00:00+02:00"},
        {"moment__gt": "0001-01-01T00:00:00+12:00"},
        {"moment__lt": "9999-12-31T23:59:59-12:00"},
        {"real__lt": 1.7976931348623157e308},
        {"budget": 1},
        {"ident": "x"},
        {"limit": "x"},
        {"limit": -1},
        {"limit": True},
        {"limit": 2**64},
    ],
    ids=str,
)
def test_what_no_database_could_compare_is_refused(rows_of: RowsOf, lookups: dict[str, Any]) -> None:
    """Values beyond what columns hold are refused before anything is sent."""
    samples = rows_of(Sample).repository(Sample)
    with pytest.raises(InvalidFilterError):
        samples.find_all(**lookups)
    assert samples.count() == 0


def test_truth_has_an_order(rows_of: RowsOf) -> None:
    """False comes before True, in comparisons as well."""
    samples = rows_of(Sample).repository(Sample)
    samples.bulk_create([{"yes": True}, {"yes": False}])
    assert [samples.count(**{f"yes__{name}": False}) for name in ("gt", "gte", "lt", "lte")] == [1, 2, 0, 1]
    assert samples.count(yes__between=(False, True)) == 2


def test_oddly_made_questions_are_refused(rows_of: RowsOf) -> None:
    """Filters, orders and relations that are no text or expression are refused, and lists without an end."""
    samples = rows_of(Sample).repository(Sample)

    def endless() -> Iterator[int]:
        while True:
            yield 1

    for ask in (
        lambda: samples.count(Where(5, "eq", 1)),  # type: ignore[arg-type]
        lambda: samples.count(Where("whole", ["eq"], 1)),  # type: ignore[arg-type]
        lambda: samples.count(5),
        lambda: samples.count(whole__in=endless()),
        lambda: samples.find_all(order_by=5),
        lambda: samples.find_all(order_by=[5]),
        lambda: samples.find_all(order_by="data"),
        lambda: samples.page(order_by="items"),
        lambda: samples.find_all(load=[5]),
        lambda: samples.find_all(load="nothing"),
        lambda: samples.page(cursor=5),
    ):
        with pytest.raises(InvalidFilterError):
            ask()


def test_relations_loaded_by_a_join_do_not_repeat_rows(rows_of: RowsOf) -> None:
    """SQLAlchemy's own loading options work with every way of finding; filters through many rows give each row once."""
    rows = rows_of(Shelf, Book)
    shelves, books = rows.repository(Shelf), rows.repository(Book)
    for shelf_name in ("a", "b"):
        shelf = shelves.create(name=shelf_name)
        for number in range(3):
            books.create(title=f"{shelf_name}{number}", shelf_id=shelf.id)
    rows.commit()
    options = [joinedload(Shelf.books)]  # type: ignore[arg-type]
    rows.forget()
    assert len(shelves.find(name="a", options=options).books) == 3
    assert len(shelves.find_all(options=options)) == 2
    found = shelves.search(options=options, limit=1)
    assert (len(found.items), found.total) == (1, 2)
    assert len(shelves.page(options=options, limit=1).items) == 1
    assert len(shelves.get(found.items[0].id, options=options).books) == 3
    assert shelves.search(books__title__startswith="a").total == 1
    assert len(shelves.find_all(books__title__contains="1")) == 2


def test_hidden_neighbours_are_not_there_either(rows_of: RowsOf) -> None:
    """Filters and named relations leave softly deleted rows out, unless those are asked for."""
    rows = rows_of(Shelf, Book)
    shelves, books = rows.repository(Shelf), rows.repository(Book)
    shelf = shelves.create(name="a")
    books.create(title="kept", shelf_id=shelf.id)
    books.soft_delete(books.create(title="gone", shelf_id=shelf.id))
    rows.commit()
    ident = shelf.id
    rows.forget()
    assert [shelves.count(books__title=title) for title in ("kept", "gone")] == [1, 0]
    assert [shelves.with_deleted().count(books__title=title) for title in ("kept", "gone")] == [1, 1]
    assert [shelves.search(books__title=title).total for title in ("kept", "gone")] == [1, 0]
    assert [book.title for book in shelves.get(ident, load="books").books] == ["kept"]
    rows.forget()
    assert {book.title for book in shelves.with_deleted().get(ident, load="books").books} == {"kept", "gone"}
    rows.forget()
    assert [book.title for book in shelves.find(load="books").books] == ["kept"]


def test_rows_sort_by_rows_they_refer_to(rows_of: RowsOf) -> None:
    """A field of the one related row is an order; rows without come last; a relation to many rows is none."""
    rows = rows_of(Shelf, Book)
    shelves, books = rows.repository(Shelf), rows.repository(Book)
    for title, name in (("x", "b"), ("y", "a"), ("z", None)):
        books.create(title=title, shelf_id=shelves.create(name=name).id)
    books.create(title="none")
    rows.commit()
    assert [book.title for book in books.find_all(order_by=["shelf__name", "title"])] == ["y", "x", "none", "z"]
    assert [book.title for book in books.search(order_by=["-shelf__name", "-title"]).items] == ["x", "y", "z", "none"]
    for wrong in ("shelf", "shelf__nothing", "shelf__books__title"):
        with pytest.raises(InvalidFilterError):
            books.find_all(order_by=wrong)
    with pytest.raises(InvalidFilterError):
        shelves.find_all(order_by="books__title")
    with pytest.raises(InvalidFilterError):
        books.page(order_by="shelf__name")


# ---------------------------------------------------------------------------------------------------------------- pages

ORDERS: list[list[str]] = [
    ["maybe_real"],
    ["-maybe_real", "name"],
    ["moment", "-real"],
    ["-ident"],
    ["color", "-exact"],
    ["-span", "day"],
    ["clock", "-whole"],
    ["-real"],
    ["raw"],
    ["yes", "-maybe_real"],
    ["-created_at", "text"],
]


def _sample(number: int) -> dict[str, Any]:
    odd = number % 2
    return {
        "name": "ties"[: number % 3],
        "text": "a\U0001f600" if odd else "ä",
        "whole": number // 2,
        "real": ["nan", 0.1, "inf", "-inf"][number % 4],
        "maybe_real": None if number % 3 else number / 7,
        "yes": bool(odd),
        "exact": f"{number % 3}.25",
        "moment": None if odd else f"2024-01-0{number % 4 + 1}T00:00:00.000001Z",
        "day": None if number % 4 else "2024-02-29",
        "clock": None if odd else f"0{number % 9}:00:00.000001",
        "span": None if number % 5 else number * 1.5,
        "ident": None if odd else uuid.UUID(int=number // 3),
        "color": "r" if odd else "b'lue",
        "raw": bytes([number % 3]),
    }


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_pages_are_complete_in_every_order(rows_of: RowsOf, order: list[str]) -> None:
    """NULLs, ties, NaN, directions and every type of column: pages together are what one search finds."""
    samples = rows_of(Sample).repository(Sample)
    samples.bulk_create(_sample(number) for number in range(13))
    last = "-id" if order[-1].startswith("-") else "id"
    expected = [row.id for row in samples.find_all(order_by=[*order, last])]
    seen: list[uuid.UUID] = []
    cursor = None
    while True:
        page = samples.page(limit=3, cursor=cursor, order_by=order, whole__gte=0)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == expected


def test_rows_come_and_go_between_pages(rows_of: RowsOf) -> None:
    """Rows added before the place are not shown, those behind it are; deleting the last one shown does no harm."""
    samples = rows_of(Sample).repository(Sample)
    made = [samples.create(whole=number) for number in (10, 20, 30)]
    page = samples.page(limit=2, order_by="whole")
    samples.delete(made[1])
    samples.bulk_create([{"whole": 5}, {"whole": 25}])
    assert [row.whole for row in samples.page(order_by="whole", cursor=page.next_cursor).items] == [25, 30]


def test_a_cursor_knows_every_kind_of_filter(rows_of: RowsOf) -> None:
    """Typed filters, expressions and what is hidden belong to the query of a cursor; equal ones made anew are equal."""
    rows = rows_of(Person, Advert)
    adverts = rows.repository(Advert)
    adverts.bulk_create({"name": f"a{number}", "budget": number} for number in range(5))

    def numbers() -> Iterator[int]:
        yield from range(5)

    cursor = adverts.page(
        Where("budget", "gte", 0), limit=2, budget__in=numbers(), name__in={"a1", "a2", "a3"}
    ).next_cursor
    again = adverts.page(
        Where("budget", "gte", 0), limit=2, cursor=cursor, budget__in=numbers(), name__in=["a3", "a2", "a1"]
    )
    assert [row.name for row in again.items] == ["a3"]
    cursor = adverts.page(Where("budget", "lt", 4), limit=2).next_cursor
    assert [row.name for row in adverts.page(col(Advert.budget) < 4, limit=2, cursor=cursor).items] == ["a2", "a3"]
    for other in (Where("budget", "lt", 3), col(Advert.budget) < 3):
        with pytest.raises(InvalidFilterError, match="other filters"):
            adverts.page(other, limit=2, cursor=cursor)
    with pytest.raises(InvalidFilterError, match="other filters"):
        adverts.with_deleted().page(Where("budget", "lt", 4), cursor=cursor)


@pytest.mark.parametrize("order", ["name", "whole", "real", "exact", "moment", "ident", "span", "raw", "color"])
def test_a_forged_cursor_is_refused_or_harmless(rows_of: RowsOf, order: str) -> None:
    """Whatever a cursor holds, rows are found or InvalidFilterError is raised."""
    samples = rows_of(Sample).repository(Sample)
    samples.create()
    query = Keyset.of(Selection.of(Sample, Scope(), (), {}), [order]).query
    values: list[Any] = [
        None,
        5,
        2**80,
        True,
        [],
        {},
        "\x00",
        "\ud800",
        "x" * 100_000,
        "nan",
        "1e999999",
        "P999999999D",
    ]
    for value in values:
        for place in ([value, str(uuid.uuid4())], [value], value, [value, value]):
            try:
                samples.page(order_by=order, cursor=encode_cursor({"k": place}, query))
            except (InvalidFilterError, UnicodeEncodeError):
                continue
    assert samples.count() == 1


# --------------------------------------------------------------------------------------------------------------- errors


def test_after_an_error_the_session_says_what_to_do(rows: Rows, accounts: Any) -> None:
    """A transaction that an error ended is told without the values; a savepoint keeps what was before it."""
    with pytest.raises(DuplicateError):
        accounts.create(email="ada@x")
    with pytest.raises(RepositoryError, match="roll") as caught:
        accounts.count()
    assert "ada@x" not in str(caught.value)
    rows.rollback()
    accounts.create(email="before@x")

    def duplicate(session: Session) -> None:
        repository = Repository(session, Account)
        for call in (lambda: repository.create(email="ada@x"), lambda: repository.bulk_create([{"email": "ada@x"}])):
            with pytest.raises(DuplicateError), session.begin_nested():
                call()

    rows.run(duplicate)
    accounts.create(email="after@x")
    rows.commit()
    assert accounts.count() == 3


def test_versions_are_compared_where_there_are_some(accounts: Any) -> None:
    """``expected_version`` for a model that keeps none is a mistake, not a conflict."""
    with pytest.raises(InvalidDataError, match="no version"):
        accounts.update(accounts.get_one(email="ada@x"), points=1, expected_version=1)


def test_a_caller_may_have_seen_more_than_the_session(rows_of: RowsOf) -> None:
    """``expected_version`` is compared with what is stored, also where the session holds an older state."""
    rows = rows_of(Counter)
    counters = rows.repository(Counter)
    held = counters.create(count=1)
    counters.bulk_update([{"id": held.id, "count": 5}])
    assert held.version == 1
    assert counters.update(held.id, count=6, expected_version=2).version == 3


def test_of_two_sessions_the_later_one_is_told(rows_of: RowsOf, database_url: str) -> None:
    """A change over the change of another session is refused, one by one and in bulk."""
    rows = rows_of(Counter)
    counters = rows.repository(Counter)
    ident = counters.create(count=1).id
    rows.commit()
    held = counters.get(ident)
    rows.commit()
    engine = build_engine(Target.parse(database_url))
    with engine.begin() as connection:
        table: sa.Table = Counter.__table__
        connection.execute(sa.update(table).values(count=7, version=table.c.version + 1))
    engine.dispose()
    with pytest.raises(StaleDataError):
        counters.update(held, count=2)
    rows.rollback()
    with pytest.raises(StaleDataError):
        counters.bulk_update([{"id": ident, "count": 3, "version": 1}])
    rows.rollback()
    rows.forget()
    assert (counters.get(ident).count, counters.get(ident).version) == (7, 2)
