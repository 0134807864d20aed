"""The data layer, for tables of your own: bases and mixins, column types, repositories, serialization.

It knows none of etl-models' own tables, which are its first user. Every public name is here; it is imported from where
it is defined when it is first used, so that importing this package costs nothing. ``docs/toolkit.md`` shows it at work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl_models.db.async_repository import AsyncRepository
    from etl_models.db.autogenerate import run_migrations
    from etl_models.db.caching.backend import CacheBackend
    from etl_models.db.caching.repository_cache import CacheStatistics, RepositoryCache
    from etl_models.db.composites import (
        AuditedBase,
        FullAuditModel,
        FullModel,
        TimestampedBase,
        TimestampedModel,
        UUIDTimestampedBase,
    )
    from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
    from etl_models.db.databases import (
        async_database,
        database,
        forget_database,
        get_async_session,
        get_async_session_of,
        get_db,
        get_db_of,
        use_database,
    )
    from etl_models.db.declarative import Base, BaseModel, new_registry
    from etl_models.db.dialects.base import EngineOptions
    from etl_models.db.errors import (
        ConflictError,
        DuplicateError,
        InvalidDataError,
        InvalidFilterError,
        MultipleResultsFoundError,
        NotFoundError,
        ReadOnlyError,
        RepositoryError,
        StaleDataError,
        TenantRequiredError,
    )
    from etl_models.db.exact import Double, Duration, FixedDecimal, LongBinary, TimeOfDay
    from etl_models.db.filters import AllOf, AnyOf, Filter, Not, Search, Where
    from etl_models.db.health import ConnectionHealth
    from etl_models.db.mixins import (
        AuditColumnsMixin,
        AuditMixin,
        CreatedMixin,
        IntegerPKMixin,
        MetadataMixin,
        RowVersionMixin,
        SlugMixin,
        SoftDeleteMixin,
        TenantScopedMixin,
        TimestampMixin,
        UUIDMixin,
        UUIDPKMixin,
        slugify,
    )
    from etl_models.db.money import Money, currency_check, money_columns
    from etl_models.db.reading import ReadRepository, SearchResult
    from etl_models.db.repository import BaseRepository, Repository
    from etl_models.db.selection import Scope
    from etl_models.db.serialization import ModelSerializer
    from etl_models.db.shapes import MANAGED, create_shape, read_shape, update_shape
    from etl_models.db.tenancy import current_tenant, every_tenant, tenant_scope
    from etl_models.db.types import (
        SmartJSON,
        UTCDateTime,
        big_integer,
        key_string,
        long_text,
        one_of,
        str_enum,
        uuid_key,
    )
    from etl_models.db.versioning import Change, ChangeKind, VersioningMixin, history_table
    from etl_models.domain.actor import acting_as, current_actor
    from etl_models.domain.ids import uuid7
    from etl_models.domain.paging import Page

_WHERE = {
    "AllOf": "etl_models.db.filters",
    "AnyOf": "etl_models.db.filters",
    "AsyncDatabaseManager": "etl_models.db.connections",
    "AsyncRepository": "etl_models.db.async_repository",
    "AuditColumnsMixin": "etl_models.db.mixins",
    "AuditMixin": "etl_models.db.mixins",
    "AuditedBase": "etl_models.db.composites",
    "Base": "etl_models.db.declarative",
    "BaseModel": "etl_models.db.declarative",
    "BaseRepository": "etl_models.db.repository",
    "CacheBackend": "etl_models.db.caching.backend",
    "CacheStatistics": "etl_models.db.caching.repository_cache",
    "Change": "etl_models.db.versioning",
    "ChangeKind": "etl_models.db.versioning",
    "ConflictError": "etl_models.db.errors",
    "ConnectionHealth": "etl_models.db.health",
    "CreatedMixin": "etl_models.db.mixins",
    "DatabaseManager": "etl_models.db.connections",
    "Double": "etl_models.db.exact",
    "DuplicateError": "etl_models.db.errors",
    "Duration": "etl_models.db.exact",
    "EngineOptions": "etl_models.db.dialects.base",
    "Filter": "etl_models.db.filters",
    "FixedDecimal": "etl_models.db.exact",
    "FullAuditModel": "etl_models.db.composites",
    "FullModel": "etl_models.db.composites",
    "IntegerPKMixin": "etl_models.db.mixins",
    "InvalidDataError": "etl_models.db.errors",
    "InvalidFilterError": "etl_models.db.errors",
    "LongBinary": "etl_models.db.exact",
    "MANAGED": "etl_models.db.shapes",
    "MetadataMixin": "etl_models.db.mixins",
    "ModelSerializer": "etl_models.db.serialization",
    "Money": "etl_models.db.money",
    "MultipleResultsFoundError": "etl_models.db.errors",
    "Not": "etl_models.db.filters",
    "NotFoundError": "etl_models.db.errors",
    "Page": "etl_models.domain.paging",
    "ReadOnlyError": "etl_models.db.errors",
    "ReadRepository": "etl_models.db.reading",
    "Repository": "etl_models.db.repository",
    "RepositoryCache": "etl_models.db.caching.repository_cache",
    "RepositoryError": "etl_models.db.errors",
    "RowVersionMixin": "etl_models.db.mixins",
    "Scope": "etl_models.db.selection",
    "Search": "etl_models.db.filters",
    "SearchResult": "etl_models.db.reading",
    "SlugMixin": "etl_models.db.mixins",
    "SmartJSON": "etl_models.db.types",
    "SoftDeleteMixin": "etl_models.db.mixins",
    "StaleDataError": "etl_models.db.errors",
    "TenantRequiredError": "etl_models.db.errors",
    "TenantScopedMixin": "etl_models.db.mixins",
    "TimeOfDay": "etl_models.db.exact",
    "TimestampMixin": "etl_models.db.mixins",
    "TimestampedBase": "etl_models.db.composites",
    "TimestampedModel": "etl_models.db.composites",
    "UTCDateTime": "etl_models.db.types",
    "UUIDMixin": "etl_models.db.mixins",
    "UUIDPKMixin": "etl_models.db.mixins",
    "UUIDTimestampedBase": "etl_models.db.composites",
    "VersioningMixin": "etl_models.db.versioning",
    "Where": "etl_models.db.filters",
    "acting_as": "etl_models.domain.actor",
    "async_database": "etl_models.db.databases",
    "big_integer": "etl_models.db.types",
    "create_shape": "etl_models.db.shapes",
    "currency_check": "etl_models.db.money",
    "current_actor": "etl_models.domain.actor",
    "current_tenant": "etl_models.db.tenancy",
    "database": "etl_models.db.databases",
    "every_tenant": "etl_models.db.tenancy",
    "forget_database": "etl_models.db.databases",
    "get_async_session": "etl_models.db.databases",
    "get_async_session_of": "etl_models.db.databases",
    "get_db": "etl_models.db.databases",
    "get_db_of": "etl_models.db.databases",
    "history_table": "etl_models.db.versioning",
    "key_string": "etl_models.db.types",
    "long_text": "etl_models.db.types",
    "money_columns": "etl_models.db.money",
    "new_registry": "etl_models.db.declarative",
    "one_of": "etl_models.db.types",
    "read_shape": "etl_models.db.shapes",
    "run_migrations": "etl_models.db.autogenerate",
    "slugify": "etl_models.db.mixins",
    "str_enum": "etl_models.db.types",
    "tenant_scope": "etl_models.db.tenancy",
    "update_shape": "etl_models.db.shapes",
    "use_database": "etl_models.db.databases",
    "uuid7": "etl_models.domain.ids",
    "uuid_key": "etl_models.db.types",
}

__all__ = [
    "MANAGED",
    "AllOf",
    "AnyOf",
    "AsyncDatabaseManager",
    "AsyncRepository",
    "AuditColumnsMixin",
    "AuditMixin",
    "AuditedBase",
    "Base",
    "BaseModel",
    "BaseRepository",
    "CacheBackend",
    "CacheStatistics",
    "Change",
    "ChangeKind",
    "ConflictError",
    "ConnectionHealth",
    "CreatedMixin",
    "DatabaseManager",
    "Double",
    "DuplicateError",
    "Duration",
    "EngineOptions",
    "Filter",
    "FixedDecimal",
    "FullAuditModel",
    "FullModel",
    "IntegerPKMixin",
    "InvalidDataError",
    "InvalidFilterError",
    "LongBinary",
    "MetadataMixin",
    "ModelSerializer",
    "Money",
    "MultipleResultsFoundError",
    "Not",
    "NotFoundError",
    "Page",
    "ReadOnlyError",
    "ReadRepository",
    "Repository",
    "RepositoryCache",
    "RepositoryError",
    "RowVersionMixin",
    "Scope",
    "Search",
    "SearchResult",
    "SlugMixin",
    "SmartJSON",
    "SoftDeleteMixin",
    "StaleDataError",
    "TenantRequiredError",
    "TenantScopedMixin",
    "TimeOfDay",
    "TimestampMixin",
    "TimestampedBase",
    "TimestampedModel",
    "UTCDateTime",
    "UUIDMixin",
    "UUIDPKMixin",
    "UUIDTimestampedBase",
    "VersioningMixin",
    "Where",
    "acting_as",
    "async_database",
    "big_integer",
    "create_shape",
    "currency_check",
    "current_actor",
    "current_tenant",
    "database",
    "every_tenant",
    "forget_database",
    "get_async_session",
    "get_async_session_of",
    "get_db",
    "get_db_of",
    "history_table",
    "key_string",
    "long_text",
    "money_columns",
    "new_registry",
    "one_of",
    "read_shape",
    "run_migrations",
    "slugify",
    "str_enum",
    "tenant_scope",
    "update_shape",
    "use_database",
    "uuid7",
    "uuid_key",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use and keep it."""
    if name not in _WHERE:
        msg = f"module 'etl_models.db' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
