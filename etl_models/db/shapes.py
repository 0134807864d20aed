"""``Read``, ``Create`` and ``Update`` shapes derived from a table model, so that none of them is written by hand.

They are plain Pydantic models, for the edges of an application: request bodies, responses, messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

from etl_models.db import mixins
from etl_models.db.errors import InvalidDataError

MANAGED = frozenset(
    {
        *("id", "created_at", "updated_at", "created_by", "updated_by"),
        *("is_deleted", "deleted_at", "version", "tenant_id"),
    }
)
"""Fields that the library's mixins fill by themselves, and keys the database gives: no caller sets them.

A model's own field of such a name, say a country's ``id``, is not meant.
"""
_OF_ROWS = ConfigDict(from_attributes=True, hide_input_in_errors=True)
_CLOSED = ConfigDict(extra="forbid", hide_input_in_errors=True)


def read_shape(model: type[SQLModel], *, exclude: Iterable[str] = ()) -> type[BaseModel]:
    """Return ``<Model>Read``: every column but those declared with ``exclude=True``; made of rows as they are."""
    return _read(model, frozenset(exclude))


def create_shape(model: type[SQLModel], *, exclude: Iterable[str] = MANAGED) -> type[BaseModel]:
    """Return ``<Model>Create``: what a caller may give, with defaults and limits of the model, nothing unknown."""
    return _create(model, frozenset(exclude))


def update_shape(model: type[SQLModel], *, exclude: Iterable[str] = MANAGED) -> type[BaseModel]:
    """Return ``<Model>Update``: as the create shape with every field optional; one that is not set stays as it is."""
    return _update(model, frozenset(exclude))


@cache
def _read(model: type[SQLModel], exclude: frozenset[str]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (field.annotation, Field(description=field.description))
        for name, field in _fields(model, exclude).items()
        if not field.exclude
    }
    return create_model(f"{model.__name__}Read", __config__=_OF_ROWS, **fields)


@cache
def _create(model: type[SQLModel], exclude: frozenset[str]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (_limited(field), _defaulted(field)) for name, field in _fields(model, exclude).items()
    }
    return create_model(f"{model.__name__}Create", __config__=_CLOSED, **fields)


@cache
def _update(model: type[SQLModel], exclude: frozenset[str]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        # None only stands for "not given": where a field cannot be empty, giving None is refused.
        name: (_limited(field), Field(default=None, description=field.description))
        for name, field in _fields(model, exclude).items()
    }
    return create_model(f"{model.__name__}Update", __config__=_CLOSED, **fields)


def _fields(model: type[SQLModel], exclude: frozenset[str]) -> dict[str, FieldInfo]:
    unknown = exclude - MANAGED - model.model_fields.keys()
    if unknown:
        raise InvalidDataError(f"{model.__name__} has no field {', '.join(sorted(unknown))}", model=model.__name__)
    if exclude == MANAGED:
        exclude = frozenset(name for name in exclude if _is_managed(model, name))
    return {name: field for name, field in model.model_fields.items() if name not in exclude}


def _is_managed(model: type[SQLModel], name: str) -> bool:
    definer = next((base for base in model.__mro__ if name in get_annotations(base)), model)
    if definer.__module__ == mixins.__name__:
        return True
    return name in model.model_fields and name == "id" and not model.model_fields[name].is_required()


def _limited(field: FieldInfo) -> Any:
    """Return the annotation with the limits of the field, and without what SQLModel keeps beside them."""
    limits = [item for item in field.metadata if not isinstance(item, FieldInfoMetadata)]
    return Annotated[field.annotation, *limits] if limits else field.annotation


def _defaulted(field: FieldInfo) -> Any:
    if field.is_required():
        return Field(description=field.description)
    if field.default_factory is not None:
        return Field(default_factory=field.default_factory, description=field.description)
    return Field(default=copy(field.default), description=field.description)
