"""Whose rows are meant: the present tenant, and the guard that keeps every ORM query to its rows.

The guard is at the session, not only in repositories, so that a forgotten filter cannot leak rows: selects, joins,
subqueries, relationship loads, updates, deletes, flushes. A statement it cannot narrow (Core on the table, an update by
primary keys, ``from_statement``, ``INSERT ... SELECT``) is refused, save inside :func:`every_tenant`.

It sees statements. SQL written as text has to name the tenant itself; what is sent through ``session.connection()`` or
the legacy ``session.bulk_*`` methods goes past it; and ``session.get`` hands out a row that the session already holds:
let a session serve one tenant, or use repositories, which look at what they hand out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql import visitors
from sqlalchemy.util import LRUCache

from etl_models.db.bases import table_of
from etl_models.db.errors import TenantRequiredError
from etl_models.domain.naming import check_name

MAX_TENANT_LENGTH = 64
_EVERY_TENANT = object()
_tenant: ContextVar[object] = ContextVar("etl_models_tenant", default=None)
_scoped: list[type[Any]] = []


@contextmanager
def tenant_scope(tenant: str) -> Iterator[None]:
    """Let everything inside the block (this thread or task) see and make rows of ``tenant`` only."""
    token = _tenant.set(check_name(tenant, "tenant", limit=MAX_TENANT_LENGTH, slash=True))
    try:
        yield
    finally:
        _tenant.reset(token)


@contextmanager
def every_tenant() -> Iterator[None]:
    """The way out: queries inside the block see the rows of all tenants; new rows have to name theirs."""
    token = _tenant.set(_EVERY_TENANT)
    try:
        yield
    finally:
        _tenant.reset(token)


def current_tenant() -> str | None:
    """Return the present tenant; None when there is none, or every one is meant."""
    tenant = _tenant.get()
    return tenant if isinstance(tenant, str) else None


def sees_every_tenant() -> bool:
    """Say whether this is inside :func:`every_tenant`."""
    return _tenant.get() is _EVERY_TENANT


def require_tenant() -> str:
    """Return the present tenant; raises TenantRequiredError when there is none."""
    if (tenant := current_tenant()) is None:
        raise TenantRequiredError("no tenant is set: work inside tenant_scope(...)")
    return tenant


def check_tenant(model: type[Any], tenant: str) -> None:
    """Refuse to write a row of another tenant than the present one. Raises TenantRequiredError."""
    if not sees_every_tenant() and tenant != require_tenant():
        raise TenantRequiredError(f"this {model.__name__} belongs to another tenant", model=model.__name__)


def check_flush(model: type[Any], *tenants: str) -> None:
    """Refuse to flush a change of a row that is, or was, of another tenant than the present one, if there is one.

    Without a tenant a flush is let through: rows that were made inside a block may be committed after it.
    """
    present = current_tenant()
    if present is not None and any(tenant != present for tenant in tenants):
        raise TenantRequiredError(
            f"this {model.__name__} belongs to another tenant; flush the changes of one before the next one's turn",
            model=model.__name__,
        )


def is_visible(tenant: str) -> bool:
    """Say whether rows of ``tenant`` are seen here."""
    return sees_every_tenant() or tenant == current_tenant()


def guard(model: type[Any]) -> None:
    """Keep ORM queries for ``model`` to the present tenant from now on."""
    _scoped.append(model)
    _install()


@cache
def _install() -> None:
    event.listen(Session, "do_orm_execute", _keep_to_tenant)


def _keep_to_tenant(execution: ORMExecuteState) -> None:
    # More columns of a row that is already held are no leak, and are loaded wherever they are needed.
    if execution.is_column_load or sees_every_tenant():
        return
    tenant = current_tenant()
    if tenant is None or not _can_be_narrowed(execution) or not _narrow_within(execution, tenant):
        _refuse(execution, tenant)
    elif not (execution.is_insert or execution.is_from_statement):
        _narrow(execution, tenant)
        return
    if tenant is None and execution.is_orm_statement and not execution.is_insert:
        _narrow(execution, None)  # relations that are loaded along are not seen above: no row matches


def _narrow(execution: ORMExecuteState, tenant: str | None) -> None:
    models: list[Any] = _scoped
    execution.statement = execution.statement.options(*(_criteria(model, tenant) for model in models))


def _can_be_narrowed(execution: ORMExecuteState) -> bool:
    """Whether criteria reach every place of the statement; text is taken as it is."""
    if execution.is_from_statement:
        return isinstance(getattr(execution.statement, "element", None), sa.TextClause)
    if execution.is_insert:
        return getattr(execution.statement, "select", None) is None
    if execution.is_update and isinstance(execution.parameters, Sequence):
        return False  # by primary key, where the ORM applies no criteria
    return bool(execution.is_orm_statement) or isinstance(execution.statement, sa.TextClause)


def _narrow_within(execution: ORMExecuteState, tenant: str) -> bool:
    """Narrow the selects of the statement that criteria do not reach; False where that cannot be done."""
    statement: Any = execution.statement
    key = statement._generate_cache_key()  # noqa: SLF001  (what SQLAlchemy itself remembers statements by)
    known = None if key is None else (len(_scoped), key.key)
    if known in _reached:
        return True
    unreached = _Unreached(tenant)
    if not any(unreached.of(element) for element in _elements(statement)):
        if known is not None:
            _reached[known] = True
        return True
    narrowed: set[int] = set()

    def narrow(select: sa.Select[Any]) -> None:
        sources = unreached.of(select)
        if all(source.takes_condition for source in sources):
            for source in sources:
                select.where.non_generative(select, source.item.c.tenant_id == tenant)  # type: ignore[attr-defined]
            narrowed.add(id(select))

    # A copy: the statement is the caller's, who may use it for another tenant next.
    copied: Any = visitors.cloned_traverse(statement, {}, {"select": narrow})
    if any(unreached.of(element) and id(element) not in narrowed for element in _elements(copied)):
        return False
    execution.statement = copied
    return True


_reached: LRUCache[Any, bool] = LRUCache(1000)
"""Statements all of which criteria reach, by SQLAlchemy's key of them and the number of models with tenants."""


