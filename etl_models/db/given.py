"""What callers hand over as values of fields: mappings, shapes, and what was set of new instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from etl_models.db.errors import InvalidDataError


def values_of(data: Any) -> Mapping[str, Any]:
    """Return the fields that ``data`` names; those it leaves to their defaults are not among them.

    Raises InvalidDataError for what is no set of values, a row that is stored already among it: which of its fields
    are meant cannot be told.
    """
    if type(data) is dict or isinstance(data, Mapping):  # the first is three times as fast, and nearly always true
        return data
    if data is None:
        return {}
    if not hasattr(data, "model_fields_set"):
        raise InvalidDataError(f"a mapping or a Pydantic model is needed, not {type(data).__name__}")
    state = sa.inspect(data, raiseerr=False)
    if state is not None and getattr(state, "key", None) is not None:
        name = type(data).__name__
        raise InvalidDataError(f"this {name} is stored already; name the fields that are meant", model=name)
    dumped: dict[str, Any] = data.model_dump(exclude_unset=True, by_alias=False)
    for name in data.model_fields_set - dumped.keys():  # declared with exclude=True: not for readers, but for us
        dumped[name] = getattr(data, name)
    return dumped
