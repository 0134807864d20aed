"""Rows of table models are copied, pickled, dumped and refused as one expects of Pydantic models."""

import copy
import pickle
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from pydantic import ValidationError, field_validator, model_validator
from sqlmodel import Field, Relationship, Session, create_engine

from etl_models.db.bases import table_of
from etl_models.db.composites import FullModel
from etl_models.db.declarative import Base, new_registry
from etl_models.db.errors import InvalidDataError
from etl_models.db.mixins import MetadataMixin, RowVersionMixin
from etl_models.db.repository import Repository
from etl_models.db.shapes import create_shape
from etl_models.db.versioning import VersioningMixin


class Own(FullModel, registry=new_registry()):
    """Apart from other tests."""


class Plain(Base, registry=new_registry()):
    """Without a key."""


class Shelf(Own, table=True):
    """Some books."""

    label: str = Field(index=True)
    kind: Literal["open", "closed"] = "open"
    books: list["Book"] = Relationship(back_populates="shelf")


class Book(Own, table=True):
    """A title with an alias, cleaned by a validator, and pages in order."""

    full_title: str = Field(alias="fullTitle", max_length=50)
    first_page: int = 1
    last_page: int = 9
    shelf_id: uuid.UUID | None = Field(default=None, foreign_key="shelf.id")
    shelf: Shelf | None = Relationship(back_populates="books")

    @field_validator("full_title")
    @classmethod
    def _clean(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def _check(self) -> "Book":
        if self.first_page > self.last_page:
            raise ValueError("the last page comes first")
        return self


class Ledger(VersioningMixin, Own, table=True):
    """Has mapper arguments of its own."""

    total: int = 0
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012


class Country(MetadataMixin, Plain, table=True):
    """Has a natural key, and a version of its own making."""

    id: str = Field(primary_key=True, max_length=2)
    version: str = "2024"


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Own.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


COPIES: dict[str, Callable[[Shelf], Shelf]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": Shelf.model_copy,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_is_a_row_of_its_own(session: Session, copied: Callable[[Shelf], Shelf]) -> None:
    """Same values, in no session; a change of the copy, inside JSON too, leaves the original as it is."""
    row = Shelf(label="a", metadata_json={"deep": [1]}, books=[Book(fullTitle="b")])
    session.add(row)
    session.commit()
    twin = copied(row)
    assert sa.inspect(twin).transient
    assert twin.to_dict() == row.to_dict()
    assert twin.books == []
    twin.metadata_json["deep"].append(2)
    twin.label = "b"
    assert (row.label, row.metadata_json) == ("a", {"deep": [1]})
    assert not session.dirty


def test_a_copy_takes_changes(session: Session) -> None:
    """``update`` sets values of the copy, which can be stored beside the original."""
    row = Shelf(label="a")
    session.add(row)
    session.commit()
    session.add(row.model_copy(update={"id": Shelf(label="x").id, "label": "b"}))
    session.commit()
    assert session.scalars(sa.select(sa.func.count()).select_from(table_of(Shelf))).one() == 2


def test_a_pickled_row_is_whole(session: Session) -> None:
    """It comes back equal, can be added to a session, and changes inside its JSON are still noticed."""
    row = Shelf(label="a", metadata_json={"deep": {}})
    session.add(row)
    session.commit()
    session.refresh(row)
    back = pickle.loads(pickle.dumps(row))
    assert back.to_dict() == row.to_dict()
    session.expunge_all()
    session.add(back)
    back.metadata_json["deep"]["new"] = 1
    session.commit()
    session.expunge_all()
    assert session.scalars(sa.select(Shelf)).one().metadata_json == {"deep": {"new": 1}}


def test_a_row_made_without_validation_can_be_stored(session: Session) -> None:
    """model_construct fills defaults in, and what it makes is a row."""
    row = Shelf.model_construct(label="a")
    assert row.kind == "open"
    session.add(row)
    session.commit()
    assert row.created_at is not None


def test_a_row_is_dumped_whole_after_a_commit(session: Session) -> None:
    """A commit expires values; dumping loads them."""
    row = Shelf(label="a")
    session.add(row)
    session.commit()
    assert row.model_dump()["label"] == "a"
    session.commit()
    assert '"label":"a"' in row.model_dump_json()


@pytest.mark.parametrize("flags", [{"table": True}, {}], ids=str)
def test_a_table_is_not_subclassed(flags: dict[str, bool]) -> None:
    """SQLModel would give a class without a table; ours says what to do instead."""
    with pytest.raises(TypeError, match="cannot inherit from the table Shelf"):
        types.new_class("LongShelf", (Shelf,), flags)


@pytest.mark.filterwarnings("ignore:Field name")
@pytest.mark.parametrize("name", ["metadata", "registry"])
def test_names_of_sqlalchemy_are_refused(name: str) -> None:
    """Some versions of SQLAlchemy would only warn, and the base would be broken."""
    with pytest.raises(TypeError, match=f"name {name} for itself"):
        types.new_class("Odd", (Own,), {"table": True}, lambda body: body.update(__annotations__={name: str}))


def test_errors_do_not_show_values() -> None:
    """What was given may be secret: the text of an error says only what is wrong with it."""
    with pytest.raises(ValidationError) as made:
        Book.model_validate({"fullTitle": "x", "first_page": "SECRET"})
    book = Book(fullTitle="x")
    with pytest.raises(ValidationError) as assigned:
        setattr(book, "first_page", "SECRET")  # noqa: B010
    with pytest.raises(ValidationError) as shaped:
        create_shape(Book)(full_title="x", first_page="SECRET")
    for caught in (made, assigned, shaped):
        assert "first_page" in str(caught.value)
        assert "SECRET" not in str(caught.value)


def test_a_field_with_an_alias_has_two_names(session: Session) -> None:
    """It is given by either, and dictionaries, which use its own, come back."""
    book = Book(fullTitle="x")
    assert Book.model_validate({"full_title": "x"}).full_title == "x"
    assert Book.from_dict(book.to_dict()) == book
    shape: Any = create_shape(Book)(full_title="x")
    stored = Repository(session, Book).create(shape)
    assert stored.full_title == "x"


def test_many_rows_are_validated_like_one(session: Session) -> None:
    """Validators of a field run in bulk updates, where those of the whole model, which know no other field, do not."""
    books = Repository(session, Book)
    book = books.create(full_title="x")
    books.bulk_update([{"id": book.id, "full_title": "  y "}])
    session.refresh(book)
    assert book.full_title == "y"
    with pytest.raises(InvalidDataError):
        books.bulk_update([{"id": book.id, "full_title": "y" * 51}])


def test_text_of_an_index_has_a_limit_everywhere() -> None:
    """Without a length of its own it has 255 characters, though SQLite would take more."""
    assert table_of(Shelf).c.label.type.length == 255  # type: ignore[attr-defined]
    assert Shelf(label="x" * 255).label
    with pytest.raises(ValidationError):
        Shelf(label="x" * 256)


def test_a_choice_of_texts_is_a_column() -> None:
    """A Literal is stored as text and checked."""
    assert isinstance(table_of(Shelf).c.kind.type, sa.String)
    with pytest.raises(ValidationError):
        Shelf.model_validate({"label": "x", "kind": "ajar"})


def test_a_key_that_a_caller_gives_is_in_the_shapes() -> None:
    """Only what the library's mixins fill is left out of a Create shape, not a model's own field of such a name."""
    assert set(create_shape(Country).model_fields) == {"id", "version", "metadata_json", "tags"}


def test_versions_are_counted_whatever_the_mapper_is_told(session: Session) -> None:
    """Mapper arguments of a model do not switch its versions off."""
    ledgers = Repository(session, Ledger)
    ledger = ledgers.create(total=1)
    ledgers.update(ledger, total=2)
    assert issubclass(Ledger, RowVersionMixin)
    assert [change.version for change in ledgers.history(ledger.id)] == [1, 2]
