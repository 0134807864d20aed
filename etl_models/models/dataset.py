"""Datasets: where data lives, and which executions read and wrote it."""

import uuid

import sqlalchemy as sa
from sqlmodel import Field

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import CreatedMixin, UUIDPKMixin
from etl_models.db.types import big_integer, key_string, one_of, str_enum, uuid_key
from etl_models.domain.vocabulary import DataDirection

MAX_DATASET_NAMESPACE_LENGTH = 255
MAX_DATASET_NAME_LENGTH = 500


class Dataset(CreatedMixin, UUIDPKMixin, EtlBase, table=True):
    """A place where data lives: ``namespace`` is the source (``file``, ``warehouse``), ``name`` is inside it."""

    __table_args__ = table_options(sa.UniqueConstraint("namespace", "name"))

    namespace: str = Field(max_length=MAX_DATASET_NAMESPACE_LENGTH, sa_type=key_string(MAX_DATASET_NAMESPACE_LENGTH))
    name: str = Field(min_length=1, max_length=MAX_DATASET_NAME_LENGTH, sa_type=key_string(MAX_DATASET_NAME_LENGTH))


class DatasetUse(CreatedMixin, EtlBase, table=True):
    """An attempt (or one of its component executions) read or wrote a dataset."""

    __table_args__ = table_options(
        one_of("direction", DataDirection),
        sa.UniqueConstraint(
            "attempt_id", "component_execution_id", "dataset_id", "direction", name="uq_etl_dataset_use_once"
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=big_integer())
    attempt_id: uuid.UUID = Field(foreign_key="etl_attempt.id", ondelete="CASCADE", sa_type=uuid_key())
    component_execution_id: uuid.UUID | None = Field(
        default=None, foreign_key="etl_component_execution.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
    dataset_id: uuid.UUID = Field(foreign_key="etl_dataset.id", index=True, sa_type=uuid_key())
    direction: DataDirection = Field(sa_type=str_enum(DataDirection))
