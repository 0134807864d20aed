"""Rows to plain values and back: ``from_dict(Model, to_dict(row)) == row`` for every column type, on every database."""

from __future__ import annotations

import base64
import ipaddress
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import PurePath
from typing import Any, Literal, TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlmodel import SQLModel

from etl_models.db.chunks import in_chunks
from etl_models.db.column_types import bare
from etl_models.db.tracking import plain
from etl_models.db.validation import set_fields

M = TypeVar("M", bound=SQLModel)
Mode = Literal["json", "python"]
Encoder = Callable[[Any], Any]
MASK = "***"
_ROWS_AT_ONCE = 1000


class ModelSerializer:
    """Dictionaries of rows, rows of dictionaries. All methods are static: there is nothing to configure twice."""

    @staticmethod
    def to_dict(
        row: SQLModel,
        *,
        depth: int = 0,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        mask: Iterable[str] = (),
        date_format: str = "iso",
        mode: Mode = "json",
    ) -> dict[str, Any]:
        """Return the columns of ``row``, and its relations down to ``depth`` levels.

        ``include``, ``exclude`` and ``mask`` name fields, with dots those of relations (``owner.email``); a masked
        field shows ``***``. ``date_format`` is ``iso``, ``timestamp`` (seconds) or a pattern of strftime. ``mode``
        ``python`` keeps values as they are, ``json`` makes JSON of them. Fields declared with ``exclude=True`` are
        left out. A relation that is not loaded is loaded, which an asynchronous session refuses: load it with the row.
        """
        choice = _Choice.of(include, exclude, mask)
        return _nested(row, depth, choice, _Style(date_format, mode), frozenset())

    @staticmethod
    def bulk_to_dict(
        rows: Iterable[SQLModel],
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        mask: Iterable[str] = (),
        date_format: str = "iso",
        mode: Mode = "json",
    ) -> list[dict[str, Any]]:
        """Return the columns of many rows; as :meth:`to_dict` without relations, and several times as fast."""
        choice, style = _Choice.of(include, exclude, mask), _Style(date_format, mode)
        result: list[dict[str, Any]] = []
        for model, group in groupby(rows, type):
            plan = _plan(model, choice, style)
            for chunk in in_chunks(group, _ROWS_AT_ONCE):
                result += _by_columns(chunk, plan)
        return result

    @staticmethod
    def from_dict(model: type[M], data: Mapping[str, Any]) -> M:
        """Make an instance of ``model`` of what :meth:`to_dict` gives, nested relations included.

        Takes ISO dates, UUIDs as text and values of enums. Raises pydantic.ValidationError for a wrong value, a
        missing or an unknown key.
        """
        relations = sa.inspect(model).relationships
        values = {
            key: _related(relations[key].mapper.class_, value) if key in relations else _decoded(model, key, value)
            for key, value in data.items()
        }
        return model.model_validate(values)

    @staticmethod
    def update_from_dict(row: M, data: Mapping[str, Any]) -> M:
        """Set the fields that ``data`` names and return ``row``; all of them, or none when one is refused.

        Rules across fields are checked once, when all are set. Raises pydantic.ValidationError for a wrong value,
        ValueError for an unknown field or another primary key.
        """
        model = type(row)
        data = with_columns_of_composites(model, data)
        _check_names(model, row, data)
        set_fields(row, {key: _decoded(model, key, value) for key, value in data.items()})
        return row

    @staticmethod
    def to_json(row: SQLModel, **options: Any) -> str:
        """Return :meth:`to_dict` as JSON text; takes its options."""
        return json.dumps(ModelSerializer.to_dict(row, **options), ensure_ascii=False)

    @staticmethod
    def from_json(model: type[M], text: str | bytes) -> M:
        """Make an instance of JSON text. Raises as :meth:`from_dict`, and ValueError for what is no JSON object."""
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("a row is a JSON object")  # noqa: TRY004  (what is wrong is the text)
        return ModelSerializer.from_dict(model, data)


@dataclass(frozen=True)
class _Style:
    """How values are written."""

    date_format: str
    mode: Mode