class _Source(NamedTuple):
    """A table or alias that a select reads from; in an outer join a condition on it would change what that means."""

    item: Any
    takes_condition: bool
    is_full: bool = False


class _Unreached:
    """Finds the tables and aliases of tenants' rows that a statement reads from and criteria do not reach.

    What they reach differs between lines of SQLAlchemy, and leaves out more than plain tables: models that only stand
    in a WHERE clause, second ones in an expression, and the relation that refers to its own table. So it is not
    guessed: SQLAlchemy applies them, and those are reached of which the outcome has a condition.
    """

    def __init__(self, tenant: str) -> None:
        models: list[Any] = _scoped
        self._held = {table_of(model) for model in models}
        self._criteria = [_criteria(model, tenant) for model in models]

    def of(self, element: Any) -> list[_Source]:
        """Return those of one select, update or delete, without what is inside it."""
        if isinstance(element, sa.Update | sa.Delete):
            froms = () if element.whereclause is None else element.whereclause._from_objects  # noqa: SLF001
            return [_Source(item, takes_condition=False) for item in froms if item != element.table and self._is(item)]
        if not isinstance(element, sa.Select):
            return []
        if not element._propagate_attrs:  # noqa: SLF001  (the ORM has no part in it)
            return self._sources(element)
        applied = self._applied(element)
        if not (sources := self._sources(applied)):
            return []
        reached = {
            term.left.table
            for term in visitors.iterate(applied)
            if isinstance(term, sa.BinaryExpression)
            and isinstance(term._annotations.get("for_loader_criteria"), _Everywhere)  # noqa: SLF001
        }
        return [source for source in sources if source.is_full or source.item not in reached]

    def _sources(self, select: sa.Select[Any]) -> list[_Source]:
        return [source for each in select.get_final_froms() for source in _leaves(each) if self._is(source.item)]

    def _applied(self, select: Any) -> Any:
        """Return what the ORM makes of a select, as if inside of another: without what is loaded along by joins."""
        told = select.options(*self._criteria)
        compiler = told._default_compiler()  # noqa: SLF001
        compiler.stack.append({"selectable": told, "correlate_froms": set(), "asfrom_froms": set()})
        return told._compile_state_factory(told, compiler).statement  # noqa: SLF001

    def _is(self, source: Any) -> bool:
        if isinstance(source, sa.Alias | sa.TableSample):
            return self._is(source.element)
        return source in self._held  # a subquery is looked at by itself


