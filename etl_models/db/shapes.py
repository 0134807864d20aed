"""``Read``, ``Create`` and ``Update`` shapes derived from a table model, so that none of them is written by hand.

They are plain Pydantic models, for the edges of an application: request bodies, responses, messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

from etl_models.db.errors import InvalidDataError

MANAGED = frozenset(
    {
        *("id", "created_at", "updated_at", "created_by", "updated_by"),
        *("is_deleted", "deleted_at", "version", "tenant_id"),
    }
)
"""Fields that the library's mixins fill by themselves: no caller sets them."""


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
    return create_model(f"{model.__name__}Read", __config__=ConfigDict(from_attributes=True), **fields)


@cache
def _create(model: type[SQLModel], exclude: frozenset[str]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (_limited(field), _defaulted(field)) for name, field in _fields(model, exclude).items()
    }
    return create_model(f"{model.__name__}Create", __config__=ConfigDict(extra="forbid"), **fields)


@cache
def _update(model: type[SQLModel], exclude: frozenset[str]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        # None only stands for "not given": where a field cannot be empty, giving None is refused.
        name: (_limited(field), Field(default=None, description=field.description))
        for name, field in _fields(model, exclude).items()
    }
    return create_model(f"{model.__name__}Update", __config__=ConfigDict(extra="forbid"), **fields)


def _fields(model: type[SQLModel], exclude: frozenset[str]) -> dict[str, FieldInfo]:
    unknown = exclude - MANAGED - model.model_fields.keys()
    if unknown:
        raise InvalidDataError(f"{model.__name__} has no field {', '.join(sorted(unknown))}", model=model.__name__)
    return {name: field for name, field in model.model_fields.items() if name not in exclude}


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