@dataclass(frozen=True)
class _Choice:
    """Which fields are written, and which of them masked; names may have dots."""

    include: Collection[str] | None
    exclude: Collection[str]
    mask: Collection[str]

    @classmethod
    def of(cls, include: Iterable[str] | None, exclude: Iterable[str] | None, mask: Iterable[str]) -> _Choice:
        return cls(None if include is None else frozenset(include), frozenset(exclude or ()), frozenset(mask))

    def takes(self, name: str) -> bool:
        """Whether a field is written."""
        if name in self.exclude:
            return False
        return self.include is None or any(item.partition(".")[0] == name for item in self.include)

    def below(self, name: str) -> _Choice:
        """What was said about the fields of a relation."""
        inside = None if self.include is None or name in self.include else _tails(self.include, name)
        return _Choice(inside, _tails(self.exclude, name), _tails(self.mask, name))


def _tails(names: Iterable[str], head: str) -> frozenset[str]:
    return frozenset(name.removeprefix(f"{head}.") for name in names if name.startswith(f"{head}."))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The fields to write, and those among them whose values are not written as they are."""

    names: tuple[str, ...]
    values: Callable[[dict[str, Any]], tuple[Any, ...]]
    encoded: tuple[tuple[int, Encoder], ...]


def _plan(model: type[SQLModel], choice: _Choice, style: _Style) -> _Plan:
    names: list[str] = []
    encoded: list[tuple[int, Encoder]] = []
    for name in column_fields(model):
        field = model.model_fields.get(name)
        if not choice.takes(name) or (field is not None and field.exclude):
            continue
        names.append(name)
        kind = _kind(model, name)
        if name in choice.mask:
            encoded.append((len(names) - 1, _masked))
        elif (style.mode == "json" or kind in (dict, list)) and (encoder := _encoder(kind, style)) is not None:
            encoded.append((len(names) - 1, encoder))
    return _Plan(tuple(names), _getter(names), tuple(encoded))


def _getter(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda held: tuple(held[name] for name in names)


def _masked(_: Any) -> str:
    return MASK


def _flat(row: SQLModel, plan: _Plan) -> dict[str, Any]:
    values = list(_held(row, plan))
    for position, encode in plan.encoded:
        if (value := values[position]) is not None:
            values[position] = encode(value)
    return dict(zip(plan.names, values, strict=True))


def _by_columns(rows: Sequence[SQLModel], plan: _Plan) -> list[dict[str, Any]]:
    """Write rows column by column: Pydantic encodes a list of values at once far faster than one by one."""
    columns: list[Iterable[Any]] = list(zip(*(_held(row, plan) for row in rows), strict=True))
    for position, encode in plan.encoded:
        columns[position] = _encoded_column(columns[position], encode)
    return [dict(zip(plan.names, values, strict=True)) for values in zip(*columns, strict=True)]


def _encoded_column(values: Iterable[Any], encode: Encoder) -> list[Any]:
    if isinstance(encode, _ByPydantic):
        return encode.all(values)
    return [None if value is None else encode(value) for value in values]


def _held(row: SQLModel, plan: _Plan) -> tuple[Any, ...]:
    try:
        return plan.values(row.__dict__)
    except KeyError:  # deferred or expired: the attribute loads it
        return tuple(getattr(row, name) for name in plan.names)


def _nested(row: SQLModel, depth: int, choice: _Choice, style: _Style, above: frozenset[int]) -> dict[str, Any]:
    model = type(row)
    result = _flat(row, _plan(model, choice, style))
    if depth < 1:
        return result
    path = above | {id(row)}
    for name in sa.inspect(model).relationships.keys():  # noqa: SIM118  (not a dict)
        if not choice.takes(name):
            continue
        related, below = getattr(row, name), choice.below(name)
        if isinstance(related, SQLModel):
            if id(related) not in path:
                result[name] = _nested(related, depth - 1, below, style, path)
        elif related is None:
            result[name] = None
        else:
            items = related.values() if isinstance(related, dict) else related
            result[name] = [_nested(item, depth - 1, below, style, path) for item in items if id(item) not in path]
    return result


@cache
def column_fields(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the names of the mapped columns of a table model, in their order."""
    return tuple(attribute.key for attribute in sa.inspect(model).column_attrs)


