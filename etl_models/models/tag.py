"""Tags: a key with an optional value, shared by the jobs that carry it."""

import uuid

import sqlalchemy as sa
from sqlmodel import Field

from etl_models.db.bases import EtlBase, table_options
from etl_models.db.mixins import AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin
from etl_models.db.types import key_string, uuid_key

MAX_TAG_KEY_LENGTH = 100
MAX_TAG_VALUE_LENGTH = 255


class Tag(AuditColumnsMixin, SoftDeleteMixin, TimestampMixin, UUIDPKMixin, EtlBase, table=True):
    """A key and its value; no value is stored as the empty string, because NULLs would not be unique.

    A deleted tag is hidden on every job that carries it; restoring it shows it there again.
    """

    __table_args__ = table_options(sa.UniqueConstraint("key", "value"))

    key: str = Field(min_length=1, max_length=MAX_TAG_KEY_LENGTH, sa_type=key_string(MAX_TAG_KEY_LENGTH))
    value: str = Field(default="", max_length=MAX_TAG_VALUE_LENGTH, sa_type=key_string(MAX_TAG_VALUE_LENGTH))


class JobTag(EtlBase, table=True):
    """Many-to-many: the tags of a job."""

    __table_args__ = table_options()

    job_id: uuid.UUID = Field(primary_key=True, foreign_key="etl_job.id", ondelete="CASCADE", sa_type=uuid_key())
    tag_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_tag.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )


class JobVersionTag(EtlBase, table=True):
    """Many-to-many: the tags of one version of a job; written once, so that a tag has a history."""

    __table_args__ = table_options()

    job_version_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_job_version.id", ondelete="CASCADE", sa_type=uuid_key()
    )
    tag_id: uuid.UUID = Field(
        primary_key=True, foreign_key="etl_tag.id", ondelete="CASCADE", index=True, sa_type=uuid_key()
    )
