"""Filters: typed objects and keyword lookups, turned into conditions; whatever cannot be one raises InvalidFilterError.

A lookup is a field, with ``__`` through relations, and an operator: ``budget__gte=100``, ``owner__email="a@b.c"``,
``name__icontains="spring"``. Values are read as the field's type, so text from a query string will do. Names and
values never become SQL text: names are looked up in the mapper, values are bound.

Letter case: ``i`` operators ignore it for ASCII letters on every database; how far beyond, the database decides.
Empty fields: as everywhere in SQL, an empty field is neither equal nor unequal to a value, so ``ne``, ``not_in`` and
``Not`` leave such rows out; ask for them with ``isnull``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import SQLModel

from etl_models.db.column_types import bare
from etl_models.db.errors import InvalidFilterError
from etl_models.db.mixins import SoftDeleteMixin
from etl_models.db.patterns import holds, matches
from etl_models.domain.text import printable, short, text_problem
from etl_models.errors import EtlModelsError

Condition = sa.ColumnElement[bool]
MAX_TEXT_LENGTH = 1000
MAX_LIST_LENGTH = 10_000
MAX_WORDS = 20
_INT64 = 2**63
_DIALECT = DefaultDialect()


_hides_deleted: ContextVar[bool] = ContextVar("etl_models_hides_deleted", default=False)


@contextmanager
def hiding_deleted(*, hidden: bool) -> Iterator[None]:
    """Let the filters built inside take softly deleted rows of related models for missing ones, or for rows."""
    token = _hides_deleted.set(hidden)
    try:
        yield
    finally:
        _hides_deleted.reset(token)


def is_soft(model: type[SQLModel]) -> bool:
    """Say whether rows of ``model`` can be deleted softly."""
    return issubclass(model, SoftDeleteMixin)


class Filter(ABC):
    """Something that chooses rows of a model."""

    @abstractmethod
    def condition(self, model: type[SQLModel]) -> Condition:
        """Return the condition on ``model``. Raises InvalidFilterError."""


Criterion: TypeAlias = Filter | SQLCoreOperations[bool] | bool
"""What filters can be: ours, or an expression such as ``Campaign.is_deleted`` or ``col(Campaign.budget) > 5``."""


@dataclass(frozen=True, slots=True)
class Where(Filter):
    """A field compared with a value: ``Where("budget", "gte", 100)``; operators are those of lookups."""

    field: str
    operator: str
    value: Any

    def condition(self, model: type[SQLModel]) -> Condition:
        """Find the field, read the value, compare."""
        if not isinstance(self.field, str) or not isinstance(self.operator, str):
            raise InvalidFilterError("fields and operators are named by text", model=model.__name__)
        return _through(model, self.field.split("__"), self.operator, self.value)


@dataclass(frozen=True, slots=True, init=False)
class AllOf(Filter):
    """Rows that every one of the filters chooses; all rows for none."""

    filters: tuple[Criterion, ...]

    def __init__(self, *filters: Criterion) -> None:
        object.__setattr__(self, "filters", filters)

    def condition(self, model: type[SQLModel]) -> Condition:
        """Join with AND."""
        return sa.and_(sa.true(), *(condition_of(item, model) for item in self.filters))


@dataclass(frozen=True, slots=True, init=False)
class AnyOf(Filter):
    """Rows that at least one of the filters chooses; no row for none."""

    filters: tuple[Criterion, ...]

    def __init__(self, *filters: Criterion) -> None:
        object.__setattr__(self, "filters", filters)

    def condition(self, model: type[SQLModel]) -> Condition:
        """Join with OR."""
        return sa.or_(sa.false(), *(condition_of(item, model) for item in self.filters))


@dataclass(frozen=True, slots=True)
class Not(Filter):
    """Rows that the filter does not choose."""

    filter: Criterion

    def condition(self, model: type[SQLModel]) -> Condition:
        """Negate."""
        return sa.not_(condition_of(self.filter, model))


@dataclass(frozen=True, slots=True)
class Search(Filter):
    """Rows that hold every word of ``text`` somewhere in the fields, in any letter case; all rows for no word."""

    text: str
    fields: tuple[str, ...] = ()
    """All text columns when empty, but for those that are never serialized."""

    def condition(self, model: type[SQLModel]) -> Condition:
        """Look for each word in each field."""
        words = _checked_text(self.text, model, "search").split()
        if len(words) > MAX_WORDS:
            raise InvalidFilterError(f"a search has at most {MAX_WORDS} words", model=model.__name__)
        fields = self.fields or text_fields(model)
        return AllOf(*(AnyOf(*(Where(field, "icontains", word) for field in fields)) for word in words)).condition(
            model
        )


def condition_of(criterion: Criterion, model: type[SQLModel]) -> Condition:
    """Return the condition of a filter or expression. Raises InvalidFilterError for anything else."""
    if isinstance(criterion, Filter):
        return criterion.condition(model)
    if isinstance(criterion, bool):
        return sa.true() if criterion else sa.false()
    expression = criterion.__clause_element__() if hasattr(criterion, "__clause_element__") else criterion
    if not isinstance(expression, sa.ColumnElement):
        raise InvalidFilterError("a filter is a Filter, a lookup or a SQLAlchemy expression", model=model.__name__)
    return expression


def lookups(model: type[SQLModel], named: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions of keyword lookups. Raises InvalidFilterError for what is not one."""
    return [_lookup(model, name, value) for name, value in named.items()]