@cache
def _kind(model: type[SQLModel], name: str) -> Any:
    field = model.model_fields.get(name)
    return object if field is None else bare(field.annotation)


def _encoder(kind: Any, style: _Style) -> Encoder | None:
    if style.mode == "python":
        return plain
    if not isinstance(kind, type):
        return encode_value
    if issubclass(kind, datetime) and style.date_format != "iso":
        return _dated(style.date_format)
    for base, encoder in _ENCODERS:
        if issubclass(kind, base):
            return encoder
    return encode_value


def _dated(pattern: str) -> Encoder:
    if pattern == "timestamp":
        return datetime.timestamp
    if "%" not in pattern:
        raise ValueError("date_format is 'iso', 'timestamp' or a pattern of strftime")
    return lambda value: value.strftime(pattern)


class _ByPydantic:
    """Encodes values of one type as Pydantic does."""

    def __init__(self, kind: Any) -> None:
        self._one = TypeAdapter(kind)
        self._all = TypeAdapter(list[kind | None])

    def __call__(self, value: Any) -> Any:
        return self._one.dump_python(value, mode="json", warnings=False)

    def all(self, values: Iterable[Any]) -> list[Any]:
        """Encode many values at once."""
        encoded: list[Any] = self._all.dump_python(list(values), mode="json", warnings=False)
        return encoded


def _float(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _duration(value: timedelta) -> str:
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    return f"{sign}P{value.days}DT{value.seconds}.{value.microseconds:06d}S"


def _enum(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


_ENCODERS: tuple[tuple[type[Any], Encoder | None], ...] = (
    (Enum, _enum),
    (bool, None),
    (int, None),
    (str, None),
    (float, _float),
    (datetime, _ByPydantic(datetime)),
    (date, _ByPydantic(date)),
    (time, _ByPydantic(time)),
    (timedelta, _duration),
    (UUID, _ByPydantic(UUID)),
    (Decimal, str),
    (bytes, _bytes),
    (dict, plain),
    (list, plain),
    (PurePath, str),
    (ipaddress.IPv4Address, str),
    (ipaddress.IPv6Address, str),
)


def encode_value(value: Any) -> Any:
    """Return any single value a column holds as JSON."""
    if value is None:
        return None
    for base, encoder in _ENCODERS:
        if isinstance(value, base):
            return value if encoder is None else encoder(value)
    return str(value)


def decode_value(kind: Any, value: Any) -> Any:
    """Undo what Pydantic would not by itself: bytes are base64 in JSON. Raises ValueError for other text."""
    return base64.b64decode(value, validate=True) if kind is bytes and isinstance(value, str) else value


def _decoded(model: type[SQLModel], name: str, value: Any) -> Any:
    return decode_value(_kind(model, name), value)


def _related(model: type[SQLModel], value: Any) -> Any:
    if isinstance(value, Mapping):
        return ModelSerializer.from_dict(model, value)
    if isinstance(value, list):
        return [_related(model, item) for item in value]
    return value


def with_columns_of_composites(model: type[SQLModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with the columns of composites (money) in place of the composites."""
    composites = sa.inspect(model).composites
    result = dict(values)
    for key in composites.keys() & values.keys():
        if not hasattr(result[key], "__composite_values__"):
            continue  # refused with the unknown fields
        parts = result.pop(key).__composite_values__()
        result |= dict(zip((column.key for column in composites[key].props), parts, strict=True))
    return result


def _check_names(model: type[SQLModel], row: SQLModel, data: Mapping[str, Any]) -> None:
    if unknown := data.keys() - set(column_fields(model)):
        raise ValueError(f"{model.__name__} has no field {', '.join(sorted(unknown))}")
    for column in sa.inspect(model).primary_key:
        held = getattr(row, column.key)
        if column.key in data and data[column.key] not in (held, encode_value(held)):
            raise ValueError(f"the primary key {column.key} of a {model.__name__} never changes")
