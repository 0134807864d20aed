"""The registry of component types: finding and listing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import check_name
from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.errors import NotFoundError
from etl_models.models.component import ComponentType
from etl_models.operations.catalog.listing import name_condition, take_page
from etl_models.reads.definition import ComponentTypeRead
from etl_models.specs.suggest import did_you_mean, quoted

_type = table_of(ComponentType)
_COLUMNS = tuple(column for column in _type.c if column.name in ComponentTypeRead.model_fields)


def get_component_type(session: Session, name: str) -> ComponentTypeRead:
    """Return a registered component type. Raises :class:`NotFoundError`; components may use the name all the same."""
    found = find_component_type(session, name)
    if found is None:
        names = session.scalars(sa.select(_type.c.name).order_by(_type.c.name).limit(2000))
        raise NotFoundError(
            f"there is no component type {quoted(name)}{did_you_mean(name, names)}", kind="component_type", name=name
        )
    return found


def find_component_type(session: Session, name: str) -> ComponentTypeRead | None:
    """Return a registered component type, or None."""
    query = sa.select(*_COLUMNS).where(_type.c.name == check_name(name, "component type"))
    row = session.execute(query).one_or_none()
    return None if row is None else ComponentTypeRead(**row._asdict())


def list_component_types(
    session: Session, *, name: str | None = None, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[ComponentTypeRead]:
    """Return a page of registered component types by name; ``name`` as in ``list_jobs``. One statement."""
    query = sa.select(*_COLUMNS)
    if name is not None:
        query = query.where(name_condition(_type.c.name, name))
    rows, next_cursor = take_page(
        session,
        query,
        {"name": SortKey(_type.c.name)},
        asked={"component_types": name},
        limit=limit,
        cursor=cursor,
    )
    return Page[ComponentTypeRead](
        items=tuple(ComponentTypeRead(**row._asdict()) for row in rows), next_cursor=next_cursor
    )
