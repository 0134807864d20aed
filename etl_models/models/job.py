"""Jobs: what is executed. ``JobBase`` is the shape, to extend; ``Job`` is our table of it."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Optional

import sqlalchemy as sa
from sqlmodel import Field, Relationship, SQLModel

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.types import SmartJSON, UTCDateTime, key_string, long_text, one_of, str_enum, uuid_key
from etl_models.domain.naming import DEFAULT_NAMESPACE, MAX_NAME_LENGTH
from etl_models.domain.vocabulary import DefinitionStatus, StrategyType

if TYPE_CHECKING:
    from etl_models.models.component import Component
    from etl_models.models.tag import Tag


class JobBase(SQLModel):
    """The shape of a job; extend it for tables of your own."""

    namespace: str = Field(
        default=DEFAULT_NAMESPACE, min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH)
    )
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    description: str = Field(default="", sa_type=long_text())
    status: DefinitionStatus = Field(default=DefinitionStatus.ACTIVE, sa_type=str_enum(DefinitionStatus))
    strategy_type: StrategyType = Field(default=StrategyType.ROW, sa_type=str_enum(StrategyType))
    num_of_retries: int = Field(default=0, ge=0)
    file_logging: bool = Field(default=False)


class Job(AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, JobBase, UUIDPKMixin, EtlBase, table=True):
    """A registered job. ``version`` and ``content_hash`` are those of its newest definition version."""

    __table_args__ = table_options(
        sa.UniqueConstraint("namespace", "name"),
        sa.CheckConstraint("num_of_retries >= 0", name="num_of_retries"),
        sa.CheckConstraint("version >= 1", name="version"),
        one_of("status", DefinitionStatus),
        one_of("strategy_type", StrategyType),
    )

    schedule: dict[str, Any] | None = Field(default=None, sa_type=SmartJSON())
    version: int = Field(default=1, ge=1)
    content_hash: str = Field(max_length=80)

    components: list["Component"] = Relationship(
        back_populates="job", sa_relationship_kwargs={"lazy": "raise", "order_by": "Component.position"}
    )
    latest: Optional["JobLatestExecution"] = Relationship(sa_relationship_kwargs={"lazy": "raise", "uselist": False})
    tags: list["Tag"] = Relationship(
        sa_relationship_kwargs={"lazy": "raise", "secondary": "etl_job_tag", "order_by": "Tag.key"}
    )


class JobLatestExecution(EtlBase, table=True):
    """One-to-one pointer from a job to its newest execution, so that the job row itself is not hot."""

    __table_args__ = table_options()

    job_id: uuid.UUID = Field(primary_key=True, foreign_key="etl_job.id", ondelete="CASCADE", sa_type=uuid_key())
    execution_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_execution.id", ondelete="SET NULL", unique=True, sa_type=uuid_key()
    )
    execution_created_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
