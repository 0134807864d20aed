"""Column types whose values come back exactly, where the databases' own types would lose something.

Each says what it stores where. All compare and sort in SQL as their values do in Python, with one order for NaN:
above everything, as PostgreSQL has it.
"""

from __future__ import annotations

import math
from datetime import time, timedelta
from decimal import Context, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

_MYSQL = ("mysql", "mariadb")
_LARGEST = 1.7976931348623157e308
# MySQL and MariaDB have neither NaN nor infinities: the outermost doubles stand for them, in PostgreSQL's order.
_TO_MYSQL = {"nan": _LARGEST, "inf": math.nextafter(_LARGEST, 0.0), "-inf": -_LARGEST}
_FROM_MYSQL = {stored: float(name) for name, stored in _TO_MYSQL.items()}
_MICROSECOND = timedelta(microseconds=1)
MAX_DIGITS = 18
# The context of the program may round to any number of digits.
_EXACT = Context(prec=999)


class _PlainDouble(sa.Double[Any]):
    """DOUBLE whose values reach the driver as they are: SQLAlchemy's would turn text into floats."""

    def bind_processor(self, dialect: sa.Dialect) -> None:
        """Do nothing."""

    def result_processor(self, dialect: sa.Dialect, coltype: Any) -> None:
        """Do nothing."""


class Double(sa.types.TypeDecorator[float]):
    """A 64-bit float, NaN and infinities among them.

    PostgreSQL stores them as they are, SQLite keeps NaN as the text ``nan``, MySQL and MariaDB as the three outermost
    doubles. Those three are refused as ordinary values, with ValueError, on every database.
    """

    impl = sa.Double
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose DOUBLE, DOUBLE PRECISION on PostgreSQL."""
        return _PlainDouble() if dialect.name == "sqlite" else dialect.type_descriptor(sa.Double())

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> Any:
        """Write what the database has for ``value``."""
        if value is None:
            return None
        number = float(value)
        if math.isfinite(number):
            if number in _FROM_MYSQL:
                raise ValueError("the three outermost doubles stand for NaN and the infinities")
            return number
        if dialect.name in _MYSQL:
            return _TO_MYSQL[str(number)]
        return "nan" if math.isnan(number) and dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> float | None:
        """Read it back."""
        if value is None:
            return None
        number = float(value)
        return _FROM_MYSQL.get(number, number) if dialect.name in _MYSQL else number

    def __repr__(self) -> str:
        return "Double()"


class FixedDecimal(sa.types.TypeDecorator[Decimal]):
    """A decimal number of ``precision`` digits, ``scale`` of them after the point: NUMERIC, on SQLite a scaled integer.

    SQLite would store a float. More places than ``scale`` are refused with ValueError, never rounded. At most 18
    digits, which is what a 64-bit integer holds.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int = MAX_DIGITS, scale: int = 6) -> None:
        if not 0 <= scale <= precision <= MAX_DIGITS:
            raise ValueError(f"a decimal column has at most {MAX_DIGITS} digits, of which up to all are decimal places")
        super().__init__(precision=precision, scale=scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose BIGINT on SQLite."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        """Check the digits; scale for SQLite."""
        if value is None:
            return None
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError("a decimal column holds finite numbers only")
        scaled = number.scaleb(self.scale, _EXACT)
        if scaled != scaled.to_integral_value() or scaled.copy_abs() >= 10**self.precision:
            raise ValueError(f"the number has more than {self.precision} digits or {self.scale} decimal places")
        return int(scaled) if dialect.name == "sqlite" else number

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Give the number back with ``scale`` decimal places."""
        if value is None:
            return None
        number = Decimal(value)
        return number.scaleb(-self.scale, _EXACT) if dialect.name == "sqlite" else number

    def __repr__(self) -> str:
        return f"FixedDecimal({self.precision}, {self.scale})"


class Duration(sa.types.TypeDecorator[timedelta]):
    """A span of time as whole microseconds in a BIGINT, so that it compares and adds up everywhere."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Count the microseconds."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> timedelta | None:  # noqa: ARG002
        """Read it back; a sum comes back from MariaDB as a decimal."""
        return None if value is None else timedelta(microseconds=int(value))

    def __repr__(self) -> str:
        return "Duration()"


class TimeOfDay(sa.types.TypeDecorator[time]):
    """TIME with microseconds (MySQL's TIME alone would drop them), without an offset: no database keeps one here."""

    impl = sa.Time
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose TIME(6) on MySQL and MariaDB."""
        if dialect.name in _MYSQL:
            # Importing a dialect imports all its drivers.
            from sqlalchemy.dialects.mysql import TIME

            return dialect.type_descriptor(TIME(fsp=6))
        return dialect.type_descriptor(sa.Time())

    def process_bind_param(self, value: time | None, dialect: sa.Dialect) -> time | None:  # noqa: ARG002
        """Refuse a time with an offset, which would be dropped, with ValueError."""
        if value is not None and value.tzinfo is not None:
            raise ValueError("a time of day has no offset; keep the zone in a column of its own")
        return value

    def __repr__(self) -> str:
        return "TimeOfDay()"


class LongBinary(sa.LargeBinary):
    """Bytes without a length limit of their own; MySQL's BLOB alone would end at 64 KB."""


@compiles(LongBinary)
def _binary(type_: LongBinary, compiler: Any, **kw: Any) -> str:
    words: str = compiler.visit_large_binary(type_, **kw)
    return words


@compiles(LongBinary, *_MYSQL)
def _long_binary(type_: LongBinary, compiler: Any, **kw: Any) -> str:  # noqa: ARG001  (as the hook is called)
    return "LONGBLOB"
