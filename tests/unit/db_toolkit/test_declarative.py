"""Table models validate, name their tables and stay apart from others."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Field, Session, SQLModel, create_engine

from etl_models.db.bases import metadata as own_metadata
from etl_models.db.composites import FullModel
from etl_models.db.declarative import Base, new_registry
from etl_models.db.mixins import AuditColumnsMixin, MetadataMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.shapes import create_shape, read_shape, update_shape
from tests.support.toolkit_models import Advert, Person, Sample, make_table


class ReportingBase(FullModel, registry=new_registry()):
    """A base for another database."""


class Report(ReportingBase, table=True):
    """A table of it."""

    name: str = Field(max_length=20)


class Long(ReportingBase, table=True):
    """Another table of it."""

    path: str = Field(default="", max_length=2000, index=True)


@pytest.mark.parametrize(
    "values",
    [{}, {"name": None}, {"name": "x", "budget": "much"}, {"name": "x" * 101}, {"name": "x", "colour": 1}, {"name": 5}],
    ids=str,
)
def test_construction_is_validated(values: dict[str, Any]) -> None:
    """A missing, wrong or unknown field is refused, by the constructor and by model_validate."""
    with pytest.raises(ValidationError):
        Advert(**values)
    with pytest.raises(ValidationError):
        Advert.model_validate(values)


@pytest.mark.parametrize(
    ("name", "value"), [("budget", "much"), ("budget", -1), ("name", "x" * 101), ("color", "green")]
)
def test_assignment_is_validated(name: str, value: Any) -> None:
    """What is refused leaves the instance as it was; what is taken is converted."""
    advert = Advert(name="x", budget=3)
    before = advert.to_dict()
    with pytest.raises(ValidationError):
        setattr(advert, name, value)
    assert advert.to_dict() == before
    setattr(advert, "budget", "7")  # noqa: B010  (the types do not match, and that is the point)
    assert advert.budget == 7


def test_an_unknown_attribute_is_refused() -> None:
    """A misspelt field is no new attribute."""
    with pytest.raises(ValueError, match="colour"):
        setattr(Advert(name="x"), "colour", "r")  # noqa: B010


def test_relations_are_given_like_fields() -> None:
    """A related row may be passed to the constructor, and both sides know it."""
    person = Person(email="a@b.c")
    advert = Advert(name="x", person=person)
    assert person.adverts == [advert]


def test_instances_come_from_objects_and_json() -> None:
    """model_validate takes objects with the attributes, model_validate_json text."""
    person = Person(email="a@b.c")
    assert Person.model_validate(person) == person
    assert Person.model_validate_json('{"email": "x@y.z"}').email == "x@y.z"
    with pytest.raises(ValidationError):
        Person.model_validate_json("{}")


def test_metadata_is_apart() -> None:
    """Tables of a user are in no MetaData of ours or SQLModel's, those of another base in its own."""
    assert not set(own_metadata.tables) & set(Base.metadata.tables)
    assert "advert" in Base.metadata.tables
    assert "advert" not in SQLModel.metadata.tables
    assert set(Report.metadata.tables) == {"report", "long"}
    assert "report" not in Base.metadata.tables


def test_mixins_combine_in_any_order() -> None:
    """Whatever the order, the same columns, indexes and constraints come out."""
    mixins = (TimestampMixin, SoftDeleteMixin, AuditColumnsMixin, MetadataMixin, UUIDPKMixin, Base)
    found = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(mixins), 0, None, 97)):
        table = make_table(f"Order{number}", *order).__table__
        indexes = {index.name.replace(table.name, "t") for index in table.indexes}
        constraints = {str(item.name).replace(table.name, "t") for item in table.constraints}
        found.add((frozenset(table.c.keys()), frozenset(indexes), frozenset(constraints)))
    assert len(found) == 1
    columns, made_indexes, made_constraints = found.pop()
    assert {"id", "created_at", "updated_by", "is_deleted", "metadata_json"} <= columns
    assert made_indexes == {"ix_t_is_deleted", "ix_t_created_at"}
    assert made_constraints == {"pk_t", "ck_t_deleted_at"}


def test_every_constraint_has_a_name() -> None:
    """Migrations can speak of each constraint and index."""
    for table in Base.metadata.tables.values():
        named: list[Any] = [*table.constraints, *table.indexes]
        assert all(item.name for item in named), table.name


def test_tracked_values_are_copied_and_pickled_as_plain_ones() -> None:
    """Copies of JSON values belong to no row."""
    sample = Sample(data={"a": [1]}, items=[{"b": 2}])
    assert type(sample.data) is not dict
    for copied in (copy.deepcopy(sample.data), pickle.loads(pickle.dumps(sample.data)), sample.data.copy()):
        assert type(copied) is dict
        assert type(copied["a"]) is list
        assert copied == {"a": [1]}


def test_expired_rows_are_written_whole() -> None:
    """A dictionary of a row that was expired by a commit is complete."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine, [Person.__table__])
    with Session(engine) as session:
        person = Person(email="a@b.c")
        session.add(person)
        session.commit()
        assert person.to_dict()["email"] == "a@b.c"
    engine.dispose()


def test_shapes_follow_the_model() -> None:
    """Read has every shown column, Create what a caller may give, Update the same with nothing required."""
    assert "password_hash" not in read_shape(Person).model_fields
    assert set(create_shape(Advert).model_fields) == {
        *("name", "budget", "color", "note", "data", "person_id", "metadata_json", "tags")
    }
    with pytest.raises(ValidationError):
        create_shape(Advert)(name="x" * 101)
    with pytest.raises(ValidationError):
        update_shape(Advert)(name=None)
    with pytest.raises(ValidationError):
        create_shape(Advert)(name="x", id=1)
    assert update_shape(Advert)().model_dump(exclude_unset=True) == {}
    assert create_shape(Advert) is create_shape(Advert)


def test_tables_for_mysql_keep_every_character() -> None:
    """Tables are InnoDB, in utf8mb4, compared by bytes, like on the other databases."""
    from sqlalchemy.dialects import mysql
    from sqlalchemy.schema import CreateTable

    words = str(CreateTable(Advert.__table__).compile(dialect=mysql.dialect()))
    assert "ENGINE=InnoDB" in words
    assert "COLLATE utf8mb4_bin" in words


def test_long_text_is_indexed_by_its_beginning_on_mysql() -> None:
    """Its keys end at 3072 bytes, which is 768 characters."""
    from sqlalchemy.dialects import mysql, postgresql
    from sqlalchemy.schema import CreateIndex

    (index,) = (index for index in Long.__table__.indexes if "path" in index.columns)
    assert "(path(768))" in str(CreateIndex(index).compile(dialect=mysql.dialect()))
    assert "(path)" in str(CreateIndex(index).compile(dialect=postgresql.dialect()))


def test_whole_numbers_have_64_bits() -> None:
    """Also where SQLModel would take 32."""
    assert isinstance(Sample.__table__.c.whole.type, sa.BigInteger)
