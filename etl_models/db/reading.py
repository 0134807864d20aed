"""``ReadRepository[T]``: finding and counting the rows of one model. What changes them is in the module beside it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, get_args, get_origin

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.interfaces import ORMOption
from sqlmodel import SQLModel

from etl_models.db import tenancy
from etl_models.db.errors import InvalidFilterError, MultipleResultsFoundError, NotFoundError
from etl_models.db.filters import Criterion, Search, is_soft, read_value
from etl_models.db.mixins import TenantScopedMixin
from etl_models.db.refusals import refusals
from etl_models.db.selection import Deleted, Keyset, Lock, OrderTerm, Scope, Selection, loaders
from etl_models.domain.paging import MAX_LIMIT, Page

if TYPE_CHECKING:
    from etl_models.db.caching.repository_cache import RepositoryCache

T = TypeVar("T", bound=SQLModel)
Eager = Iterable[str] | str


@dataclass(frozen=True, slots=True)
class SearchResult(Generic[T]):
    """One page of a search, counted: ``total`` rows match."""

    items: list[T]
    total: int
    limit: int
    offset: int

    @property
    def page(self) -> int:
        """The number of this page, from 1."""
        return self.offset // self.limit + 1

    @property
    def total_pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.limit)

    @property
    def has_next(self) -> bool:
        """Whether rows follow."""
        return self.offset + len(self.items) < self.total

    @property
    def has_previous(self) -> bool:
        """Whether rows come before."""
        return self.offset > 0


class ReadRepository(Generic[T]):
    """The rows of ``model``. Filters are objects of :mod:`~etl_models.db.filters`, SQLAlchemy expressions, and lookups.

    ``load`` names relations to load with the rows (``"owner"``, ``"ads.creatives"``); ``options`` are SQLAlchemy's.
    Raises subclasses of RepositoryError, whose facts are attributes.
    """

    model: type[T]
    search_fields: ClassVar[tuple[str, ...]] = ()
    """What :meth:`search_by` looks through; all text columns when empty."""
    cache: RepositoryCache | None = None
    """What answers :meth:`get` and :meth:`get_by_id` without the database; nothing by default."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if (model := model_argument(cls)) is not None:
            cls.model = model

    def __init__(
        self,
        session: Session,
        model: type[T] | None = None,
        *,
        scope: Scope | None = None,
        cache: RepositoryCache | None = None,
    ) -> None:
        self.session = session
        self.scope = scope or Scope()
        if model is not None:
            self.model = model
        if cache is not None:
            self.cache = cache

    # -- what is looked at ---------------------------------------------------------------------------------------------

    def with_deleted(self) -> Self:
        """Return a repository that sees softly deleted rows as well."""
        return self._looking(deleted=Deleted.SHOWN)

    def only_deleted(self) -> Self:
        """Return a repository that sees nothing but softly deleted rows."""
        return self._looking(deleted=Deleted.ONLY)

    def every_tenant(self) -> Self:
        """Return a repository that sees and changes the rows of all tenants."""
        return self._looking(every_tenant=True)

    def for_update(self, *, skip_locked: bool = False, nowait: bool = False) -> Self:
        """Return a repository that locks the rows it finds until the end of the transaction (not on SQLite)."""
        return self._looking(lock=Lock(skip_locked, nowait))

    def _looking(self, **changes: Any) -> Self:
        other = copy.copy(self)
        other.scope = self.scope.but(**changes)
        return other

    # -- finding -------------------------------------------------------------------------------------------------------

    def get(self, ident: Any, *, load: Eager = (), options: Sequence[ORMOption] = ()) -> T:
        """Return the row with that primary key. Raises NotFoundError."""
        row = self.get_by_id(ident, load=load, options=options)
        if row is None:
            raise NotFoundError(self.model.__name__, identity=ident)
        return row

    def get_by_id(self, ident: Any, *, load: Eager = (), options: Sequence[ORMOption] = ()) -> T | None:
        """Return the row with that primary key, or None. Text is read as the key's type.

        A key of several columns is a tuple in their order, or a mapping of their names.
        """
        key = self._key(ident)
        lock = self.scope.lock
        with self._working():
            if load or options or lock:
                row = self.session.get(
                    self.model,
                    key,
                    options=[*loaders(self.model, load, self.scope), *options],
                    populate_existing=True,
                    with_for_update={"skip_locked": lock.skip_locked, "nowait": lock.nowait} if lock else None,
                )
            elif self.cache is not None:
                row = self.cache.find(self.session, self.model, key, sees=self._sees, read=get_by_key)
            else:
                row = get_by_key(self.session, self.model, key)
            return row if row is not None and self._sees(row) else None

    def find(
        self, *filters: Criterion, load: Eager = (), options: Sequence[ORMOption] = (), **lookups: Any
    ) -> T | None:
        """Return the one row that matches, or None. Raises MultipleResultsFoundError when several do."""
        with self._working():
            statement = self._select(filters, lookups).rows(load=load, options=options).limit(2)
            rows = self.session.scalars(statement).unique().all()
        if len(rows) > 1:
            raise MultipleResultsFoundError(self.model.__name__, fields=lookups)
        return rows[0] if rows else None

    def get_one(self, *filters: Criterion, load: Eager = (), options: Sequence[ORMOption] = (), **lookups: Any) -> T:
        """Return the one row that matches. Raises NotFoundError or MultipleResultsFoundError."""
        row = self.find(*filters, load=load, options=options, **lookups)
        if row is None:
            raise NotFoundError(self.model.__name__, fields=lookups)
        return row

    def find_all(
        self,
        *filters: Criterion,
        order_by: Sequence[OrderTerm] = (),
        limit: int | None = None,
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> list[T]:
        """Return every row that matches.

        ``order_by`` takes ``"name"``, ``"-name"``, fields of related rows (``"owner__name"``) and expressions.
        """
        if limit is not None:
            _check_whole("limit", limit, 0, _MOST)
        statement = self._select(filters, lookups).rows(order_by, load=load, options=options)
        with self._working():
            return list(self.session.scalars(statement if limit is None else statement.limit(limit)).unique())

    def exists(self, *filters: Criterion, **lookups: Any) -> bool:
        """Say whether a row matches."""
        with self._working():
            return self.session.execute(self._select(filters, lookups).exists()).first() is not None

    def count(self, *filters: Criterion, **lookups: Any) -> int:
        """Return how many rows match."""
        with self._working():
            return int(self.session.scalars(self._select(filters, lookups).count()).one())

    def search(
        self,
        *filters: Criterion,
        limit: int = 20,
        offset: int = 0,
        order_by: Sequence[OrderTerm] = (),
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> SearchResult[T]:
        """Return a page of the rows that match and how many there are in all; in the order of the key by default."""
        _check_range(limit, offset)
        selection = self._select(filters, lookups)
        statement = selection.rows(order_by, load=load, options=options)
        if not order_by:
            statement = statement.order_by(*selection.mapper.primary_key)
        with self._working():
            # The count rides along: one trip, and no window over all rows, which SQLite would build in full.
            counted = statement.add_columns(selection.count().scalar_subquery())
            found = self.session.execute(counted.limit(limit).offset(offset)).unique().all()
            if found or not offset:
                total = found[0][1] if found else 0
            else:  # a page beyond the last
                total = self.session.scalars(selection.count()).one()
        return SearchResult([row[0] for row in found], total, limit, offset)

    def search_by(
        self, text: str, *filters: Criterion, fields: Sequence[str] = (), limit: int = 20, offset: int = 0, **more: Any
    ) -> SearchResult[T]:
        """Search for rows that hold every word of ``text``, in any letter case; otherwise as :meth:`search`.

        A word is found anywhere, inside other words as well; every row is looked at, no index helps.
        """
        found = Search(text, ((fields,) if isinstance(fields, str) else tuple(fields)) or self.search_fields)
        return self.search(found, *filters, limit=limit, offset=offset, **more)

    def page(
        self,
        *filters: Criterion,
        limit: int = 50,
        cursor: str | None = None,
        order_by: Sequence[OrderTerm] = (),
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> Page[T]:
        """Return the rows after ``cursor``, the ``next_cursor`` of the page before; late pages are as fast as early."""
        _check_range(limit, 0)
        selection = self._select(filters, lookups)
        keyset = Keyset.of(selection, order_by)
        statement = selection.rows(load=load, options=options).order_by(*keyset.order())
        if cursor is not None:
            statement = statement.where(keyset.after(cursor))
        with self._working():
            rows = list(self.session.scalars(statement.limit(limit + 1)).unique())
        more = keyset.cursor(rows[limit - 1]) if len(rows) > limit else None
        return Page.model_construct(items=tuple(rows[:limit]), next_cursor=more)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _select(self, filters: Iterable[Criterion], lookups: Mapping[str, Any]) -> Selection[T]:
        return Selection.of(self.model, self.scope, filters, lookups)

    def _key(self, ident: Any) -> tuple[Any, ...]:
        return read_key(self.model, ident)

    def _working(self) -> AbstractContextManager[None]:
        if self.scope.every_tenant:
            return self._working_for_all()
        return refusals(self.session, self.model)

    @contextmanager
    def _working_for_all(self) -> Iterator[None]:
        with refusals(self.session, self.model), tenancy.every_tenant():
            yield

    def _sees(self, row: Any) -> bool:
        # The session may hand out a row it already holds, past every filter.
        if isinstance(row, TenantScopedMixin) and not tenancy.is_visible(row.tenant_id):
            return False
        if not is_soft(self.model) or self.scope.deleted is Deleted.SHOWN:
            return True
        return bool(row.is_deleted) is (self.scope.deleted is Deleted.ONLY)


def get_by_key(session: Session, model: type[T], key: tuple[Any, ...]) -> T | None:
    """Return the row the session holds or loads; as ``Session.get``, with a statement that is built once."""
    mapper: Mapper[T] = sa.inspect(model)
    if mapper.identity_key_from_primary_key(key) in session.identity_map:
        return session.get(model, key)
    parameters = {f"key_{position}": part for position, part in enumerate(key)}
    return session.scalars(_by_key(model), parameters).unique().one_or_none()


@cache
def _by_key(model: type[SQLModel]) -> sa.Select[Any]:
    columns = sa.inspect(model).primary_key
    return sa.select(model).where(*(c == sa.bindparam(f"key_{position}") for position, c in enumerate(columns)))


def model_argument(repository: type[Any]) -> Any:
    """Return ``X`` of ``class XRepository(Repository[X])``, None where the argument is a type variable."""
    for base in repository.__dict__.get("__orig_bases__", ()):
        argument = next(iter(get_args(base)), None)
        if isinstance(get_origin(base), type) and isinstance(argument, type):
            return argument
    return None


def read_key(model: type[SQLModel], ident: Any) -> tuple[Any, ...]:
    """Return a primary key as the types of its columns. Raises InvalidFilterError for what cannot be one."""
    names = key_names(model)
    if isinstance(ident, Mapping):
        ident = tuple(ident[name] for name in names) if ident.keys() == set(names) else ()
    parts = tuple(ident) if isinstance(ident, tuple | list) else (ident,)
    if len(parts) != len(names) or None in parts:
        raise InvalidFilterError(
            f"the key of a {model.__name__} has {len(names)} parts: {', '.join(names)}", model=model.__name__
        )
    return tuple(read_value(model, name, part) for name, part in zip(names, parts, strict=True))


@cache
def key_names(model: type[SQLModel]) -> tuple[str, ...]:
    """Return the names of the fields that are the primary key."""
    mapper = sa.inspect(model)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


_MOST = 2**63 - 1


def _check_range(limit: int, offset: int) -> None:
    _check_whole("limit", limit, 1, MAX_LIMIT)
    _check_whole("offset", offset, 0, _MOST)


def _check_whole(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidFilterError(f"{name} must be a whole number from {least} to {most}", field=name)
