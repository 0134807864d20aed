"""Whose rows are meant: the present tenant, and the guard that keeps every ORM query to its rows.

The guard is at the session, not only in repositories, so that a forgotten filter cannot leak rows: selects, joins,
relationship loads, ORM updates and deletes. Core statements on tables go past it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

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
    if execution.is_insert or execution.is_column_load or sees_every_tenant():
        return
    tenant = current_tenant()
    if tenant is None:
        _refuse(execution)
    if execution.is_from_statement:  # text written by hand has to name the tenant itself
        return
    execution.statement = execution.statement.options(*(_criteria(model, tenant) for model in _scoped))


def _refuse(execution: ORMExecuteState) -> None:
    for mapper in execution.all_mappers:
        if mapper.class_ in _scoped:
            raise TenantRequiredError(
                f"{mapper.class_.__name__} rows belong to tenants and no tenant is set: work inside tenant_scope(...)",
                model=mapper.class_.__name__,
            )


def _criteria(model: type[Any], tenant: str | None) -> Any:
    # Where rows of tenants are joined to without being selected there is nothing to refuse: no row matches.
    condition = sa.false() if tenant is None else model.tenant_id == tenant
    return with_loader_criteria(model, condition, include_aliases=True, propagate_to_loaders=False)
