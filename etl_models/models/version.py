"""Definition versions: every numbered state a job, a component or a dataclass has had, as its full document."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import CreatedMixin, UUIDPKMixin
from etl_models.db.types import SmartJSON, key_string, uuid_key


class DefinitionVersionBase(CreatedMixin, SQLModel):
    """One version: rows are written once and never changed. ``version`` counts from 1 within its owner."""

    version: int = Field(ge=1)
    document: dict[str, Any] = Field(sa_type=SmartJSON(), nullable=False)
    content_hash: str = Field(max_length=80)
    created_by: str = Field(max_length=255, sa_type=key_string(255))


class JobVersion(DefinitionVersionBase, UUIDPKMixin, EtlBase, table=True):
    """A version of a job with all its components; executions are pinned to one."""

    __table_args__ = table_options(
        sa.UniqueConstraint("job_id", "version"),
        sa.UniqueConstraint("job_id", "id"),  # what an execution refers to, so that the version is of its own job
        sa.CheckConstraint("version >= 1", name="version"),
    )

    job_id: uuid.UUID = Field(foreign_key="etl_job.id", ondelete="CASCADE", sa_type=uuid_key())


class ComponentVersion(DefinitionVersionBase, UUIDPKMixin, EtlBase, table=True):
    """A version of one component."""

    __table_args__ = table_options(
        sa.UniqueConstraint("component_id", "version"), sa.CheckConstraint("version >= 1", name="version")
    )

    component_id: uuid.UUID = Field(foreign_key="etl_component.id", ondelete="CASCADE", sa_type=uuid_key())


class DataclassVersion(DefinitionVersionBase, UUIDPKMixin, EtlBase, table=True):
    """A version of one dataclass."""

    __table_args__ = table_options(
        sa.UniqueConstraint("dataclass_id", "version"), sa.CheckConstraint("version >= 1", name="version")
    )

    dataclass_id: uuid.UUID = Field(foreign_key="etl_dataclass.id", ondelete="CASCADE", sa_type=uuid_key())
