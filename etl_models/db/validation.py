"""Validation of table models, which SQLModel leaves out: on construction, on assignment, and of rows of plain values.

A value that is refused never reaches the instance: Pydantic works on a bare instance beside it, one that SQLAlchemy
knows nothing of, and only what passed is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic_core import PydanticUndefined, SchemaValidator
from sqlmodel import SQLModel

M = TypeVar("M", bound=SQLModel)
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


def validated_field(model: type[SQLModel], name: str, value: Any, known: Mapping[str, Any] | None = None) -> Any:
    """Return ``value`` as the field ``name`` takes it, validators of the whole model left out.

    ``known`` holds other fields, for validators of the field that look at them. Raises pydantic.ValidationError.
    """
    data: Any = _fields_validator(model).validate_assignment(dict(known or {}), name, value)
    return data[0][name]  # and its extras, and the names that were set


def validated_changes(instance: SQLModel, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that change when these are set together: themselves, and what validators of the model set.

    Validators of the whole model see all the new values at once, never a mixture. Raises pydantic.ValidationError.
    """
    model = type(instance)
    if model.__pydantic_decorators__.model_validators:
        for field in model.model_fields:  # they look at the other fields
            getattr(instance, field)
    before = {key: held for key, held in instance.__dict__.items() if key in model.model_fields}
    bare = _bare_instance(model)
    object.__setattr__(bare, "__dict__", dict(before))
    *others, last = [name for name in model.model_fields if name in changes]  # as when a row is made
    for name in others:
        bare.__dict__[name] = validated_field(model, name, changes[name], bare.__dict__)
    model.__pydantic_validator__.validate_assignment(bare, last, changes[last])
    after = bare.__dict__
    return {
        key: held for key, held in after.items() if key in changes or before.get(key, PydanticUndefined) is not held
    }


def as_row(model: type[M], bare: M) -> M:
    """Return an instance that SQLAlchemy knows, holding what a bare one does."""
    row: M = sa.inspect(model).class_manager.new_instance()
    hand_over(bare, row)
    return row


def hand_over(bare: SQLModel, row: SQLModel) -> None:
    """Set all that Pydantic made on a bare instance on one that SQLAlchemy knows."""
    for name in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
        object.__setattr__(row, name, getattr(bare, name))
    for key, value in bare.__dict__.items():
        object.__setattr__(row, key, value)


def set_fields(instance: SQLModel, changes: Mapping[str, Any]) -> None:
    """Set fields of a table model together: all of them, or none when one is refused. Raises ValidationError."""
    if not changes:
        return
    for key, held in validated_changes(instance, changes).items():
        object.__setattr__(instance, key, held)
    instance.__pydantic_fields_set__.update(changes)


def _bare_instance(model: type[SQLModel]) -> SQLModel:
    # __new__ makes Pydantic's private attributes; SQLAlchemy's state comes with __init__ or with loading.
    instance: SQLModel = model.__new__(model)
    return instance


@cache
def _fields_validator(model: type[SQLModel]) -> SchemaValidator:
    """Make a validator of the fields alone: what is left of the model's own inside the validators around it."""
    schema: Any = model.__pydantic_core_schema__
    definitions: list[Any] = []
    config: Any = None
    while schema["type"] != "model-fields":
        definitions = schema.get("definitions", definitions)
        config = schema.get("config", config)
        if schema["type"] == "definition-ref":
            schema = next(item for item in definitions if item["ref"] == schema["schema_ref"])
        else:
            schema = schema["schema"]
    if definitions:
        schema = {"type": "definitions", "schema": schema, "definitions": definitions}
    return SchemaValidator(schema, config)
