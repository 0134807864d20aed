"""SQL functions over instants that mean the same, to the microsecond, on SQLite, PostgreSQL and MariaDB/MySQL.

SQLite's own dates are whole milliseconds, rounded: ``23:59:59.9999`` is tomorrow to them, so the text of an instant is
cut before the fraction wherever they are used.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement, FunctionElement

_SECONDS_AND_MICROSECONDS = (
    "(CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000 + CAST(substr({0}, 21, 6) AS INTEGER))"
)


class microseconds_between(FunctionElement[int]):  # noqa: N801  (SQL functions are lower case)
    """Whole microseconds from the first instant to the second; NULL if either is."""

    type = sa.BigInteger()
    name = "microseconds_between"
    inherit_cache = True


class local_day(FunctionElement[str]):  # noqa: N801
    """``YYYY-MM-DD`` of an instant, ``shift`` seconds (second argument) east of UTC."""

    type = sa.String()
    name = "local_day"
    inherit_cache = True


class local_week(FunctionElement[str]):  # noqa: N801
    """``YYYY-MM-DD`` of the Monday of an instant's week; arguments as for :class:`local_day`."""

    type = sa.String()
    name = "local_week"
    inherit_cache = True


def local_month(moment: ColumnElement[Any], shift: ColumnElement[int]) -> ColumnElement[str]:
    """``YYYY-MM`` of an instant; arguments as for :class:`local_day`."""
    return sa.func.substr(local_day(moment, shift), 1, 7, type_=sa.String())


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> tuple[str, str]:
    first, second = (compiler.process(clause, **kw) for clause in element.clauses)
    return first, second


@compiles(microseconds_between)
def _between_sqlite(element: FunctionElement[int], compiler: SQLCompiler, **kw: Any) -> str:
    start, end = _arguments(element, compiler, **kw)
    return f"({_SECONDS_AND_MICROSECONDS.format(end)} - {_SECONDS_AND_MICROSECONDS.format(start)})"


@compiles(microseconds_between, "postgresql")
def _between_postgresql(element: FunctionElement[int], compiler: SQLCompiler, **kw: Any) -> str:
    start, end = _arguments(element, compiler, **kw)
    return f"CAST(EXTRACT(EPOCH FROM ({end} - {start})) * 1000000 AS BIGINT)"


@compiles(microseconds_between, "mysql", "mariadb")
def _between_mysql(element: FunctionElement[int], compiler: SQLCompiler, **kw: Any) -> str:
    start, end = _arguments(element, compiler, **kw)
    return f"TIMESTAMPDIFF(MICROSECOND, {start}, {end})"


@compiles(local_day)
def _day_sqlite(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    moment, shift = _arguments(element, compiler, **kw)
    return f"date(substr({moment}, 1, 19), {shift} || ' seconds')"


@compiles(local_week)
def _week_sqlite(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    moment, shift = _arguments(element, compiler, **kw)
    return f"date(substr({moment}, 1, 19), {shift} || ' seconds', 'weekday 0', '-6 days')"


@compiles(local_day, "postgresql")
def _day_postgresql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({_local_postgresql(element, compiler, **kw)}, 'YYYY-MM-DD')"


@compiles(local_week, "postgresql")
def _week_postgresql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char(date_trunc('week', {_local_postgresql(element, compiler, **kw)}), 'YYYY-MM-DD')"


def _local_postgresql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    moment, shift = _arguments(element, compiler, **kw)
    return f"(({moment}) AT TIME ZONE 'UTC' + {shift} * INTERVAL '1 second')"


@compiles(local_day, "mysql", "mariadb")
def _day_mysql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({_date_mysql(element, compiler, **kw)} AS CHAR)"


@compiles(local_week, "mysql", "mariadb")
def _week_mysql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    day = _date_mysql(element, compiler, **kw)
    return f"CAST(DATE_SUB({day}, INTERVAL WEEKDAY({day}) DAY) AS CHAR)"


def _date_mysql(element: FunctionElement[str], compiler: SQLCompiler, **kw: Any) -> str:
    moment, shift = _arguments(element, compiler, **kw)
    return f"DATE(DATE_ADD({moment}, INTERVAL {shift} SECOND))"
