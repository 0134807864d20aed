"""Filters of a list route: what a model declares to be filtered by becomes typed, documented query parameters."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import Depends, Query
from pydantic import AwareDatetime
from sqlmodel import SQLModel

from etl_models.db.async_repository import AsyncRepository
from etl_models.db.column_types import bare
from etl_models.db.errors import InvalidFilterError
from etl_models.db.fastapi.parameters import also_known, refuse_unknown
from etl_models.db.filters import MAX_TEXT_LENGTH, OPERATORS, Filter, Search, column_attribute, text_fields
from etl_models.db.reading import ReadRepository
from etl_models.domain.text import text_problem

Source = type[SQLModel] | type[ReadRepository[Any]] | type[AsyncRepository[Any]]
MAX_VALUES = 100
_TAKEN = frozenset({"limit", "offset", "cursor", "order_by", "q"})
_TEXTUAL = frozenset(
    {"contains", "startswith", "endswith", "icontains", "istartswith", "iendswith", "iexact", "matches"}
)
_LISTS = frozenset({"in", "not_in", "between"})


@dataclass(frozen=True, slots=True)
class QueryFilters:
    """What a request asks for: ``await repo.search(*filters.criteria, **filters.arguments, **page.arguments)``."""

    lookups: Mapping[str, Any]
    """Keyword lookups: ``{"budget__gte": 100}``."""
    order_by: tuple[str, ...] = ()
    criteria: tuple[Filter, ...] = ()
    """The text search, if there is one."""

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of ``search()``, ``page()`` and ``find_all()``."""
        return {**self.lookups, "order_by": self.order_by}


def get_filters(
    source: Source,
    fields: Mapping[str, str | Iterable[str]] | None = None,
    *,
    order_by: Iterable[str] = (),
    default_order: str | Sequence[str] = (),
    search: bool | Iterable[str] = False,
    also: Iterable[str] = (),
) -> Callable[..., Awaitable[QueryFilters]]:
    """Return a dependency that reads :class:`QueryFilters` from the query, for a model or for that of a repository.

    ``fields`` maps fields (``name``, ``owner__email``) to operators of lookups: ``{"budget": ("gte", "lte")}`` gives
    ``budget__gte=`` and ``budget__lte=``, ``eq`` the bare name. ``order_by`` names the fields that ``order_by=name``
    and ``order_by=-name`` may name, several by repeating it; ``default_order`` holds where none is named. With
    ``search`` (True, or the fields to look through) there is ``q=``. Nothing is allowed that is not declared here;
    unknown query parameters are refused, except what the route declares itself and what ``also`` names.

    Raises InvalidFilterError for a field or an operator that there is not.
    """
    model = source if issubclass(source, SQLModel) else source.model
    declared = [
        _Lookup.of(model, name, operator)
        for name, operators in (fields or {}).items()
        for operator in ([operators] if isinstance(operators, str) else operators)
    ]
    parameters = [item.parameter() for item in declared]
    sortable = tuple(order_by)
    if sortable:
        parameters.append(_order_parameter(model, sortable))
    looked_through = _search_fields(source, model, search)
    if looked_through is not None:
        parameters.append(_search_parameter(looked_through))
    parameters.append(_parameter("_", None, Depends(refuse_unknown)))
    usual = (default_order,) if isinstance(default_order, str) else tuple(default_order)
    for term in usual:
        column_attribute(model, term.removeprefix("-"))

    async def filters(**given: Any) -> QueryFilters:
        lookups = {item.lookup: given[item.name] for item in declared if given[item.name] is not None}
        text = given.get("q")
        if text and (wrong := text_problem(text)):
            raise InvalidFilterError(f"q: the text {wrong}", model=model.__name__, field="q")
        return QueryFilters(
            lookups,
            tuple(given.get("order_by") or usual),
            () if not text or looked_through is None else (Search(text, looked_through),),
        )

    also_known(filters, also)
    filters.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return filters


