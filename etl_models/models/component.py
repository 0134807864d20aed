"""Components: the steps of a job, their configuration, their order by ports, and the registry of their types."""

import uuid
from typing import Any, ClassVar, Optional

import sqlalchemy as sa
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlmodel import Field, Relationship, SQLModel

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.types import SmartJSON, key_string, long_text, one_of, str_enum, uuid_key
from etl_models.domain.naming import MAX_NAME_LENGTH
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.models.job import Job

DEFAULT_OUT_PORT = "out"
DEFAULT_IN_PORT = "in"
MAX_PORT_LENGTH = 100


class ComponentBase(SQLModel):
    """The shape of a component; extend it for tables of your own."""

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    component_type: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    configuration: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)
    status: DefinitionStatus = Field(default=DefinitionStatus.ACTIVE, sa_type=str_enum(DefinitionStatus))


class Component(AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, ComponentBase, UUIDPKMixin, EtlBase, table=True):
    """A component of one job.

    Its ``configuration`` may be large and is kept in a row of its own (:class:`ComponentConfiguration`), so that
    listing components never reads it; here it is a read-only view of that row.
    """

    __table_args__ = table_options(
        sa.UniqueConstraint("job_id", "name"),
        sa.UniqueConstraint("job_id", "id"),  # what a dependency refers to, so that both its ends share the job
        sa.CheckConstraint("position >= 0", name="position"),
        sa.CheckConstraint("version >= 1", name="version"),
        one_of("status", DefinitionStatus),
    )

    job_id: uuid.UUID = Field(foreign_key="etl_job.id", ondelete="CASCADE", sa_type=uuid_key())
    description: str = Field(default="", sa_type=long_text())
    position: int = Field(default=0, ge=0)
    layout_x: float | None = Field(default=None, sa_type=sa.Double)
    layout_y: float | None = Field(default=None, sa_type=sa.Double)
    version: int = Field(default=1, ge=1)
    content_hash: str = Field(max_length=80)

    # The one-to-one row replaces the column that ComponentBase would bring.
    configuration: ClassVar[AssociationProxy[dict[str, Any]]] = association_proxy(  # type: ignore[misc]
        "configuration_row", "configuration"
    )
    configuration_row: Optional["ComponentConfiguration"] = Relationship(
        sa_relationship_kwargs={"lazy": "raise", "uselist": False, "cascade": "all, delete-orphan"}
    )
    job: Optional[Job] = Relationship(back_populates="components", sa_relationship_kwargs={"lazy": "raise"})


class ComponentConfiguration(EtlBase, table=True):
    """One-to-one: the configuration of a component."""

    __table_args__ = table_options()

    component_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_component.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    configuration: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)


class ComponentDependency(EtlBase, table=True):
    """Many-to-many: data flows from a port of one component to a port of another, in the order of ``position``."""

    __table_args__ = table_options(
        sa.ForeignKeyConstraint(
            ["job_id", "upstream_id"], ["etl_component.job_id", "etl_component.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_id", "downstream_id"], ["etl_component.job_id", "etl_component.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("upstream_id <> downstream_id", name="not_itself"),
        sa.CheckConstraint("position >= 0", name="position"),
        sa.Index(None, "job_id", "downstream_id"),
    )

    job_id: uuid.UUID = Field(sa_type=uuid_key())
    downstream_id: uuid.UUID = Field(primary_key=True, sa_type=uuid_key())
    upstream_id: uuid.UUID = Field(primary_key=True, sa_type=uuid_key())
    out_port: str = Field(
        default=DEFAULT_OUT_PORT, primary_key=True, max_length=MAX_PORT_LENGTH, sa_type=key_string(MAX_PORT_LENGTH)
    )
    in_port: str = Field(
        default=DEFAULT_IN_PORT, primary_key=True, max_length=MAX_PORT_LENGTH, sa_type=key_string(MAX_PORT_LENGTH)
    )
    position: int = Field(default=0, ge=0)


class ComponentType(AuditColumnsMixin, TimestampMixin, EtlBase, table=True):
    """The registry of component types. Unknown types are allowed; a registered one may check configurations."""

    __table_args__ = table_options()

    name: str = Field(primary_key=True, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    description: str = Field(default="", sa_type=long_text())
    configuration_schema: dict[str, Any] | None = Field(default=None, sa_type=SmartJSON())
