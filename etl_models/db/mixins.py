"""Columns that many tables share. Mixins use ``sa_type``, never ``sa_column``: a Column belongs to one table only."""

import uuid
from datetime import datetime

from sqlmodel import Field, SQLModel

from etl_models.db.types import UTCDateTime, key_string, uuid_key
from etl_models.domain.actor import current_actor
from etl_models.domain.clock import utcnow
from etl_models.domain.ids import uuid7


class UUIDPKMixin(SQLModel):
    """``id``: a UUIDv7 made by the client."""

    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True, sa_type=uuid_key())


class CreatedMixin(SQLModel):
    """``created_at``, for rows that never change afterwards."""

    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime, nullable=False)


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


class SoftDeleteMixin(SQLModel):
    """``is_deleted`` and ``deleted_at``: deleting hides, history stays."""

    is_deleted: bool = Field(default=False, nullable=False)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