def _leaves(source: Any, *, takes_condition: bool = True, is_full: bool = False) -> Iterator[_Source]:
    if not isinstance(source, sa.Join):
        yield _Source(source, takes_condition, is_full)
        return
    for side in (source.left, source.right):
        inner = takes_condition and not (source.isouter or source.full)
        yield from _leaves(side, takes_condition=inner, is_full=is_full or source.full)


def _refuse(execution: ORMExecuteState, tenant: str | None) -> None:
    """Raise TenantRequiredError when the statement has to do with rows of tenants."""
    if execution.is_insert and getattr(execution.statement, "select", None) is None:
        return  # the row says whose it is
    held = {table_of(model): model for model in _scoped}
    model = next((held[table] for table in _tables(execution) if table in held), None)
    if model is None:
        return
    if tenant is None:
        reason = "rows belong to tenants and no tenant is set: work inside tenant_scope(...)"
    else:
        reason = "rows belong to tenants and this kind of statement cannot be kept to one: see every_tenant()"
    raise TenantRequiredError(f"{model.__name__} {reason}", model=model.__name__)


def _tables(execution: ORMExecuteState) -> Iterator[Any]:
    """Yield the tables a statement names, at any depth; some of them several times."""
    yield from (mapper.local_table for mapper in execution.all_mappers)
    yield from (element for element in _elements(execution.statement) if isinstance(element, sa.Table))


def _elements(statement: Any) -> Iterator[Any]:
    """Yield what a statement is made of, at any depth: through columns to where they come from as well."""
    waiting: list[Any] = [statement]
    seen = set()
    while waiting:
        for element in visitors.iterate(waiting.pop()):
            yield element
            if isinstance(element, sa.Column) and element.table is not None and id(element.table) not in seen:
                seen.add(id(element.table))
                waiting.append(element.table)


class _Everywhere(LoaderCriteriaOption):
    """Criteria that hold in every place, as applied: by this kind their conditions are known from others."""

    _traverse_internals = LoaderCriteriaOption._traverse_internals  # noqa: SLF001  (what identifies it in caches)


class _Criteria(LoaderCriteriaOption):
    """Criteria that hold in every place of one statement, and are not kept for later ones.

    SQLAlchemy knows criteria for all of it, which rows then carry on to what they load in other scopes, and criteria
    that leave out what is loaded by a join along with a row.
    """

    _traverse_internals = LoaderCriteriaOption._traverse_internals  # noqa: SLF001  (what identifies it in caches)

    def get_global_criteria(self, attributes: dict[Any, Any]) -> None:
        """Let joins that load relations see them."""
        everywhere = object.__new__(_Everywhere)
        for name in LoaderCriteriaOption.__slots__:
            setattr(everywhere, name, getattr(self, name))
        everywhere.propagate_to_loaders = True
        everywhere.get_global_criteria(attributes)


@lru_cache(maxsize=1024)
def _criteria(model: type[Any], tenant: str | None) -> Any:
    if tenant is None:
        return _Criteria(model, sa.false(), include_aliases=True, propagate_to_loaders=False)
    # A function, because an expression would not be adapted to aliases that are joined.
    return _Criteria(model, lambda kind: kind.tenant_id == tenant, include_aliases=True, propagate_to_loaders=False)