def _lookup(model: type[SQLModel], name: str, value: Any) -> Condition:
    path, operator = name.split("__"), "eq"
    if len(path) > 1 and path[-1] in OPERATORS and not _is_attribute(model, path):
        *path, operator = path
    return _through(model, path, operator, value)


def _is_attribute(model: type[SQLModel], path: Sequence[str]) -> bool:
    mapper: Mapper[Any] = sa.inspect(model)
    for name in path[:-1]:
        if name not in mapper.relationships:
            return False
        mapper = mapper.relationships[name].mapper
    return path[-1] in mapper.column_attrs


def _through(model: type[SQLModel], path: Sequence[str], operator: str, value: Any) -> Condition:
    name, *rest = path
    mapper: Mapper[Any] = sa.inspect(model)
    if name in mapper.relationships and rest:
        relation, attribute = mapper.relationships[name], getattr(model, name)
        target = relation.mapper.class_
        inner = _through(target, rest, operator, value)
        if _hides_deleted.get() and is_soft(target):
            inner = sa.and_(inner, column_attribute(target, "is_deleted").is_(False))
        condition: Condition = attribute.any(inner) if relation.uselist else attribute.has(inner)
        return condition
    if rest:
        raise InvalidFilterError(
            f"{_shown(rest[-1])} is neither an operator nor a field of a relation {_shown(name)}; operators are "
            f"{', '.join(OPERATORS)}",
            model=model.__name__,
            field=_shown(name),
            operator=_shown(rest[-1]),
        )
    build = OPERATORS.get(operator)
    if build is None:
        raise InvalidFilterError(
            f"there is no operator {_shown(operator)}; there are {', '.join(OPERATORS)}",
            model=model.__name__,
            field=name,
            operator=_shown(operator),
        )
    return build(_Operand(model, name, column_attribute(model, name), operator), value)


def column_attribute(model: type[SQLModel], name: str) -> Any:
    """Return the mapped column attribute of that name. Raises InvalidFilterError when there is none."""
    mapper: Mapper[Any] = sa.inspect(model)
    if not isinstance(name, str) or name not in mapper.column_attrs:
        known = ", ".join(attribute.key for attribute in mapper.column_attrs)
        raise InvalidFilterError(
            f"{model.__name__} has no field {_shown(name)}; it has {known}", model=model.__name__, field=_shown(name)
        )
    return getattr(model, name)


@dataclass(frozen=True, slots=True)
class _Operand:
    """The left side of a comparison, and how its right side is read."""

    model: type[SQLModel]
    name: str
    column: Any
    operator: str

    def refuse(self, reason: str) -> InvalidFilterError:
        return InvalidFilterError(
            f"{self.name}__{self.operator}: {reason}",
            model=self.model.__name__,
            field=self.name,
            operator=self.operator,
        )

    def read(self, value: Any) -> Any:
        """Return ``value`` as the field's type, as far as a database can take it."""
        if is_json(self.column.type):
            raise self.refuse("JSON fields have no order and no equality that all databases share; use isnull")
        if value is None:
            raise self.refuse("None is compared by isnull")
        try:
            read = _adapter(self.model, self.name).validate_python(value)
        except ValidationError as error:
            raise self.refuse(error.errors(include_input=False, include_url=False)[0]["msg"]) from None
        return self._storable(read)

    def text(self, value: Any) -> str:
        """Return ``value`` if it is text that can be looked for in this field."""
        if not _is_text(self.column.type):
            raise self.refuse("is for text fields")
        return _checked_text(value, self.model, f"{self.name}__{self.operator}")

    def _storable(self, value: Any) -> Any:
        if isinstance(value, str) and (problem := text_problem(value)):
            raise self.refuse(f"the text {problem}")
        stored = self._bound(value)
        if isinstance(stored, int) and not -_INT64 <= stored < _INT64:
            raise self.refuse("the number has more than 64 bits")
        return value

    def _bound(self, value: Any) -> Any:
        kind = self.column.type
        if not isinstance(kind, sa.types.TypeDecorator):
            return value
        try:
            return kind.process_bind_param(value, _DIALECT)
        except NotImplementedError:  # a decorator that takes what its type takes
            return value
        except ArithmeticError:  # years before 1 in another zone, decimals of a million digits
            raise self.refuse("the value is out of range") from None
        except (ValueError, EtlModelsError) as error:
            raise self.refuse(str(error)) from None


