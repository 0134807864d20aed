"""Which rows of a model are meant, and in which order: statements are built here, nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.orm import Mapper, aliased, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.elements import UnaryExpression
from sqlmodel import SQLModel

from etl_models.db.column_types import bare
from etl_models.db.errors import InvalidFilterError
from etl_models.db.filters import (
    Condition,
    Criterion,
    column_attribute,
    condition_of,
    hiding_deleted,
    is_json,
    is_soft,
    lookups,
    read_value,
)
from etl_models.db.keyset import SortKey, after
from etl_models.db.serialization import decode_value, encode_value
from etl_models.domain.paging import decode_cursor, encode_cursor, fingerprint
from etl_models.errors import InvalidInputError

T = TypeVar("T", bound=SQLModel)
_DIALECT = DefaultDialect()
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
        # Not by with_loader_criteria: SQLAlchemy 2.0 does not carry it into the EXISTS of a lookup, 2.1 does.
        with hiding_deleted(hidden=scope.deleted is Deleted.HIDDEN):
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
        statement = self._of(sa.select(self.model))
        if order_by:
            statement = statement.order_by(*order_terms(self.model, order_by), *self.mapper.primary_key)
        if self.scope.lock is not None:
            statement = statement.with_for_update(
                skip_locked=self.scope.lock.skip_locked, nowait=self.scope.lock.nowait, of=self.model
            ).execution_options(populate_existing=True)
        return statement.options(*loaders(self.model, load, self.scope), *options)

    def in_key_order(self, **eager: Any) -> sa.Select[Any]:
        """Return :meth:`rows` in the order of the primary key, so that pages of them do not overlap."""
        return self.rows(**eager).order_by(*self.mapper.primary_key)

    def count(self) -> sa.Select[Any]:
        """Return the statement that counts them."""
        return self._of(sa.select(sa.func.count()).select_from(self.model))

    def exists(self) -> sa.Select[Any]:
        """Return a statement that has a row when there is one."""
        return self._of(sa.select(sa.literal(1)).select_from(self.model)).limit(1)

    def _of(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        return statement.where(*self.conditions)


def _visible(model: type[SQLModel], scope: Scope) -> list[Condition]:
    if not is_soft(model) or scope.deleted is Deleted.SHOWN:
        return []
    column = column_attribute(model, "is_deleted")
    return [column.is_(scope.deleted is Deleted.ONLY)]


def order_terms(model: type[SQLModel], order_by: Sequence[OrderTerm]) -> list[Any]:
    """Return ORDER BY terms of ``"name"``, ``"-name"``, ``"owner__name"`` or expressions; NULLs always come last."""
    terms: list[Any] = []
    for term in _as_terms(order_by):
        if isinstance(term, str):
            terms += _named(model, term).terms()
        elif isinstance(term, sa.ColumnElement) or hasattr(term, "__clause_element__"):  # type: ignore[unreachable]
            terms.append(term)
        else:
            raise InvalidFilterError("rows are sorted by names of fields or expressions", model=model.__name__)
    return terms


def _named(model: type[SQLModel], term: str) -> SortKey:
    """Return the column a term names, of the model or of one row it refers to."""
    name, descending = term.removeprefix("-"), term.startswith("-")
    head, _, tail = name.partition("__")
    relation = sa.inspect(model).relationships.get(head)
    if relation is None or not tail:
        return SortKey(_sortable(model, name), descending=descending, nullable=_is_nullable(model, name))
    if relation.uselist or relation.secondary is not None:
        raise InvalidFilterError(
            f"a {model.__name__} may have several {head}, by which it cannot be sorted",
            model=model.__name__,
            field=head,
        )
    _sortable(relation.mapper.class_, tail)
    other = aliased(relation.mapper.class_)
    pairs = (
        getattr(other, _name_of(relation.mapper, far)) == getattr(model, _name_of(relation.parent, near))
        for near, far in relation.local_remote_pairs
    )
    value = sa.select(getattr(other, tail)).where(*pairs).correlate(model).scalar_subquery()
    return SortKey(value, descending=descending, nullable=True)


def _name_of(mapper: Mapper[Any], column: Any) -> str:
    return mapper.get_property_by_column(column).key


def _is_nullable(model: type[SQLModel], name: str) -> bool:
    return bool(getattr(sa.inspect(model).column_attrs[name].columns[0], "nullable", True))


def _as_terms(order_by: Sequence[OrderTerm]) -> list[OrderTerm]:
    if isinstance(order_by, str | sa.ColumnElement | UnaryExpression) or hasattr(order_by, "__clause_element__"):
        return [cast("OrderTerm", order_by)]
    if not isinstance(order_by, Iterable):
        raise InvalidFilterError("order_by takes names of fields or expressions")
    return list(order_by)


def loaders(model: type[SQLModel], names: Iterable[str], scope: Scope) -> list[ORMOption]:
    """Return options that load relations with the rows: ``"owner"``, ``"ads.creatives"``; deleted ones if shown."""
    result: list[ORMOption] = []
    for name in [names] if isinstance(names, str) else names:
        if not isinstance(name, str):
            raise InvalidFilterError("relations are named by text", model=model.__name__)
        option: Any = None
        mapper: Mapper[Any] = sa.inspect(model)
        for part in name.split("."):
            if part not in mapper.relationships:
                raise InvalidFilterError(
                    f"{mapper.class_.__name__} has no relation {part!r}", model=mapper.class_.__name__, field=part
                )
            attribute, target = getattr(mapper.class_, part), mapper.relationships[part].mapper.class_
            if is_soft(target) and scope.deleted is Deleted.HIDDEN:
                attribute = attribute.and_(column_attribute(target, "is_deleted").is_(False))
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
    def of(cls, selection: Selection[Any], order_by: Sequence[OrderTerm]) -> Keyset:
        """Complete ``order_by`` with the primary key. Raises InvalidFilterError for what cannot be continued after."""
        model, mapper = selection.model, selection.mapper
        given = [str(term) for term in _as_terms(order_by) if _is_name(term, model)]
        names = [name.removeprefix("-") for name in given]
        key = [_name_of(mapper, column) for column in mapper.primary_key]
        # The key goes the way of the last term, so that an index on it can be read in one direction.
        sign = "-" if given and given[-1].startswith("-") else ""
        given += [f"{sign}{name}" for name in key if name not in names]
        names = [name.removeprefix("-") for name in given]
        keys = tuple(
            SortKey(_sortable(model, name), descending=term.startswith("-"), nullable=_is_nullable(model, name))
            for name, term in zip(names, given, strict=True)
        )
        query = fingerprint({"model": model.__name__, "order": given, "filters": _digest(selection.conditions)})
        return cls(model, tuple(names), keys, query)

    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY terms."""
        return [term for key in self.keys for term in key.terms()]

    def cursor(self, row: SQLModel) -> str:
        """Return the cursor of the place after ``row``."""
        return encode_cursor({"k": [encode_value(getattr(row, name)) for name in self.names]}, self.query)

    def after(self, cursor: str) -> Condition:
        """Return the condition to come after a place. Raises InvalidFilterError for a cursor of another query."""
        try:
            values = decode_cursor(cursor, self.query)["k"]
            read = [
                self._read(key, name, value) for key, name, value in zip(self.keys, self.names, values, strict=True)
            ]
        except InvalidInputError as error:  # InvalidFilterError among them
            raise InvalidFilterError(error.message, model=self.model.__name__, field="cursor") from None
        except (KeyError, TypeError, ValueError):
            raise InvalidFilterError("the cursor is damaged", model=self.model.__name__, field="cursor") from None
        return after(self.keys, read)

    def _read(self, key: SortKey, name: str, value: Any) -> Any:
        if value is None and not key.nullable:
            raise ValueError(name)
        field = self.model.model_fields.get(name)
        return read_value(self.model, name, value if field is None else decode_value(bare(field.annotation), value))


def _digest(conditions: Sequence[Condition]) -> str:
    """Return what tells one choice of rows from another, in every process the same."""
    compiled = sa.and_(sa.true(), *conditions).compile(dialect=_DIALECT)
    values = {
        name: sorted(map(repr, value)) if isinstance(value, list | set | frozenset) else repr(value)
        for name, value in compiled.params.items()
    }
    return repr((str(compiled), sorted(values.items())))


def _is_name(term: OrderTerm, model: type[SQLModel]) -> bool:
    if not isinstance(term, str):
        raise InvalidFilterError("page() sorts by names of fields, search() by expressions too", model=model.__name__)
    return True


def _sortable(model: type[SQLModel], name: str) -> Any:
    attribute = column_attribute(model, name)
    if is_json(attribute.type):
        raise InvalidFilterError(
            f"rows cannot be sorted by {name}: databases have no common order for JSON",
            model=model.__name__,
            field=name,
        )
    return attribute
