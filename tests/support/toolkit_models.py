"""Tables for the tests of the toolkit: one with every type, some with relations, and one per mixin and base."""

import enum
import types
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Optional

from sqlmodel import Field, Relationship, SQLModel

from etl_models.db.composites import AuditedBase, FullAuditModel, FullModel, TimestampedBase, UUIDTimestampedBase
from etl_models.db.declarative import Base
from etl_models.db.mixins import (
    AuditColumnsMixin,
    IntegerPKMixin,
    MetadataMixin,
    RowVersionMixin,
    SlugMixin,
    SoftDeleteMixin,
    TenantScopedMixin,
    TimestampMixin,
    UUIDPKMixin,
)
from etl_models.db.money import Money, money_columns
from etl_models.db.versioning import VersioningMixin


class Color(enum.StrEnum):
    """An enum whose names and values differ."""

    RED = "r"
    BLUE = "b'lue"


class Sample(FullModel, table=True):
    """One column of every type."""

    text: str = ""
    name: str = Field(default="", max_length=100, index=True)
    whole: int = 0
    real: float = 0.0
    maybe_real: float | None = None
    yes: bool = False
    exact: Decimal = Field(default=Decimal(0), max_digits=15, decimal_places=4)
    moment: datetime | None = None
    day: date | None = None
    clock: time | None = None
    span: timedelta | None = None
    ident: uuid.UUID | None = None
    color: Color = Color.RED
    raw: bytes = b""
    data: dict[str, Any] = Field(default_factory=dict)
    items: list[Any] = Field(default_factory=list)
    price_micros: int = 0
    price_currency: str = Field(default="EUR", min_length=3, max_length=3)
    price: ClassVar[Money] = money_columns("price")


class Person(UUIDTimestampedBase, table=True):
    """Somebody with adverts."""

    email: str = Field(max_length=100, unique=True)
    password_hash: str = Field(default="", max_length=100, exclude=True)
    adverts: list["Advert"] = Relationship(back_populates="person")


class Advert(FullAuditModel, table=True):
    """A versioned row with a unique name."""

    name: str = Field(max_length=100, unique=True)
    budget: int = Field(default=0, ge=0)
    color: Color = Color.RED
    note: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    person_id: uuid.UUID | None = Field(default=None, foreign_key="person.id", ondelete="SET NULL")
    person: Optional[Person] = Relationship(back_populates="adverts")


class Note(TenantScopedMixin, SlugMixin, TimestampedBase, table=True):
    """A tenant's row with a slug, numbered by the database."""

    name: str = Field(max_length=100)


BASES: dict[str, type[Base]] = {
    "Base": Base,
    "TimestampedBase": TimestampedBase,
    "UUIDTimestampedBase": UUIDTimestampedBase,
    "AuditedBase": AuditedBase,
    "FullModel": FullModel,
    "FullAuditModel": FullAuditModel,
}
MIXINS: dict[str, type[SQLModel]] = {
    "IntegerPKMixin": IntegerPKMixin,
    "UUIDPKMixin": UUIDPKMixin,
    "TimestampMixin": TimestampMixin,
    "AuditColumnsMixin": AuditColumnsMixin,
    "SoftDeleteMixin": SoftDeleteMixin,
    "MetadataMixin": MetadataMixin,
    "SlugMixin": SlugMixin,
    "TenantScopedMixin": TenantScopedMixin,
    "RowVersionMixin": RowVersionMixin,
    "VersioningMixin": VersioningMixin,
}
KEYS = ("IntegerPKMixin", "UUIDPKMixin")


def make_table(name: str, *parents: type[Any]) -> type[Any]:
    """A table with a name and a number beside what its parents bring."""

    def body(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = __name__
        namespace["__annotations__"] = {"name": str, "amount": int}
        namespace["name"] = Field(max_length=50)
        namespace["amount"] = 0

    made: type[Any] = types.new_class(name, parents, {"table": True}, body)
    return made


def _pairs() -> dict[str, type[Any]]:
    made = {}
    for base_name, base in BASES.items():
        for mixin_name, mixin in MIXINS.items():
            if issubclass(base, mixin) or (mixin_name in KEYS and hasattr(base, "model_fields") and base.model_fields):
                continue
            key = () if base.model_fields or mixin_name in KEYS else (UUIDPKMixin,)
            name = f"{mixin_name}On{base_name}"
            made[name] = make_table(name, mixin, *key, base)
    return made


PAIRS = _pairs()
