"""Column types that mean the same on SQLite, PostgreSQL and MariaDB/MySQL."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from etl_models.domain.jsonvalue import canonical

_MYSQL = ("mysql", "mariadb")


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware in, aware UTC out, microseconds kept (MySQL's DATETIME alone would drop them)."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose DATETIME(6) on MySQL and MariaDB, a time-zone aware timestamp elsewhere."""
        if dialect.name in _MYSQL:
            # Here and below: importing a dialect imports all its drivers, and a short command pays for each.
            from sqlalchemy.dialects.mysql import DATETIME

            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware datetime into UTC; a naive one is refused with ValueError."""
        if value is None:
            return None
        if value.utcoffset() is None:
            msg = "naive datetime; pass an aware one"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Give the instant back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SmartJSON(sa.types.TypeDecorator[Any]):
    """A JSON value: JSONB on PostgreSQL, JSON elsewhere; canonical in, equal out; None is SQL NULL.

    ``checked`` makes it TEXT that must be valid JSON on SQLite, whose JSON alone is a name without a rule; columns of
    :class:`~etl_models.db.declarative.Base` are checked by themselves. Raises
    :class:`~etl_models.errors.InvalidInputError` for values that one of the databases could not keep. ``composed``
    values are made of others that were checked one by one, and may together be larger than one may be.
    """

    impl = sa.JSON
    cache_ok = True

    def __init__(self, *, checked: bool = False, composed: bool = False) -> None:
        super().__init__(none_as_null=True)
        self.checked = checked
        self.composed = composed

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose JSONB where there is one."""
        if dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import JSONB

            return dialect.type_descriptor(JSONB(none_as_null=True))
        if dialect.name == "sqlite" and self.checked:
            from etl_models.db.checked_json import CheckedJSON

            return CheckedJSON(none_as_null=True)
        return dialect.type_descriptor(sa.JSON(none_as_null=True))

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Let JSON index and comparison operators behave as those of the type underneath."""
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """Check and normalise the value before any database sees it."""
        if value is None:
            return None
        return _sorted(value if self.composed else canonical(value, "JSON value"))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002
        """Give objects back with sorted keys: jsonb has an order of its own."""
        return _sorted(value)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)  # jsonb writes 1e20 out as an integer; no integer of ours is that large
    return value


def key_string(length: int) -> sa.types.TypeEngine[str]:
    """VARCHAR compared byte by byte on every database, for names and keys.

    MariaDB's default collation holds ``a``, ``A`` and ``á`` for equal, and PostgreSQL sorts by the locale it was
    made with; identity must not depend on either.
    """
    return (
        sa.String(length)
        .with_variant(sa.String(length, collation="utf8mb4_bin"), *_MYSQL)
        .with_variant(sa.String(length, collation="C"), "postgresql")
    )


def uuid_key() -> sa.types.TypeEngine[uuid.UUID]:
    """A UUID: native on PostgreSQL, 32 hexadecimal digits elsewhere.

    On MariaDB too, which has a type for it: SQLAlchemy 2.1 would use that and 2.0 would not, so the tables of one
    would not fit the other, nor SQL that was written without a connection.
    """
    return sa.Uuid().with_variant(sa.Uuid(native_uuid=False), *_MYSQL)


class LongText(sa.Text):
    """Text without a length limit of its own; MySQL's TEXT alone would end at 64 KB."""


@compiles(LongText)
def _text(type_: LongText, compiler: Any, **kw: Any) -> str:
    words: str = compiler.visit_text(type_, **kw)
    return words


@compiles(LongText, *_MYSQL)
def _long_text(type_: LongText, compiler: Any, **kw: Any) -> str:  # noqa: ARG001 - as the hook is called
    return "LONGTEXT"


def long_text() -> sa.types.TypeEngine[str]:
    """Return the type of text that may be long."""
    return LongText()


def big_integer() -> sa.types.TypeEngine[int]:
    """64-bit integer, also as an automatic key (SQLite numbers rows only in a column declared INTEGER)."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def str_enum(enum: type[Enum], length: int = 32) -> sa.Enum:
    """VARCHAR holding the *value* of a member; which values are legal is a named check of the table."""
    return sa.Enum(
        enum,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        length=length,
        create_constraint=False,
        validate_strings=True,
    )


def one_of(column: str, enum: type[Enum], *, name: str | None = None) -> sa.CheckConstraint:
    """Return the check that ``column`` holds a value of ``enum``, named after the column."""
    # An expression, not text: names may be reserved words, and text would read ``:x`` in a value as a parameter.
    values = [sa.literal(str(member.value), sa.String, literal_execute=True) for member in enum]
    return sa.CheckConstraint(sa.column(column, sa.String).in_(values), name=name or column)
