"""Bases that already carry what most tables want; all that :class:`~etl_models.db.declarative.Base` says holds here.

::

    TimestampedBase       id (number), created_at, updated_at
    UUIDTimestampedBase   id (UUIDv7), created_at, updated_at
    AuditedBase           UUIDTimestampedBase + created_by, updated_by
    FullModel             UUIDTimestampedBase + is_deleted, deleted_at, metadata_json, tags
    FullAuditModel        FullModel + created_by, updated_by, and the full history of versions
"""

from etl_models.db.declarative import Base
from etl_models.db.mixins import (
    AuditColumnsMixin,
    IntegerPKMixin,
    MetadataMixin,
    SoftDeleteMixin,
    TimestampMixin,
    UUIDPKMixin,
)
from etl_models.db.versioning import VersioningMixin


class TimestampedBase(TimestampMixin, IntegerPKMixin, Base):
    """Rows numbered by the database, with their times."""


class UUIDTimestampedBase(TimestampMixin, UUIDPKMixin, Base):
    """Rows whose ids are made by the client, with their times."""


class AuditedBase(AuditColumnsMixin, UUIDTimestampedBase):
    """As :class:`UUIDTimestampedBase`, and who made and changed a row."""


class FullModel(MetadataMixin, SoftDeleteMixin, UUIDTimestampedBase):
    """What an entity of an application usually needs: id, times, soft deletion, free metadata."""


class FullAuditModel(VersioningMixin, AuditColumnsMixin, FullModel):
    """As :class:`FullModel`, and who did what when: audit columns, and every version a row ever had."""


TimestampedModel = TimestampedBase
