"""Which column type a plain annotation means on :class:`~etl_models.db.declarative.Base`.

SQLModel's own choices differ between databases: floats of 32 bits, integers of 32 bits, enums by name, datetimes
without microseconds, VARCHARs of unknown length. ``sa_type`` on a field overrides what is chosen here.
"""

from __future__ import annotations

import dataclasses
import types
import uuid
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import sqlalchemy as sa
from pydantic import AfterValidator
from pydantic import Field as PydanticField
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined
from sqlmodel.main import FieldInfo as SQLModelFieldInfo
from sqlmodel.main import FieldInfoMetadata

from etl_models.db.exact import Double, Duration, FixedDecimal, LongBinary, TimeOfDay
from etl_models.db.types import SmartJSON, UTCDateTime, big_integer, long_text, str_enum, uuid_key

_MAX_ENUM_LENGTH = 32
_KEY_LENGTH = 255
_MAX_VARCHAR = 16_383  # of MySQL, at four bytes a character


def choose_types(fields: dict[str, FieldInfo]) -> bool:
    """Give every field without a type of its own the one that means the same on all databases.

    Says whether a field got a limit that its validators do not know yet.
    """
    limited = False
    for field in fields.values():
        given = _known(field, "sa_type")
        if given is SmartJSON or isinstance(given, SmartJSON):
            _set_type(field, SmartJSON(checked=True))
        elif (
            given is PydanticUndefined
            and not isinstance(_known(field, "sa_column"), sa.Column)
            and (chosen := _type_for(field)) is not None
        ):
            _set_type(field, chosen)
            limited |= _limit_key(field, chosen) | _limit_zone(field, chosen)
    return limited


def bare(annotation: Any) -> Any:
    """``Optional[Annotated[X, ...]]`` -> ``X``, ``list[X]`` -> ``list``; a union of several types stays."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return bare(members[0]) if len(members) == 1 else annotation
    return origin or annotation


def _type_for(field: FieldInfo) -> sa.types.TypeEngine[Any] | None:
    kind = bare(field.annotation)
    if not isinstance(kind, type):
        return _choice_type(field) if kind is Literal else None
    if issubclass(kind, Enum):
        return _enum_type(kind)
    if issubclass(kind, Decimal):
        return _decimal_type(field)
    if issubclass(kind, str):
        return _text_type(field)
    for base, make in _CHOICES:
        if issubclass(kind, base):
            return None if make is None else make()
    return None


# The first that fits: bool is an int, datetime is a date.
_CHOICES: tuple[tuple[type[Any], Any], ...] = (
    (bool, None),
    (int, big_integer),
    (float, Double),
    (datetime, UTCDateTime),
    (time, TimeOfDay),
    (timedelta, Duration),
    (uuid.UUID, uuid_key),
    (bytes, LongBinary),
    (dict, lambda: SmartJSON(checked=True)),
    (list, lambda: SmartJSON(checked=True)),
)


def _enum_type(kind: type[Enum]) -> sa.Enum:
    values = [member.value for member in kind]
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"the values of {kind.__name__} must be text to be stored; give the field an sa_type otherwise")
    return str_enum(kind, max(_MAX_ENUM_LENGTH, *map(len, values)))


def _text_type(field: FieldInfo) -> sa.types.TypeEngine[Any]:
    """VARCHAR of ``max_length``; without one, text of any length, or 255 characters where an index needs a limit."""
    length = _max_length(field)
    if length is None:
        return sa.String(_KEY_LENGTH) if _is_key(field) else long_text()
    return sa.String(length) if length <= _MAX_VARCHAR else long_text()


def _max_length(field: FieldInfo) -> int | None:
    return next((limit for item in field.metadata if (limit := getattr(item, "max_length", None))), None)


def _is_key(field: FieldInfo) -> bool:
    return any(
        _known(field, name) not in (PydanticUndefined, None, False)
        for name in ("primary_key", "index", "unique", "foreign_key")
    )


def _limit_key(field: FieldInfo, chosen: sa.types.TypeEngine[Any]) -> bool:
    """Let Pydantic refuse what is longer than the column of a key: SQLite would take it."""
    if not isinstance(chosen, sa.String) or isinstance(chosen, sa.Enum) or _max_length(field) is not None:
        return False
    if chosen.length is None or bare(field.annotation) is Literal:
        return False
    field.metadata = [*field.metadata, *PydanticField(max_length=chosen.length).metadata]
    return True


def _limit_zone(field: FieldInfo, chosen: sa.types.TypeEngine[Any]) -> bool:
    """Let Pydantic refuse what the column would refuse when it is written, so that the error names the field."""
    check = {UTCDateTime: _aware, TimeOfDay: _without_offset}.get(type(chosen))
    if check is None:
        return False
    field.metadata = [*field.metadata, AfterValidator(check)]
    return True


def _aware(value: Any) -> Any:
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise PydanticCustomError("timezone_aware", "Input should have timezone info")
    return value


def _without_offset(value: Any) -> Any:
    if isinstance(value, time) and value.tzinfo is not None:
        raise PydanticCustomError("time_without_offset", "A time of day has no offset; keep the zone in another field")
    return value


def _choice_type(field: FieldInfo) -> sa.String | None:
    """VARCHAR for a Literal of texts; anything else needs an ``sa_type``."""
    annotation = field.annotation
    while get_origin(annotation) is not Literal:
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    values = get_args(annotation)
    if not all(isinstance(value, str) for value in values):
        return None
    return sa.String(max(_MAX_ENUM_LENGTH, *map(len, values)))


def _decimal_type(field: FieldInfo) -> FixedDecimal:
    limits = {
        name: limit
        for item in field.metadata
        for name in ("max_digits", "decimal_places")
        if isinstance(limit := getattr(item, name, None), int)
    }
    digits, places = limits.get("max_digits"), limits.get("decimal_places")
    if digits is None and places is None:
        return FixedDecimal()
    return FixedDecimal(FixedDecimal().precision if digits is None else digits, places or 0)


def _stored(field: FieldInfo) -> FieldInfoMetadata | None:
    return next((item for item in field.metadata if isinstance(item, FieldInfoMetadata)), None)


def _known(field: FieldInfo, name: str) -> Any:
    return getattr(_stored(field) or field, name, PydanticUndefined)


def _set_type(field: FieldInfo, chosen: sa.types.TypeEngine[Any]) -> None:
    # SQLModel keeps what it knows of a field beside Pydantic's metadata, or on its own kind of FieldInfo.
    stored = _stored(field)
    if stored is not None:
        field.metadata = [
            dataclasses.replace(item, sa_type=chosen) if item is stored else item for item in field.metadata
        ]
    elif isinstance(field, SQLModelFieldInfo):
        field.sa_type = chosen
    else:
        field.metadata = [*field.metadata, FieldInfoMetadata(sa_type=chosen)]
