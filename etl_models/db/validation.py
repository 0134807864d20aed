"""Validation of table models, which SQLModel leaves out: on construction, on assignment, and of rows of plain values.

A value that is refused never reaches the instance: Pydantic works on a bare instance beside it, one that SQLAlchemy
knows nothing of, and only what passed is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

STATE = "_sa_instance_state"


def is_bare(instance: SQLModel) -> bool:
    """Say whether this is one of the instances that only Pydantic works on."""
    return STATE not in instance.__dict__


def validated(
    model: type[SQLModel], values: Any, *, strict: bool | None = None, context: dict[str, Any] | None = None
) -> SQLModel:
    """Return a bare instance holding ``values`` and defaults. Raises pydantic.ValidationError."""
    instance: SQLModel = object.__new__(model)  # Pydantic sets all of it
    model.__pydantic_validator__.validate_python(values, strict=strict, context=context, self_instance=instance)
    return instance


def validated_row(model: type[SQLModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one new row, defaults filled in. Raises pydantic.ValidationError."""
    return validated(model, values).__dict__


def validated_change(instance: SQLModel, name: str, value: Any) -> dict[str, Any]:
    """Return the fields that change when ``name`` is set to ``value``: itself, and what validators of the model set."""
    model = type(instance)
    if model.__pydantic_decorators__.model_validators:
        for field in model.model_fields:  # validators of the whole model look at its other fields
            getattr(instance, field)
    before = {key: held for key, held in instance.__dict__.items() if key in model.model_fields}
    bare = _bare_instance(model)
    object.__setattr__(bare, "__dict__", dict(before))
    model.__pydantic_validator__.validate_assignment(bare, name, value)
    after = bare.__dict__
    return {key: held for key, held in after.items() if key == name or before.get(key, PydanticUndefined) is not held}


def _bare_instance(model: type[SQLModel]) -> SQLModel:
    # __new__ makes Pydantic's private attributes; SQLAlchemy's state comes with __init__ or with loading.
    instance: SQLModel = model.__new__(model)
    return instance
