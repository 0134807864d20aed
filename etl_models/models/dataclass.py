"""Dataclasses: the shape of records (a JSON Schema) and the rules they must meet."""

import uuid
from typing import Any, ClassVar, Optional

import sqlalchemy as sa
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlmodel import Field, Relationship, SQLModel

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.types import SmartJSON, key_string, long_text, one_of, str_enum, uuid_key
from etl_models.domain.naming import DEFAULT_NAMESPACE, MAX_NAME_LENGTH
from etl_models.domain.vocabulary import DataDirection, DefinitionStatus


class DataclassesBase(SQLModel):
    """The shape of a dataclass; extend it for tables of your own."""

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    dataclass_type: str = Field(
        default="record", min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH)
    )
    schema_definition: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)
    validation_rules: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)


class Dataclass(AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, DataclassesBase, UUIDPKMixin, EtlBase, table=True):
    """A registered dataclass. ``schema_definition`` is kept one-to-one in :class:`DataclassSchema`."""

    __table_args__ = table_options(
        sa.UniqueConstraint("namespace", "name"),
        sa.CheckConstraint("version >= 1", name="version"),
        one_of("status", DefinitionStatus),
    )

    namespace: str = Field(
        default=DEFAULT_NAMESPACE, min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH)
    )
    description: str = Field(default="", sa_type=long_text())
    status: DefinitionStatus = Field(default=DefinitionStatus.ACTIVE, sa_type=str_enum(DefinitionStatus))
    version: int = Field(default=1, ge=1)
    content_hash: str = Field(max_length=80)

    # The one-to-one row replaces the column that DataclassesBase would bring.
    schema_definition: ClassVar[AssociationProxy[dict[str, Any]]] = association_proxy(  # type: ignore[misc]
        "schema_row", "schema_definition"
    )
    schema_row: Optional["DataclassSchema"] = Relationship(
        sa_relationship_kwargs={"lazy": "raise", "uselist": False, "cascade": "all, delete-orphan"}
    )


class DataclassSchema(EtlBase, table=True):
    """One-to-one: the JSON Schema of a dataclass."""

    __table_args__ = table_options()

    dataclass_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_dataclass.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    schema_definition: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)


class ComponentDataclass(EtlBase, table=True):
    """Many-to-many: which dataclasses a component reads and writes, in order."""

    __table_args__ = table_options(
        one_of("direction", DataDirection), sa.CheckConstraint("position >= 0", name="position")
    )

    component_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_component.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    dataclass_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_dataclass.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    direction: DataDirection = Field(primary_key=True, sa_type=str_enum(DataDirection))
    position: int = Field(default=0, ge=0)