def read_value(model: type[SQLModel], name: str, value: Any) -> Any:
    """Return ``value`` as the type of a field, None as it is. Raises InvalidFilterError for what cannot be one."""
    return None if value is None else _Operand(model, name, column_attribute(model, name), "eq").read(value)


@cache
def _adapter(model: type[SQLModel], name: str) -> TypeAdapter[Any]:
    """Reads a value as the bare type of a field: a filter may well ask for what the field's limits would refuse."""
    kind = bare(model.model_fields[name].annotation) if name in model.model_fields else Any
    try:
        return TypeAdapter(kind)
    except PydanticSchemaGenerationError:
        return TypeAdapter(Any)


@cache
def text_fields(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the names of the text columns; those of enums, and those that are never serialized, are left out."""
    secret = {name for name, field in model.model_fields.items() if field.exclude}
    return tuple(
        attribute.key
        for attribute in sa.inspect(model).column_attrs
        if attribute.key not in secret and _is_text(attribute.columns[0].type)
    )


def is_json(kind: sa.types.TypeEngine[Any]) -> bool:
    """Say whether columns of this type hold JSON, which databases neither compare nor sort alike."""
    return isinstance(kind, sa.JSON) or isinstance(getattr(kind, "impl", None), sa.JSON)


def _is_text(kind: sa.types.TypeEngine[Any]) -> bool:
    stored = kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind
    return isinstance(stored, sa.String) and not isinstance(stored, sa.Enum)


def _equal(left: _Operand, value: Any) -> Condition:
    condition: Condition = left.column.is_(None) if value is None else left.column == left.read(value)
    return condition


def _unequal(left: _Operand, value: Any) -> Condition:
    condition: Condition = left.column.is_not(None) if value is None else left.column != left.read(value)
    return condition


def _comparing(compare: Callable[[Any, Any], Any]) -> Callable[[_Operand, Any], Condition]:
    def build(left: _Operand, value: Any) -> Condition:
        condition: Condition = compare(left.column, _bound(left.read(value)))
        return condition

    return build


def _bound(value: Any) -> Any:
    return sa.literal(value) if isinstance(value, bool) else value  # SQLAlchemy compares no True and no False


def _textual(compare: Callable[[Any, str], Any]) -> Callable[[_Operand, Any], Condition]:
    def build(left: _Operand, value: Any) -> Condition:
        condition: Condition = compare(left.column, left.text(value))
        return condition

    return build


def _values(left: _Operand, values: Any) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise left.refuse("takes a list of values")
    read = [left.read(value) for value in islice(values, MAX_LIST_LENGTH + 1)]
    if len(read) > MAX_LIST_LENGTH:
        raise left.refuse(f"takes at most {MAX_LIST_LENGTH} values")
    return read


def _among(left: _Operand, values: Any) -> Condition:
    condition: Condition = left.column.in_(_values(left, values))
    return condition


def _not_among(left: _Operand, values: Any) -> Condition:
    condition: Condition = left.column.not_in(_values(left, values))
    return condition


def _between(left: _Operand, values: Any) -> Condition:
    read = _values(left, values)
    if len(read) != 2:  # noqa: PLR2004
        raise left.refuse("takes two values, from and to")
    condition: Condition = left.column.between(*map(_bound, read))
    return condition


def _is_null(left: _Operand, value: Any) -> Condition:
    if not isinstance(value, bool):
        raise left.refuse("takes True or False")
    condition: Condition = left.column.is_(None) if value else left.column.is_not(None)
    return condition


OPERATORS: Mapping[str, Callable[[_Operand, Any], Condition]] = {
    "eq": _equal,
    "ne": _unequal,
    "gt": _comparing(lambda column, value: column > value),
    "gte": _comparing(lambda column, value: column >= value),
    "lt": _comparing(lambda column, value: column < value),
    "lte": _comparing(lambda column, value: column <= value),
    "in": _among,
    "not_in": _not_among,
    "between": _between,
    "isnull": _is_null,
    "contains": _textual(holds),
    "startswith": _textual(lambda column, text: holds(column, text, at_start=True)),
    "endswith": _textual(lambda column, text: holds(column, text, at_end=True)),
    "icontains": _textual(lambda column, text: column.icontains(text, autoescape=True)),
    "istartswith": _textual(lambda column, text: column.istartswith(text, autoescape=True)),
    "iendswith": _textual(lambda column, text: column.iendswith(text, autoescape=True)),
    "iexact": _textual(lambda column, text: sa.func.lower(column) == sa.func.lower(text)),
    "matches": _textual(matches),
}


def _checked_text(value: Any, model: type[SQLModel], what: str) -> str:
    if not isinstance(value, str):
        raise InvalidFilterError(f"{what}: takes text", model=model.__name__)
    if problem := text_problem(value, limit=MAX_TEXT_LENGTH):
        raise InvalidFilterError(f"{what}: the text {problem}", model=model.__name__)
    return value


def _shown(name: Any) -> str:
    return printable(short(str(name)))
