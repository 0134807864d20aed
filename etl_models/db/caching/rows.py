"""Rows to bytes and back: JSON in which every value says its type, so that it comes back exactly.

No pickle: whoever can write to the store can at worst make wrong values, never run code.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, make_transient_to_detached
from sqlmodel import SQLModel

from etl_models.db.caching.names import key_types
from etl_models.db.tracking import plain

T = TypeVar("T", bound=SQLModel)
_LAZY = ("select", "raise", "raise_on_sql", "dynamic", "write_only", "noload", True, None)
_MICROSECOND = timedelta(microseconds=1)


class UncacheableError(ValueError):
    """A value would not come back as it is."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is cached of a model: its columns, and a text that changes when they do."""

    table: sa.Table
    names: tuple[str, ...]
    enums: dict[str, Any]
    keys: tuple[str, ...]
    fingerprint: str


@cache
def shape_of(model: type[SQLModel]) -> Shape | None:
    """Return what is cached of a model; None where a row is more than the columns of one table.

    That is: inheritance, SQL expressions among the attributes, relations that are loaded with every row, and primary
    keys of other types than integers, texts and UUIDs.
    """
    mapper: Mapper[Any] = sa.inspect(model)
    table = mapper.local_table
    if not isinstance(table, sa.Table) or mapper.inherits is not None or mapper.polymorphic_on is not None:
        return None
    if list(mapper.tables) != [table] or len(list(mapper.self_and_descendants)) > 1 or key_types(table) is None:
        return None
    if any(relation.lazy not in _LAZY for relation in mapper.relationships):
        return None
    attributes = [attribute for attribute in mapper.column_attrs if not attribute.deferred]
    if any(attribute.columns[0] not in table.c.values() for attribute in mapper.column_attrs):
        return None
    types = {attribute.key: attribute.columns[0].type for attribute in attributes}
    return Shape(
        table,
        tuple(types),
        {name: kind.enum_class for name, kind in types.items() if isinstance(kind, sa.Enum) and kind.enum_class},
        tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key),
        f"{model.__module__}.{model.__qualname__}({', '.join(f'{name} {kind!r}' for name, kind in types.items())})",
    )


def packed(shape: Shape, row: SQLModel) -> bytes:
    """Return a row that was just loaded as bytes. Raises UncacheableError."""
    held = row.__dict__
    try:
        values = {name: _encoded(held[name], shape.enums.get(name)) for name in shape.names}
    except KeyError:
        raise UncacheableError("a column is not loaded") from None
    return json.dumps([shape.fingerprint, values], separators=(",", ":")).encode()


def unpacked(shape: Shape, model: type[T], key: Sequence[Any], payload: bytes) -> T | None:
    """Return a row as if its session had ended; None where it is that of another shape or key."""
    try:
        fingerprint, encoded = json.loads(payload)
        if fingerprint != shape.fingerprint or encoded.keys() != set(shape.names):
            return None
        values = {name: _decoded(value, shape.enums.get(name)) for name, value in encoded.items()}
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return None  # damaged
    if [values[name] for name in shape.keys] != list(key):
        return None
    row: T = sa.inspect(model).class_manager.new_instance()
    row.__dict__.update(values)
    make_transient_to_detached(row)
    return row


def _encoded(value: Any, enum: Any) -> Any:
    """Return JSON: text, numbers, booleans and None as they are, everything else as ``[type, value]``."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else ["float", str(value)]
    if enum is not None and kind is enum:
        return ["enum", value.name]
    if isinstance(value, dict | list):
        return ["json", plain(value)]
    if kind in (datetime, time) and (value.tzinfo not in (None, UTC) or value.fold):
        raise UncacheableError("a time in another time zone than UTC")
    if kind not in _WRITERS:
        raise UncacheableError(f"a value of the type {kind.__name__}")
    return [kind.__name__, _WRITERS[kind](value)]


def _decoded(value: Any, enum: Any) -> Any:
    if not isinstance(value, list):
        return value
    name, inner = value
    if name == "enum":
        return enum[inner]
    return inner if name == "json" else _READERS[name](inner)


_WRITERS: dict[type[Any], Any] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: lambda value: value // _MICROSECOND,
    UUID: str,
    Decimal: str,
    bytes: lambda value: base64.b64encode(value).decode(),
}
_READERS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda value: timedelta(microseconds=value),
    "UUID": UUID,
    "Decimal": Decimal,
    "bytes": base64.b64decode,
    "float": float,
}
