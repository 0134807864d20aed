"""Columns that many tables share. Mixins use ``sa_type``, never ``sa_column``: a Column belongs to one table only.

They combine in any order. What a mixin needs beside its columns, indexes and constraints, it returns from
``__table_items__``; tables on :class:`~etl_models.db.declarative.Base` get them, named by its convention.
"""

import re
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import model_validator
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from etl_models.db.tenancy import MAX_TENANT_LENGTH, check_flush, require_tenant
from etl_models.db.types import SmartJSON, UTCDateTime, big_integer, key_string, uuid_key
from etl_models.domain.actor import current_actor
from etl_models.domain.clock import utcnow
from etl_models.domain.ids import uuid7

MAX_TAGS_LENGTH = 500
MAX_SLUG_LENGTH = 255

TableItem = sa.Index | sa.Constraint


class UUIDPKMixin(SQLModel):
    """``id``: a UUIDv7 made by the client."""

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True, sa_type=uuid_key())


UUIDMixin = UUIDPKMixin


class IntegerPKMixin(SQLModel):
    """``id``: a 64-bit number given by the database, None until the row is flushed."""

    id: int | None = Field(default=None, primary_key=True, sa_type=big_integer())


class CreatedMixin(SQLModel):
    """``created_at``, indexed, for rows that never change afterwards."""

    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime, nullable=False)

    @staticmethod
    def __table_items__(table: sa.Table) -> Iterator[TableItem]:
        yield sa.Index(None, table.c.created_at)


class TimestampMixin(CreatedMixin):
    """``created_at`` and ``updated_at``; the second follows every UPDATE made by the ORM or Core."""

    updated_at: datetime = Field(
        default_factory=utcnow, sa_type=UTCDateTime, nullable=False, sa_column_kwargs={"onupdate": utcnow}
    )


class AuditColumnsMixin(SQLModel):
    """``created_by`` and ``updated_by``, filled from :func:`~etl_models.domain.actor.current_actor`."""

    created_by: str = Field(default_factory=current_actor, max_length=255, sa_type=key_string(255))
    updated_by: str = Field(
        default_factory=current_actor,
        max_length=255,
        sa_type=key_string(255),
        sa_column_kwargs={"onupdate": current_actor},
    )


AuditMixin = AuditColumnsMixin


class SoftDeleteMixin(SQLModel):
    """``is_deleted`` (indexed) and ``deleted_at``: deleting hides, history stays.

    On :class:`~etl_models.db.declarative.Base` a flush keeps the two in step; the table refuses a time of deletion on
    a row that is not deleted.
    """

    is_deleted: bool = Field(default=False, nullable=False)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @staticmethod
    def __table_items__(table: sa.Table) -> Iterator[TableItem]:
        yield sa.Index(None, table.c.is_deleted)
        yield sa.CheckConstraint(sa.or_(table.c.deleted_at.is_(None), table.c.is_deleted), name="deleted_at")

    def __before_write__(self) -> None:
        if self.is_deleted and self.deleted_at is None:
            self.deleted_at = utcnow()
        elif not self.is_deleted and self.deleted_at is not None:
            self.deleted_at = None


class MetadataMixin(SQLModel):
    """``metadata_json``, an object that is free to use, and ``tags``: up to 500 characters, separated by commas."""

    metadata_json: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)
    tags: str = Field(default="", max_length=MAX_TAGS_LENGTH, sa_type=sa.String(MAX_TAGS_LENGTH))

    @property
    def tag_list(self) -> list[str]:
        """The single tags, without blanks around them."""
        return [tag for part in self.tags.split(",") if (tag := part.strip())]


class SlugMixin(SQLModel):
    """``slug``: unique (on tables with a tenant: within it), made of the field ``__slug_source__`` where none is given.

    A deleted row keeps its slug, so that it can be restored.
    """

    __slug_source__: ClassVar[str] = "name"

    slug: str = Field(default="", max_length=MAX_SLUG_LENGTH, sa_type=key_string(MAX_SLUG_LENGTH))

    @model_validator(mode="before")
    @classmethod
    def _fill_slug(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and not data.get("slug"):
            return {**data, "slug": slugify(str(data.get(cls.__slug_source__) or ""))}
        return data

    @staticmethod
    def __table_items__(table: sa.Table) -> Iterator[TableItem]:
        around = [table.c.tenant_id] if "tenant_id" in table.c else []
        yield sa.UniqueConstraint(*around, table.c.slug)
        yield sa.CheckConstraint(table.c.slug != "", name="slug")


def slugify(text: str) -> str:
    """``"Crème brûlée, 2 ways"`` -> ``creme-brulee-2-ways``; letters of other scripts stay; never empty."""
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", bare).lower())
    return "-".join(words)[:MAX_SLUG_LENGTH].strip("-") or uuid7().hex


class TenantScopedMixin(SQLModel):
    """``tenant_id``, indexed: whose row it is, taken from :func:`~etl_models.db.tenancy.tenant_scope`.

    Every ORM query sees the rows of the present tenant only; without one it raises TenantRequiredError. So does a flush
    that would add, change or delete a row of another tenant.
    """

    tenant_id: str = Field(
        default_factory=require_tenant,
        min_length=1,
        max_length=MAX_TENANT_LENGTH,
        sa_type=key_string(MAX_TENANT_LENGTH),
    )

    @staticmethod
    def __table_items__(table: sa.Table) -> Iterator[TableItem]:
        yield sa.Index(None, table.c.tenant_id)
        yield sa.CheckConstraint(table.c.tenant_id != "", name="tenant_id")

    def __before_write__(self) -> None:
        was = sa.inspect(self).attrs.tenant_id.history.deleted
        check_flush(type(self), self.tenant_id, *was)

    def __before_delete__(self) -> None:
        self.__before_write__()


class RowVersionMixin(SQLModel):
    """``version``: counts the changes of a row. A change based on an older version raises StaleDataError."""

    version: int = Field(default=1, ge=1, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  (a declared_attr is given the class)
        return {"version_id_col": cls.version}

    @staticmethod
    def __table_items__(table: sa.Table) -> Iterator[TableItem]:
        yield sa.CheckConstraint(table.c.version >= 1, name="version")


def own_items(model: type[Any], table: sa.Table) -> Iterator[TableItem]:
    """Yield what the mixins of ``model`` add to its table, each mixin once."""
    for base in model.__mro__:
        if (items := base.__dict__.get("__table_items__")) is not None:
            yield from items.__func__(table)


def own_hooks(model: type[Any], name: str) -> list[Any]:
    """Return what the mixins of ``model`` do to a row ``__before_write__`` or ``__before_delete__``."""
    return [hook for base in model.__mro__ if (hook := base.__dict__.get(name)) is not None]
