"""Executions: every run of a job, its attempts, their component executions, and every transition between states."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import TimestampMixin, UUIDPKMixin
from etl_models.db.types import SmartJSON, UTCDateTime, big_integer, key_string, long_text, one_of, str_enum, uuid_key
from etl_models.domain.naming import MAX_NAME_LENGTH
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH

MAX_KEY_LENGTH = 255
MAX_REASON_LENGTH = 1000


class SpanMixin(SQLModel):
    """When something ran, and what went wrong."""

    started_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    error_type: str | None = Field(default=None, max_length=255)
    error_message: str | None = Field(default=None, sa_type=long_text())
    error_traceback: str | None = Field(default=None, sa_type=long_text())


class Execution(TimestampMixin, UUIDPKMixin, EtlBase, table=True):
    """One run of a job, pinned to a definition version. Its state is that of its newest attempt.

    ``key`` is the idempotency key: starting the same key of a job again meets the same execution.
    """

    __table_args__ = table_options(
        sa.UniqueConstraint("job_id", "key"),
        sa.ForeignKeyConstraint(["job_id", "job_version_id"], ["etl_job_version.job_id", "etl_job_version.id"]),
        one_of("state", ExecutionState),
        sa.CheckConstraint("attempt_count >= 1", name="attempt_count"),
        # Listing: newest first, of everything, of one job, of one state. The key is time-ordered.
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "job_id", "created_at", "id"),
        sa.Index(None, "state", "created_at", "id"),
    )

    job_id: uuid.UUID = Field(foreign_key="etl_job.id", sa_type=uuid_key())
    job_version_id: uuid.UUID = Field(sa_type=uuid_key())
    key: str | None = Field(default=None, max_length=MAX_KEY_LENGTH, sa_type=key_string(MAX_KEY_LENGTH))
    state: ExecutionState = Field(sa_type=str_enum(ExecutionState))
    reason: str | None = Field(default=None, max_length=MAX_REASON_LENGTH, sa_type=long_text())
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=SmartJSON(), nullable=False)
    attempt_count: int = Field(default=1, ge=1)
    trigger: str | None = Field(default=None, max_length=50)
    nominal_time: datetime | None = Field(default=None, sa_type=UTCDateTime)
    parent_id: uuid.UUID | None = Field(default=None, foreign_key="etl_execution.id", index=True, sa_type=uuid_key())
    root_id: uuid.UUID | None = Field(default=None, foreign_key="etl_execution.id", index=True, sa_type=uuid_key())
    rerun_of_id: uuid.UUID | None = Field(default=None, foreign_key="etl_execution.id", index=True, sa_type=uuid_key())
    started_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ExecutionTag(EtlBase, table=True):
    """A tag of one execution: one value (or none, the empty string) for each key."""

    __table_args__ = table_options(sa.Index(None, "key", "value", "execution_id"))

    execution_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_execution.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    key: str = Field(primary_key=True, max_length=MAX_TAG_KEY_LENGTH, sa_type=key_string(MAX_TAG_KEY_LENGTH))
    value: str = Field(default="", max_length=MAX_TAG_VALUE_LENGTH, sa_type=key_string(MAX_TAG_VALUE_LENGTH))


class Attempt(SpanMixin, TimestampMixin, UUIDPKMixin, EtlBase, table=True):
    """One try of an execution, by one worker. ``number`` counts from 1."""

    __table_args__ = table_options(
        sa.UniqueConstraint("execution_id", "number"),
        sa.CheckConstraint("number >= 1", name="number"),
        one_of("state", ExecutionState),
    )

    execution_id: uuid.UUID = Field(foreign_key="etl_execution.id", ondelete="CASCADE", sa_type=uuid_key())
    number: int = Field(ge=1)
    state: ExecutionState = Field(sa_type=str_enum(ExecutionState))
    reason: str | None = Field(default=None, max_length=MAX_REASON_LENGTH, sa_type=long_text())
    lease_token: uuid.UUID | None = Field(default=None, sa_type=uuid_key())
    worker: dict[str, Any] | None = Field(default=None, sa_type=SmartJSON())
    heartbeat_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class ComponentExecution(SpanMixin, TimestampMixin, UUIDPKMixin, EtlBase, table=True):
    """One run of a component inside an attempt; ``ordinal`` counts the runs of one name from 1.

    ``component_id`` is NULL for a component that the definition does not know: what ran is recorded all the same.
    ``inferred`` marks a state that nobody reported: it was concluded when the attempt closed, and a report that comes
    later, from the worker itself, overrules it.
    """

    __table_args__ = table_options(
        sa.UniqueConstraint("attempt_id", "name", "ordinal"),
        sa.CheckConstraint("ordinal >= 1", name="ordinal"),
        one_of("state", ComponentState),
    )

    attempt_id: uuid.UUID = Field(foreign_key="etl_attempt.id", ondelete="CASCADE", sa_type=uuid_key())
    component_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_component.id", ondelete="SET NULL", index=True, sa_type=uuid_key()
    )
    name: str = Field(max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    ordinal: int = Field(default=1, ge=1)
    state: ComponentState = Field(sa_type=str_enum(ComponentState))
    reason: str | None = Field(default=None, max_length=MAX_REASON_LENGTH, sa_type=long_text())
    inferred: bool = Field(default=False)


class Transition(EtlBase, table=True):
    """One requested change of state, kept whether it was applied or lost; never changed.

    ``attempt_id`` says of which attempt, ``component_execution_id`` (when set) of which component execution.
    """

    __table_args__ = table_options(sa.Index(None, "execution_id", "id"))

    id: int | None = Field(default=None, primary_key=True, sa_type=big_integer())
    execution_id: uuid.UUID = Field(foreign_key="etl_execution.id", ondelete="CASCADE", sa_type=uuid_key())
    attempt_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_attempt.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    component_execution_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_component_execution.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    from_state: str | None = Field(default=None, max_length=32)
    to_state: str = Field(max_length=32)
    applied: bool = Field(default=True)
    reason: str | None = Field(default=None, max_length=MAX_REASON_LENGTH, sa_type=long_text())
    occurred_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
    actor: str = Field(max_length=255, sa_type=key_string(255))
