"""Which rows of a model are meant, and in which order: statements are built here, nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.orm import Mapper, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.elements import UnaryExpression
from sqlmodel import SQLModel

from etl_models.db.errors import InvalidFilterError
from etl_models.db.filters import Condition, Criterion, column_attribute, condition_of, lookups
from etl_models.db.keyset import SortKey, after
from etl_models.db.mixins import SoftDeleteMixin
from etl_models.db.serialization import decode_value, encode_value
from etl_models.domain.paging import decode_cursor, encode_cursor, fingerprint
from etl_models.errors import InvalidInputError

T = TypeVar("T", bound=SQLModel)
OrderTerm = str | sa.ColumnElement[Any]


class Deleted(StrEnum):
    """What to do with rows that are softly deleted."""

    HIDDEN = "hidden"
    SHOWN = "shown"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Lock:
    """How rows are locked until the end of the transaction; SQLite has no such locks and needs none."""

    skip_locked: bool = False
    nowait: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a repository looks at, beside the filters of a call."""

    deleted: Deleted = Deleted.HIDDEN
    every_tenant: bool = False
    lock: Lock | None = None

    def but(self, **changes: Any) -> Scope:
        """Return the scope with something changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Selection(Generic[T]):
    """The rows of ``model`` that ``conditions`` choose; immutable."""

    model: type[T]
    scope: Scope
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, model: type[T], scope: Scope, criteria: Iterable[Criterion], named: Mapping[str, Any]) -> Selection[T]:
        """Check filters and lookups. Raises InvalidFilterError."""
        conditions = [condition_of(criterion, model) for criterion in criteria]
        return cls(model, scope, (*_visible(model, scope), *conditions, *lookups(model, named)))

    @property
    def mapper(self) -> Mapper[T]:
        """The mapper of the model."""
        return sa.inspect(self.model)

    def rows(
        self, order_by: Sequence[OrderTerm] = (), *, load: Iterable[str] = (), options: Iterable[ORMOption] = ()
    ) -> sa.Select[Any]:
        """Return the statement that loads them, in a stable order when one is asked for."""
        statement = sa.select(self.model).where(*self.conditions)
        if order_by:
            statement = statement.order_by(*order_terms(self.model, order_by), *self.mapper.primary_key)
        if self.scope.lock is not None:
            statement = statement.with_for_update(
                skip_locked=self.scope.lock.skip_locked, nowait=self.scope.lock.nowait, of=self.model
            ).execution_options(populate_existing=True)
        return statement.options(*loaders(self.model, load), *options)

    def in_key_order(self, **eager: Any) -> sa.Select[Any]:
        """Return :meth:`rows` in the order of the primary key, so that pages of them do not overlap."""
        return self.rows(**eager).order_by(*self.mapper.primary_key)

    def count(self) -> sa.Select[Any]:
        """Return the statement that counts them."""
        return sa.select(sa.func.count()).select_from(self.model).where(*self.conditions)

    def exists(self) -> sa.Select[Any]:
        """Return a statement that has a row when there is one."""
        return sa.select(sa.literal(1)).select_from(self.model).where(*self.conditions).limit(1)


def _visible(model: type[SQLModel], scope: Scope) -> list[Condition]:
    if not is_soft(model) or scope.deleted is Deleted.SHOWN:
        return []
    column = column_attribute(model, "is_deleted")
    return [column.is_(scope.deleted is Deleted.ONLY)]


def is_soft(model: type[SQLModel]) -> bool:
    """Say whether rows of ``model`` can be deleted softly."""
    return issubclass(model, SoftDeleteMixin)


def order_terms(model: type[SQLModel], order_by: Sequence[OrderTerm]) -> list[Any]:
    """Return ORDER BY terms of ``"name"``, ``"-name"`` or expressions; NULLs come last on every database."""
    terms: list[Any] = []
    for term in _as_terms(order_by):
        if not isinstance(term, str):
            terms.append(term)
            continue
        column = column_attribute(model, term.removeprefix("-"))
        if sa.inspect(model).column_attrs[term.removeprefix("-")].columns[0].nullable:
            terms.append(column.is_(None))
        terms.append(column.desc() if term.startswith("-") else column.asc())
    return terms


def _as_terms(order_by: Sequence[OrderTerm]) -> list[OrderTerm]:
    if isinstance(order_by, str | sa.ColumnElement | UnaryExpression) or hasattr(order_by, "__clause_element__"):
        return [cast("OrderTerm", order_by)]
    return list(order_by)


def loaders(model: type[SQLModel], names: Iterable[str]) -> list[ORMOption]:
    """Return options that load relations with the rows: ``"owner"``, ``"ads.creatives"``."""
    result: list[ORMOption] = []
    for name in [names] if isinstance(names, str) else names:
        option: Any = None
        mapper: Mapper[Any] = sa.inspect(model)
        for part in name.split("."):
            if part not in mapper.relationships:
                raise InvalidFilterError(
                    f"{mapper.class_.__name__} has no relation {part!r}", model=mapper.class_.__name__, field=part
                )
            attribute = getattr(mapper.class_, part)
            option = selectinload(attribute) if option is None else option.selectinload(attribute)
            mapper = mapper.relationships[part].mapper
        result.append(option)
    return result


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order in which every row has a place of its own, and the cursors that name such places."""

    model: type[SQLModel]
    names: tuple[str, ...]
    keys: tuple[SortKey, ...]
    query: str

    @classmethod
    def of(cls, model: type[SQLModel], order_by: Sequence[OrderTerm], filters: Mapping[str, Any]) -> Keyset:
        """Complete ``order_by`` with the primary key. Raises InvalidFilterError for what cannot be continued after."""
        mapper: Mapper[Any] = sa.inspect(model)
        given = [str(term) for term in _as_terms(order_by) if _is_name(term, model)]
        names = [name.removeprefix("-") for name in given]
        key = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
        # The key goes the way of the last term, so that an index on it can be read in one direction.
        sign = "-" if given and given[-1].startswith("-") else ""
        given += [f"{sign}{name}" for name in key if name not in names]
        keys = tuple(
            SortKey(_sortable(model, term.removeprefix("-")), descending=term.startswith("-")) for term in given
        )
        query = fingerprint({"model": model.__name__, "order": given, "filters": repr(sorted(filters.items()))})
        return cls(model, tuple(term.removeprefix("-") for term in given), keys, query)

    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY terms."""
        return [key.order() for key in self.keys]

    def cursor(self, row: SQLModel) -> str:
        """Return the cursor of the place after ``row``."""
        return encode_cursor({"k": [encode_value(getattr(row, name)) for name in self.names]}, self.query)

    def after(self, cursor: str) -> Condition:
        """Return the condition to come after a place. Raises InvalidFilterError for a cursor of another query."""
        try:
            values = decode_cursor(cursor, self.query)["k"]
            read = [self._read(name, value) for name, value in zip(self.names, values, strict=True)]
        except InvalidInputError as error:
            raise InvalidFilterError(error.message, model=self.model.__name__, field="cursor") from None
        except (KeyError, TypeError, ValueError):
            raise InvalidFilterError("the cursor is damaged", model=self.model.__name__, field="cursor") from None
        return after(self.keys, read)

    def _read(self, name: str, value: Any) -> Any:
        annotation: Any = self.model.model_fields[name].annotation
        return TypeAdapter(annotation).validate_python(decode_value(annotation, value))


def _is_name(term: OrderTerm, model: type[SQLModel]) -> bool:
    if not isinstance(term, str):
        raise InvalidFilterError("page() sorts by names of fields, search() by expressions too", model=model.__name__)
    return True


def _sortable(model: type[SQLModel], name: str) -> Any:
    attribute = column_attribute(model, name)
    column = sa.inspect(model).column_attrs[name].columns[0]
    if column.nullable:
        raise InvalidFilterError(
            f"page() cannot sort by {name}, which may be empty; search() can", model=model.__name__, field=name
        )
    return attribute
