"""A row that is given its parent knows its foreign key."""

import uuid
from typing import Optional

import pytest
from pydantic import ValidationError
from sqlmodel import Field, Relationship, Session, create_engine

from etl_models.db import Base, IntegerPKMixin, ModelSerializer, UUIDPKMixin, new_registry


class Family(Base, registry=new_registry()):
    """Apart from other tests."""


class Mother(UUIDPKMixin, Family, table=True):
    """Known by an id that is made here."""

    name: str = Field(default="", max_length=20)
    children: list["Child"] = Relationship(back_populates="mother")


class School(IntegerPKMixin, Family, table=True):
    """Numbered by the database."""


class Child(IntegerPKMixin, Family, table=True):
    """Nobody without a mother."""

    mother_id: uuid.UUID = Field(foreign_key="mother.id")
    mother: Optional[Mother] = Relationship(back_populates="children")
    school_id: int | None = Field(default=None, foreign_key="school.id")
    school: Optional[School] = Relationship()


def test_a_parent_stands_for_its_key() -> None:
    """In the constructor, of a mapping and of a dictionary with the parent inside; without either it is missing."""
    mother = Mother(name="Ann")
    assert Child(mother=mother).mother_id == mother.id  # type: ignore[call-arg]
    assert Child.model_validate({"mother": mother}).mother_id == mother.id
    made = ModelSerializer.from_dict(Child, {"mother": {"id": str(mother.id), "name": "Ann"}})
    assert (made.mother_id, made.mother.name if made.mother else None) == (mother.id, "Ann")
    with pytest.raises(ValidationError, match="mother_id"):
        Child.model_validate({})
    with pytest.raises(ValidationError, match="mother_id"):
        Child.model_validate({"mother": None})


def test_the_parent_decides() -> None:
    """As in the database: the key of another is not kept beside it."""
    mother = Mother()
    assert Child(mother=mother, mother_id=uuid.uuid4()).mother_id == mother.id


def test_a_number_comes_with_the_flush() -> None:
    """A parent that has no key yet gives it when it is stored."""
    engine = create_engine("sqlite://")
    Family.metadata.create_all(engine)
    with Session(engine) as session:
        child = Child.model_validate({"mother": Mother(), "school": School()})
        assert child.school_id is None
        session.add(child)
        session.commit()
        assert child.school is not None
        assert child.school_id == child.school.id
    engine.dispose()
