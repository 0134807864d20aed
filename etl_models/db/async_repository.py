"""``AsyncRepository[T]``: the methods of :class:`~etl_models.db.repository.Repository`, to be awaited.

Each runs the blocking method inside ``AsyncSession.run_sync``, so nothing is decided twice. Custom methods as well::

    class AsyncCampaignRepository(AsyncRepository[Campaign]):
        core = CampaignRepository

        async def find_active(self) -> list[Campaign]:
            return await self.run(CampaignRepository.find_active)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption
from sqlmodel import SQLModel

from etl_models.db.filters import Criterion
from etl_models.db.model_sessions import finished
from etl_models.db.reading import Eager, SearchResult, model_argument
from etl_models.db.repository import Repository
from etl_models.db.selection import Deleted, Lock, OrderTerm, Scope
from etl_models.db.versioning import Change
from etl_models.domain.paging import Page

if TYPE_CHECKING:
    from etl_models.db.caching.repository_cache import RepositoryCache

T = TypeVar("T", bound=SQLModel)
R = TypeVar("R")
P = ParamSpec("P")
AnyRepository = TypeVar("AnyRepository", bound=Repository[Any])


class AsyncRepository(Generic[T]):
    """The rows of ``model`` on an asynchronous session; methods, arguments and errors are those of Repository."""

    model: type[T]
    core: ClassVar[type[Repository[Any]]] = Repository
    """The blocking repository whose methods are run."""
    cache: RepositoryCache | None = None
    """As that of the blocking repository, whose own is used where this is None."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if (model := model_argument(cls)) is not None:
            cls.model = model

    def __init__(
        self,
        session: AsyncSession,
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

    async def run(self, method: Callable[Concatenate[AnyRepository, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a method of the blocking repository."""

        def call(session: Session) -> R:
            return finished(method(self._on(session), *args, **kwargs))  # type: ignore[arg-type]

        return await self.session.run_sync(call)

    async def _do(self, work: Callable[[Repository[T]], R]) -> R:
        return await self.session.run_sync(lambda session: work(self._on(session)))

    def _on(self, session: Session) -> Repository[T]:
        core = self.core(session, self.model, scope=self.scope)
        if self.cache is not None:
            core.cache = self.cache
        return core

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

    async def get(self, ident: Any, *, load: Eager = (), options: Sequence[ORMOption] = ()) -> T:
        """Return the row with that primary key. Raises NotFoundError."""
        return await self._do(lambda core: core.get(ident, load=load, options=options))

    async def get_by_id(self, ident: Any, *, load: Eager = (), options: Sequence[ORMOption] = ()) -> T | None:
        """Return the row with that primary key, or None."""
        return await self._do(lambda core: core.get_by_id(ident, load=load, options=options))

    async def find(
        self, *filters: Criterion, load: Eager = (), options: Sequence[ORMOption] = (), **lookups: Any
    ) -> T | None:
        """Return the one row that matches, or None. Raises MultipleResultsFoundError when several do."""
        return await self._do(lambda core: core.find(*filters, load=load, options=options, **lookups))

    async def get_one(
        self, *filters: Criterion, load: Eager = (), options: Sequence[ORMOption] = (), **lookups: Any
    ) -> T:
        """Return the one row that matches. Raises NotFoundError or MultipleResultsFoundError."""
        return await self._do(lambda core: core.get_one(*filters, load=load, options=options, **lookups))

    async def find_all(
        self,
        *filters: Criterion,
        order_by: Sequence[OrderTerm] = (),
        limit: int | None = None,
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> list[T]:
        """Return every row that matches."""
        return await self._do(
            lambda core: core.find_all(*filters, order_by=order_by, limit=limit, load=load, options=options, **lookups)
        )

    async def exists(self, *filters: Criterion, **lookups: Any) -> bool:
        """Say whether a row matches."""
        return await self._do(lambda core: core.exists(*filters, **lookups))

    async def count(self, *filters: Criterion, **lookups: Any) -> int:
        """Return how many rows match."""
        return await self._do(lambda core: core.count(*filters, **lookups))

    async def search(
        self,
        *filters: Criterion,
        limit: int = 20,
        offset: int = 0,
        order_by: Sequence[OrderTerm] = (),
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> SearchResult[T]:
        """Return a page of the rows that match and how many there are in all."""
        return await self._do(
            lambda core: core.search(
                *filters, limit=limit, offset=offset, order_by=order_by, load=load, options=options, **lookups
            )
        )

    async def search_by(
        self, text: str, *filters: Criterion, fields: Sequence[str] = (), limit: int = 20, offset: int = 0, **more: Any
    ) -> SearchResult[T]:
        """Search for rows that hold every word of ``text``, in any letter case; otherwise as :meth:`search`."""
        return await self._do(
            lambda core: core.search_by(text, *filters, fields=fields, limit=limit, offset=offset, **more)
        )

    async def page(
        self,
        *filters: Criterion,
        limit: int = 50,
        cursor: str | None = None,
        order_by: Sequence[OrderTerm] = (),
        load: Eager = (),
        options: Sequence[ORMOption] = (),
        **lookups: Any,
    ) -> Page[T]:
        """Return the rows after ``cursor``, the ``next_cursor`` of the page before."""
        return await self._do(
            lambda core: core.page(
                *filters, limit=limit, cursor=cursor, order_by=order_by, load=load, options=options, **lookups
            )
        )

    # -- changing ------------------------------------------------------------------------------------------------------

    async def create(self, data: T | Mapping[str, Any] | None = None, /, **values: Any) -> T:
        """Add a row and flush it. Raises InvalidDataError, DuplicateError or ConflictError."""
        return await self._do(lambda core: core.create(data, **values))

    async def update(
        self,
        target: T | Any,
        changes: Mapping[str, Any] | None = None,
        /,
        *,
        expected_version: int | None = None,
        **values: Any,
    ) -> T:
        """Set the named fields of a row, given itself or by its key, and flush it; the others stay."""
        return await self._do(lambda core: core.update(target, changes, expected_version=expected_version, **values))

    async def upsert(
        self, data: Mapping[str, Any] | None = None, /, *, match: Collection[str] | None = None, **values: Any
    ) -> T:
        """Add a row, or change the one with the same values of ``match`` (the key by default) in the fields given."""
        return await self._do(lambda core: core.upsert(data, match=match, **values))

    async def delete(self, target: T | Any) -> None:
        """Remove a row for good, given itself or by its key."""
        await self._do(lambda core: core.delete(target))

    async def soft_delete(self, target: T | Any) -> T:
        """Hide a row."""
        return await self._do(lambda core: core.soft_delete(target))

    async def restore(self, target: T | Any) -> T:
        """Show a hidden row again."""
        return await self._do(lambda core: core.restore(target))

    # -- many rows -----------------------------------------------------------------------------------------------------

    async def bulk_create(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert rows of plain values and return how many."""
        return await self._do(lambda core: core.bulk_create(rows))

    async def bulk_update(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Change rows by their keys, each in the fields it names; return how many there were."""
        return await self._do(lambda core: core.bulk_update(rows))

    async def bulk_upsert(self, rows: Iterable[Mapping[str, Any]], *, match: Collection[str] | None = None) -> int:
        """Insert rows, or change those with the same values of ``match`` (the key by default); return how many."""
        return await self._do(lambda core: core.bulk_upsert(rows, match=match))

    # -- versions ------------------------------------------------------------------------------------------------------

    async def history(self, ident: Any) -> list[Change]:
        """Return every change of a versioned row, the oldest first; also of a deleted one."""
        return await self._do(lambda core: core.history(ident))

    async def as_of(self, ident: Any, moment: datetime) -> T | None:
        """Return a versioned row as it was at ``moment``, in no session; None when it did not exist then."""
        return await self._do(lambda core: core.as_of(ident, moment))

    async def revert_to(self, target: T | Any, version: int) -> T:
        """Give a versioned row the values of an older version. Raises NotFoundError without such a version."""
        return await self._do(lambda core: core.revert_to(target, version))