@dataclass(frozen=True, slots=True)
class _Lookup:
    """One query parameter: a field, an operator, and the type of its values."""

    field: str
    operator: str
    kind: Any

    @classmethod
    def of(cls, model: type[SQLModel], name: str, operator: str) -> _Lookup:
        """Find the field. Raises InvalidFilterError."""
        if operator not in OPERATORS:
            raise InvalidFilterError(
                f"there is no operator {operator}; there are {', '.join(OPERATORS)}",
                model=model.__name__,
                field=name,
                operator=operator,
            )
        return cls(name, operator, _kind(*_field(model, name), operator))

    @property
    def lookup(self) -> str:
        """The keyword of a repository; with its operator, so that none is taken for another argument."""
        return f"{self.field}__{self.operator}"

    @property
    def name(self) -> str:
        """The query parameter."""
        return self.field if self.operator == "eq" and self.field not in _TAKEN else self.lookup

    def parameter(self) -> inspect.Parameter:
        """The parameter of the dependency."""
        limits: dict[str, Any] = {}
        if self.operator in _LISTS:
            limits = {"max_length": 2, "min_length": 2} if self.operator == "between" else {"max_length": MAX_VALUES}
        elif self.kind is str:
            limits = {"max_length": MAX_TEXT_LENGTH}
        kind = list[self.kind] if self.operator in _LISTS else self.kind  # type: ignore[name-defined]
        return _parameter(self.name, kind | None, Query(None, description=self._meaning(), **limits))

    def _meaning(self) -> str:
        path = self.field.replace("__", ".")
        return _MEANINGS.get(self.operator, "{field} {operator} this").format(field=path, operator=self.operator)


_MEANINGS = {
    "eq": "{field} is this",
    "ne": "{field} is not this",
    "gt": "{field} is greater",
    "gte": "{field} is this or greater",
    "lt": "{field} is less",
    "lte": "{field} is this or less",
    "in": "{field} is one of these",
    "not_in": "{field} is none of these",
    "between": "{field} is from the first to the second",
    "isnull": "{field} is empty (true) or not (false)",
    "contains": "{field} contains this",
    "startswith": "{field} starts with this",
    "endswith": "{field} ends with this",
    "icontains": "{field} contains this, in any letter case",
    "istartswith": "{field} starts with this, in any letter case",
    "iendswith": "{field} ends with this, in any letter case",
    "iexact": "{field} is this, in any letter case",
    "matches": "{field} is like this: * any text, ? one character",
}


def _parameter(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def _order_parameter(model: type[SQLModel], fields: tuple[str, ...]) -> inspect.Parameter:
    for name in fields:
        column_attribute(model, name)
    terms = tuple(term for name in fields for term in (name, f"-{name}"))
    kind = list[Literal[terms]] | None  # type: ignore[valid-type]
    description = "What to sort by, - for descending; repeat it to sort by several fields."
    return _parameter("order_by", kind, Query(None, max_length=len(fields), description=description))


def _search_parameter(fields: Sequence[str]) -> inspect.Parameter:
    description = f"Every word of this is in {' or '.join(fields)}, in any letter case."
    return _parameter("q", str | None, Query(None, max_length=MAX_TEXT_LENGTH, description=description))


def _search_fields(
    source: Source,
    model: type[SQLModel],
    search: bool | Iterable[str],  # noqa: FBT001
) -> tuple[str, ...] | None:
    """Return the fields that ``q`` looks through, None where there is no ``q``."""
    if search is False:
        return None
    if search is True:
        core = source.core if issubclass(source, AsyncRepository) else source
        return tuple(getattr(core, "search_fields", ())) or text_fields(model)
    fields = tuple(search)
    for name in fields:
        _check_text(model, name)
    return fields


def _check_text(model: type[SQLModel], name: str) -> None:
    column_attribute(model, name)
    if name not in text_fields(model):
        raise InvalidFilterError(f"{name} is no text field", model=model.__name__, field=name)


def _field(model: type[SQLModel], path: str) -> tuple[type[SQLModel], str]:
    """Return the model at the end of ``owner__email`` and the field there. Raises InvalidFilterError."""
    *relations, name = path.split("__")
    for relation in relations:
        mapper = sa.inspect(model)
        if relation not in mapper.relationships:
            raise InvalidFilterError(
                f"{model.__name__} has no relation {relation}", model=model.__name__, field=relation
            )
        model = mapper.relationships[relation].mapper.class_
    column_attribute(model, name)
    return model, name


def _kind(model: type[SQLModel], name: str, operator: str) -> Any:
    """Return the type of a query parameter. Raises InvalidFilterError for what the field does not allow."""
    if operator == "isnull":
        return bool
    if operator in _TEXTUAL:
        _check_text(model, name)
        return str
    kind = bare(model.model_fields[name].annotation)
    if kind in _UNCOMPARABLE:
        raise InvalidFilterError(
            f"{name} cannot be compared by {operator}", model=model.__name__, field=name, operator=operator
        )
    if kind is Literal:
        return str
    return AwareDatetime if kind is datetime else kind


_UNCOMPARABLE = (dict, list, bytes, Any)
