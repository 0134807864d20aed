"""Metrics: their definitions, which components promise them, and the samples that were measured."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.types import UTCDateTime, big_integer, key_string, long_text, one_of, str_enum, uuid_key
from etl_models.domain.naming import DEFAULT_NAMESPACE, MAX_NAME_LENGTH
from etl_models.domain.vocabulary import MetricDirection, MetricKind


class SpecialNumber(StrEnum):
    """The floats that a SQL number cannot hold on every database."""

    NAN = "nan"
    INFINITY = "inf"
    NEGATIVE_INFINITY = "-inf"


class Metric(AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin, EtlBase, table=True):
    """The definition of a metric: its unit and how its samples combine."""

    __table_args__ = table_options(
        sa.UniqueConstraint("namespace", "name"),
        one_of("kind", MetricKind),
        one_of("direction", MetricDirection),
    )

    namespace: str = Field(
        default=DEFAULT_NAMESPACE, min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH)
    )
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    unit: str = Field(default="", max_length=50)
    kind: MetricKind = Field(default=MetricKind.GAUGE, sa_type=str_enum(MetricKind))
    direction: MetricDirection = Field(default=MetricDirection.NEUTRAL, sa_type=str_enum(MetricDirection))
    description: str = Field(default="", sa_type=long_text())


class ComponentMetric(EtlBase, table=True):
    """Many-to-many: the metrics a component promises to measure, in order."""

    __table_args__ = table_options(sa.CheckConstraint("position >= 0", name="position"))

    component_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_component.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    metric_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_metric.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    position: int = Field(default=0, ge=0)


class MetricSample(EtlBase, table=True):
    """One measured value, of a component execution or (NULL) of the attempt as a whole; never changed.

    Samples name their metric by text: a worker may measure what nobody has defined, and a short name is smaller
    than a key. ``sequence`` is made by the worker and increases, so the newest sample has the largest one.
    """

    __table_args__ = table_options(
        one_of("special", SpecialNumber),
        sa.CheckConstraint("(value IS NULL) <> (special IS NULL)", name="value_or_special"),
        sa.Index(None, "attempt_id", "name", "sequence"),
        sqlite_autoincrement=False,
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=big_integer())
    attempt_id: uuid.UUID = Field(foreign_key="etl_attempt.id", ondelete="CASCADE", sa_type=uuid_key())
    component_execution_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_component_execution.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    name: str = Field(max_length=MAX_NAME_LENGTH, sa_type=key_string(MAX_NAME_LENGTH))
    sequence: int = Field(sa_type=sa.BigInteger)
    value: float | None = Field(default=None, sa_type=sa.Double)
    special: SpecialNumber | None = Field(default=None, sa_type=str_enum(SpecialNumber, 8))
    recorded_at: datetime = Field(sa_type=UTCDateTime, nullable=False)
