"""A repository finds, changes and counts rows the same way on every database and both faces."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col

from etl_models import errors
from etl_models.db.errors import (
    ConflictError,
    DuplicateError,
    InvalidDataError,
    InvalidFilterError,
    MultipleResultsFoundError,
    NotFoundError,
    RepositoryError,
    StaleDataError,
)
from etl_models.db.filters import AllOf, AnyOf, Not, Where
from etl_models.db.repository import Repository
from etl_models.db.shapes import create_shape, update_shape
from etl_models.db.tenancy import tenant_scope
from tests.support.toolkit import Rows
from tests.support.toolkit_models import Advert, Color, Note, Person, Sample

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]
NAMES = ["spring", "Spring sale", "summer", "autumn_1", "winter%"]


class AdvertRepository(Repository[Advert]):
    """What a user writes."""

    search_fields = ("name", "note")

    def find_cheap(self, limit: int) -> list[Advert]:
        """Adverts below a budget."""
        return self.find_all(budget__lt=limit, order_by="name")


@pytest.fixture
def rows(rows_of: RowsOf) -> Rows:
    """Tables of adverts and people, with five adverts in them."""
    made = rows_of(Person, Advert)
    adverts = made.repository(Advert)
    for budget, name in enumerate(NAMES):
        adverts.create(name=name, budget=budget * 10, note=None if budget else "first")
    made.commit()
    return made


@pytest.fixture
def adverts(rows: Rows) -> Any:
    """The repository of a user over them."""
    return rows.repository(Advert, AdvertRepository)


def _names(found: Any) -> list[str]:
    return sorted(row.name for row in found)


@pytest.mark.parametrize(
    ("lookup", "value", "expected"),
    [
        ("budget", 10, ["Spring sale"]),
        ("budget", "10", ["Spring sale"]),
        ("budget__ne", 10, ["autumn_1", "spring", "summer", "winter%"]),
        ("budget__gt", 20, ["autumn_1", "winter%"]),
        ("budget__gte", 20, ["autumn_1", "summer", "winter%"]),
        ("budget__lt", 10, ["spring"]),
        ("budget__lte", 10, ["Spring sale", "spring"]),
        ("budget__in", [0, 40], ["spring", "winter%"]),
        ("budget__in", [], []),
        ("budget__not_in", [0, 10, 20], ["autumn_1", "winter%"]),
        ("budget__between", (10, 20), ["Spring sale", "summer"]),
        ("note", None, ["Spring sale", "autumn_1", "summer", "winter%"]),
        ("note__ne", None, ["spring"]),
        ("note__isnull", False, ["spring"]),
        ("name__contains", "spring", ["spring"]),
        ("name__contains", "_", ["autumn_1"]),
        ("name__contains", "%", ["winter%"]),
        ("name__startswith", "Spr", ["Spring sale"]),
        ("name__endswith", "%", ["winter%"]),
        ("name__icontains", "SPRING", ["Spring sale", "spring"]),
        ("name__istartswith", "sPr", ["Spring sale", "spring"]),
        ("name__iendswith", "SALE", ["Spring sale"]),
        ("name__iexact", "SPRING", ["spring"]),
        ("name__matches", "s*", ["spring", "summer"]),
        ("color", "r", sorted(NAMES)),
        ("color__ne", Color.RED, []),
        ("is_deleted", False, sorted(NAMES)),
    ],
)
def test_a_lookup_means_the_same_everywhere(adverts: Any, lookup: str, value: Any, expected: list[str]) -> None:
    """Each operator chooses the same rows, letter case and wildcards included."""
    assert _names(adverts.find_all(**{lookup: value})) == sorted(expected)


def test_filters_are_objects_too(adverts: Any) -> None:
    """Typed filters combine with each other, with SQLAlchemy expressions and with lookups."""
    cheap, dear = Where("budget", "lt", 10), Where("budget", "gte", 40)
    assert _names(adverts.find_all(AnyOf(cheap, dear))) == ["spring", "winter%"]
    assert _names(adverts.find_all(Not(AnyOf(cheap, dear)), name__contains="s")) == ["Spring sale", "summer"]
    assert _names(adverts.find_all(AllOf(), col(Advert.budget) == 30)) == ["autumn_1"]
    assert adverts.find_all(AnyOf()) == []
    assert _names(adverts.find_all(Not(col(Advert.is_deleted)))) == sorted(NAMES)


@pytest.mark.parametrize(
    "lookups",
    [
        {"nothing": 1},
        {"name__nothing": 1},
        {"person__email__nothing": "x"},
        {"person__nothing": "x"},
        {"budget": "ten"},
        {"budget": 2**70},
        {"budget__in": 5},
        {"budget__between": (1, 2, 3)},
        {"budget__contains": "1"},
        {"name__contains": 1},
        {"name": "nul\x00"},
        {"name__icontains": "lone\ud800"},
        {"name__contains": "x" * 1001},
        {"color": "green"},
        {"note__isnull": "yes"},
        {"note__gt": None},
        {"data": {}},
        {"created_at__gt": "2020-01-01T00:00:00"},
        {"created_at__gt": "yesterday"},
        {"id": "1; DROP TABLE advert"},
        {"name); DROP TABLE advert; --": 1},
    ],
    ids=str,
)
def test_what_is_no_filter_is_refused(adverts: Any, lookups: dict[str, Any]) -> None:
    """Unknown fields and operators, and values of the wrong kind, are errors before anything is sent."""
    with pytest.raises(InvalidFilterError) as caught:
        adverts.find_all(**lookups)
    assert caught.value.model in ("Advert", "Person")


@pytest.mark.parametrize("order", ["nothing", "-nothing", "name; DROP TABLE advert", "", "-"])
def test_what_is_no_order_is_refused(adverts: Any, order: str) -> None:
    """An order names fields."""
    for method in (adverts.search, adverts.page, adverts.find_all):
        with pytest.raises(InvalidFilterError):
            method(order_by=[order])


def test_get_raises_and_find_returns_none(adverts: Any) -> None:
    """Each way of asking for one row says clearly what there is."""
    spring = adverts.get_one(name="spring")
    assert adverts.get(spring.id) is spring
    assert adverts.get(str(spring.id)) is spring
    assert adverts.get_by_id(spring.id) is spring
    assert adverts.find(name="spring") is spring
    missing = uuid.uuid4()
    assert adverts.get_by_id(missing) is None
    assert adverts.find(name="none") is None
    with pytest.raises(NotFoundError) as caught:
        adverts.get(missing)
    assert (caught.value.model, caught.value.identity) == ("Advert", missing)
    assert isinstance(caught.value, errors.NotFoundError | RepositoryError)
    with pytest.raises(NotFoundError, match="name"):
        adverts.get_one(name="none")
    with pytest.raises(MultipleResultsFoundError):
        adverts.find(budget__gte=0)
    with pytest.raises(InvalidFilterError):
        adverts.get("no uuid")


def test_counting(adverts: Any) -> None:
    """Rows are counted and looked for without being loaded."""
    assert (adverts.count(), adverts.count(budget__gt=0)) == (5, 4)
    assert adverts.exists(name="spring")
    assert not adverts.exists(name="none")


def test_a_search_tells_its_page_and_the_total(adverts: Any) -> None:
    """A page knows its number, the number of pages and whether another follows."""
    first = adverts.search(limit=2, order_by="-budget")
    assert [row.budget for row in first.items] == [40, 30]
    assert (first.total, first.page, first.total_pages, first.has_next) == (5, 1, 3, True)
    last = adverts.search(limit=2, offset=4, order_by="-budget")
    assert [row.budget for row in last.items] == [0]
    assert (last.total, last.page, last.total_pages, last.has_next) == (5, 3, 3, False)
    beyond = adverts.search(limit=2, offset=8)
    assert (beyond.items, beyond.total, beyond.has_next) == ([], 5, False)
    assert adverts.search(budget__gt=99).total == 0
    for wrong in ({"limit": 0}, {"limit": 1001}, {"offset": -1}, {"limit": True}, {"limit": "5"}):
        with pytest.raises(InvalidFilterError):
            adverts.search(**wrong)


def test_empty_values_come_last(adverts: Any) -> None:
    """NULL sorts after everything, in both directions, on every database."""
    for order in ("note", "-note"):
        assert adverts.find_all(order_by=[order])[0].note == "first"


def test_every_word_of_a_search_is_found_somewhere(adverts: Any) -> None:
    """Words may lie in different fields, in any letter case; wildcards are letters."""
    assert _names(adverts.search_by("SPRING").items) == ["Spring sale", "spring"]
    assert _names(adverts.search_by("first spring").items) == ["spring"]
    assert _names(adverts.search_by("%").items) == ["winter%"]
    assert adverts.search_by("").total == 5
    assert adverts.search_by("spring", fields=["note"]).total == 0


def test_pages_neither_overlap_nor_leave_out(adverts: Any) -> None:
    """Following the cursors visits every row once, whatever is sorted by, while rows are added before."""
    for order in ((), "name", ["-budget"], ["color", "-name"]):
        seen, cursor = [], None
        while True:
            page = adverts.page(limit=2, cursor=cursor, order_by=order, budget__lt=100)
            seen += [row.name for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(NAMES)


def test_a_cursor_belongs_to_its_query(adverts: Any) -> None:
    """A cursor of another query, or a damaged one, is refused."""
    cursor = adverts.page(limit=2, order_by="name").next_cursor
    for arguments in ({"order_by": "-name"}, {"order_by": "name", "budget": 1}):
        with pytest.raises(InvalidFilterError):
            adverts.page(cursor=cursor, **arguments)
    for damaged in ("x", cursor[:-3], "ÿ"):
        with pytest.raises(InvalidFilterError):
            adverts.page(cursor=damaged, order_by="name")


def test_creating_checks_the_values(rows: Rows, adverts: Any) -> None:
    """Wrong, missing and unknown values are refused with the field named; nothing is written."""
    for values in ({"name": "x", "budget": "ten"}, {"budget": 1}, {"name": "x", "colour": "r"}, {"name": "x" * 101}):
        with pytest.raises(InvalidDataError) as caught:
            adverts.create(values)
        assert caught.value.problems
    assert adverts.count() == 5
    made = adverts.create(create_shape(Advert)(name="shaped", budget=3))
    assert (made.name, made.version) == ("shaped", 1)
    assert adverts.create(Advert(name="instance")).name == "instance"
    rows.commit()


def test_a_broken_constraint_is_named(rows: Rows, adverts: Any) -> None:
    """A taken name, a missing neighbour: one class of error each, with the columns as facts."""
    with pytest.raises(DuplicateError) as caught:
        adverts.create(name="spring")
    assert caught.value.columns == ("name",)
    assert caught.value.constraint == "uq_advert_name"
    assert isinstance(caught.value, errors.DuplicateError | ConflictError)
    rows.rollback()
    with pytest.raises(ConflictError):
        adverts.create(name="orphan", person_id=uuid.uuid4())
    rows.rollback()
    with pytest.raises(DuplicateError):
        adverts.bulk_create([{"name": "new"}, {"name": "spring"}])
    rows.rollback()
    assert adverts.count() == 5


def test_updating_changes_only_what_is_named(rows: Rows, adverts: Any) -> None:
    """Other fields stay, the key never changes, a refused value leaves the row as it was."""
    spring = adverts.get_one(name="spring")
    changed = adverts.update(spring.id, {"note": "new"}, budget="7")
    assert (changed.note, changed.budget, changed.name) == ("new", 7, "spring")
    adverts.update(spring, update_shape(Advert)(note=None))
    assert (spring.note, spring.budget) == (None, 7)
    ident = spring.id
    for changes in ({"id": uuid.uuid4()}, {"colour": "r"}, {"budget": 8, "name": "x" * 101}, {"budget": -1}):
        with pytest.raises(InvalidDataError):
            adverts.update(spring, changes)
        assert (spring.id, spring.budget) == (ident, 7)
    rows.commit()
    rows.forget()
    assert adverts.get(ident).budget == 7


def test_a_change_of_an_old_version_is_refused(adverts: Any) -> None:
    """Who read an older version is told, with both numbers."""
    spring = adverts.get_one(name="spring")
    adverts.update(spring, budget=1, expected_version=1)
    with pytest.raises(StaleDataError) as caught:
        adverts.update(spring.id, budget=2, expected_version=1)
    assert (caught.value.expected, caught.value.found) == (1, 2)


def test_upsert_adds_or_changes_one_row(rows: Rows, adverts: Any) -> None:
    """An upsert changes only the fields it names, counts the version and moves the time of the update."""
    spring = adverts.get_one(name="spring")
    before = (spring.id, spring.created_at, spring.updated_at)
    again = adverts.upsert(name="spring", budget=99, match=["name"])
    assert (again.id, again.created_at, again.note, again.budget, again.version) == (*before[:2], "first", 99, 2)
    assert again.updated_at > before[2]
    new = adverts.upsert({"name": "brand new"}, match=["name"])
    assert (new.version, adverts.count()) == (1, 6)
    by_key = adverts.upsert(id=new.id, name="renamed")
    assert (by_key.id, by_key.name) == (new.id, "renamed")
    rows.commit()
    with pytest.raises(InvalidDataError, match="unique key"):
        adverts.upsert(name="x", budget=1, match=["budget"])
    with pytest.raises(DuplicateError):
        adverts.upsert(id=new.id, name="spring", match=["id"])
    rows.rollback()
    assert adverts.get_one(name="spring").id == before[0]


def test_bulk_rows_are_checked_and_complete(rows: Rows, adverts: Any) -> None:
    """Bulk rows get defaults, times and versions, and are refused as single rows would be."""
    assert adverts.bulk_create({"name": f"bulk {number}", "budget": number} for number in range(700)) == 700
    rows.commit()
    made = adverts.get_one(name="bulk 699")
    assert (made.budget, made.version, made.color, made.data) == (699, 1, Color.RED, {})
    assert [change.kind for change in adverts.history(made.id)] == ["created"]
    with pytest.raises(InvalidDataError):
        adverts.bulk_create([{"name": "fine"}, {"name": "wrong", "budget": "ten"}])
    with pytest.raises(InvalidDataError):
        adverts.bulk_update([{"id": made.id, "colour": "r"}])
    with pytest.raises(InvalidDataError):
        adverts.bulk_update([{"budget": 1}])
    assert adverts.bulk_create([]) == 0


def test_bulk_updates_and_upserts(rows: Rows, adverts: Any) -> None:
    """Rows may name different fields; those found are counted; history and version follow."""
    spring, summer = adverts.get_one(name="spring"), adverts.get_one(name="summer")
    found = adverts.bulk_update(
        [{"id": spring.id, "budget": 1}, {"id": summer.id, "note": "n"}, {"id": uuid.uuid4(), "budget": 2}]
    )
    assert found == 2
    assert adverts.bulk_upsert([{"name": "summer", "budget": 5}, {"name": "x"}], match=["name"]) == 2
    rows.commit()
    rows.forget()
    spring, summer = adverts.get(spring.id), adverts.get(summer.id)
    assert (spring.budget, spring.note, spring.version) == (1, "first", 2)
    assert (summer.budget, summer.note, summer.version) == (5, "n", 3)
    assert [change.version for change in adverts.history(summer.id)] == [1, 2, 3]
    assert adverts.exists(name="x")


def test_many_versioned_rows_are_upserted_at_once(rows: Rows, adverts: Any) -> None:
    """Several rows of the same fields go in one call: those that were there count a version, the others are new."""
    for names, budget in (("abc", 1), ("abc", 2), ("bcd", 3)):
        adverts.bulk_upsert([{"name": name, "budget": budget} for name in names], match=["name"])
    rows.commit()
    rows.forget()
    found = adverts.find_all(name__in=list("abcd"), order_by="name")
    assert [(row.name, row.budget, row.version) for row in found] == [
        ("a", 2, 2),
        ("b", 3, 3),
        ("c", 3, 3),
        ("d", 3, 1),
    ]


def test_deleting_is_for_good(rows: Rows, adverts: Any) -> None:
    """A deleted row is gone; its history tells of it."""
    spring = adverts.get_one(name="spring")
    ident = spring.id
    adverts.delete(spring)
    rows.commit()
    assert adverts.with_deleted().get_by_id(ident) is None
    assert [change.kind for change in adverts.history(ident)] == ["created", "deleted"]
    with pytest.raises(NotFoundError):
        adverts.delete(ident)


def test_what_cannot_be_hidden_or_versioned_says_so(rows: Rows) -> None:
    """Methods for columns a model lacks are errors, not surprises."""
    people = rows.repository(Person)
    person = people.create(email="ada@example.org")
    for call in (lambda: people.soft_delete(person), lambda: people.history(person.id)):
        with pytest.raises(InvalidDataError):
            call()


def test_relations_are_loaded_when_asked_and_filtered_through(rows: Rows, adverts: Any) -> None:
    """``load`` brings relations along, lookups go through them, dictionaries nest them."""
    people = rows.repository(Person)
    ada = people.create(email="ada@example.org", password_hash="secret")
    spring = adverts.update(adverts.get_one(name="spring"), person_id=ada.id)
    ident, person_ident = spring.id, ada.id
    rows.commit()
    rows.forget()
    spring = adverts.get(ident, load="person")
    nested = spring.to_dict(depth=1)
    assert nested["person"]["email"] == "ada@example.org"
    assert "password_hash" not in nested["person"]
    rows.forget()
    assert [row.name for row in people.get(person_ident, load=["adverts"]).adverts] == ["spring"]
    assert adverts.find(person__email__startswith="ada").id == ident
    assert people.count(adverts__name="spring") == 1
    assert people.count(adverts__budget__gt=10_000) == 0
    with pytest.raises(InvalidFilterError):
        adverts.find_all(load="owner")


def test_rows_can_be_locked(adverts: Any) -> None:
    """Locking is asked for by a word and changes nothing else."""
    locking = adverts.for_update(skip_locked=True)
    spring = locking.find(name="spring")
    assert locking.get(spring.id) is spring
    assert _names(adverts.for_update().find_all(budget__lt=20)) == ["Spring sale", "spring"]


def test_a_repository_of_a_user_runs_on_both_faces(rows: Rows) -> None:
    """A method written once on the blocking repository is run by the asynchronous one."""
    found = rows.run(lambda session: AdvertRepository(session).find_cheap(20))
    assert _names(found) == ["Spring sale", "spring"]


def test_numbers_of_the_database(rows_of: RowsOf) -> None:
    """Rows numbered by the database work one by one and in bulk, in their tenant only."""
    rows = rows_of(Note)
    notes = rows.repository(Note)
    with tenant_scope("acme"):
        first = notes.create(name="Hello World")
        assert (first.id, first.slug) == (1, "hello-world")
        assert notes.bulk_create([{"name": "two"}, {"name": "three"}, {"id": 50, "name": "fifty"}]) == 3
        rows.commit()
        assert notes.upsert(slug="two", name="Two!", tenant_id="acme", match=["tenant_id", "slug"]).name == "Two!"
        assert notes.get("50").name == "fifty"
        rows.commit()
    with tenant_scope("other"):
        assert notes.create(name="Hello World").slug == "hello-world"
        assert notes.count() == 1
        with pytest.raises(DuplicateError):
            notes.upsert(id=50, name="stolen")
        rows.rollback()
    assert notes.every_tenant().count() == 4


def test_columns_of_every_type_take_part(rows_of: RowsOf) -> None:
    """Filters and pages work for every type of column."""
    samples = rows_of(Sample).repository(Sample)
    row = samples.create(
        exact="1.5", moment="2024-05-06T07:08:09.123456+02:00", day="2024-05-06", span="PT1.000001S", real="inf"
    )
    for name in ("exact", "moment", "day", "span", "real", "id", "created_at"):
        value = getattr(row, name)
        assert samples.find(**{name: value}) is row
        assert samples.find(**{f"{name}__lte": value}) is row
        assert samples.find(**{f"{name}__gt": value}) is None
    for wrong in ({"exact": "1.23456"}, {"moment": "2024-05-06T07:08:09"}):
        with pytest.raises(InvalidFilterError):
            samples.find(**wrong)
        with pytest.raises(InvalidDataError):
            samples.create(wrong)
