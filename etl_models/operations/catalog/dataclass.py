"""Dataclasses: finding, listing, their history, deleting and restoring."""

from __future__ import annotations

from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import check_name, parse_reference
from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.models.dataclass import ComponentDataclass, Dataclass
from etl_models.models.version import DataclassVersion
from etl_models.operations.catalog.deletion import hide, lock_row, refuse_in_use, show
from etl_models.operations.catalog.listing import definition_conditions, take_page, version_page
from etl_models.reads.definition import DataclassRead, DataclassSummary, RegistrationChange, VersionRead
from etl_models.repositories.dataclass import dataclass, find_dataclass_read, summary_query
from etl_models.repositories.definition import find_id, not_found


def get_dataclass(session: Session, reference: str, *, include_deleted: bool = False) -> DataclassRead:
    """Return the dataclass ``namespace/name`` (or ``name``). Raises :class:`NotFoundError`."""
    found = find_dataclass(session, reference, include_deleted=include_deleted)
    if found is None:
        raise not_found(session, dataclass, "dataclass", parse_reference(reference, "dataclass"))
    return found


def find_dataclass(session: Session, reference: str, *, include_deleted: bool = False) -> DataclassRead | None:
    """Return the dataclass, or None when there is none, or a deleted one that was not asked for."""
    found = find_dataclass_read(session, parse_reference(reference, "dataclass"))
    return None if found is None or (found.is_deleted and not include_deleted) else found


def list_dataclasses(
    session: Session,
    *,
    namespace: str | None = None,
    status: DefinitionStatus | str | None = None,
    dataclass_type: str | None = None,
    name: str | None = None,
    include_deleted: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[DataclassSummary]:
    """Return a page of dataclasses by namespace and name; ``name`` as in ``list_jobs``. One statement."""
    conditions = definition_conditions(
        dataclass, namespace=namespace, status=status, name=name, include_deleted=include_deleted
    )
    if dataclass_type is not None:
        conditions.append(dataclass.c.dataclass_type == check_name(dataclass_type, "dataclass_type"))
    asked = {"dataclasses": [namespace, status, dataclass_type, name, include_deleted]}
    keys = {"namespace": SortKey(dataclass.c.namespace), "name": SortKey(dataclass.c.name)}
    rows, next_cursor = take_page(
        session, summary_query().where(*conditions), keys, asked=asked, limit=limit, cursor=cursor
    )
    return Page[DataclassSummary](
        items=tuple(DataclassSummary(**row._asdict()) for row in rows), next_cursor=next_cursor
    )


def dataclass_history(
    session: Session, reference: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[VersionRead]:
    """Return a page of the versions of a dataclass, newest first; a deleted one has its history still."""
    wanted = parse_reference(reference, "dataclass")
    dataclass_id = find_id(session, dataclass, wanted)
    if dataclass_id is None:
        raise not_found(session, dataclass, "dataclass", wanted)
    return version_page(session, table_of(DataclassVersion), "dataclass_id", dataclass_id, limit=limit, cursor=cursor)


def delete_dataclass(session: Session, reference: str) -> RegistrationChange:
    """Hide a dataclass; its versions stay. Deleting it again changes nothing.

    Raises :class:`NotFoundError` for one that never was, and :class:`ConflictError` naming the components of living
    jobs that use it.
    """
    row = lock_row(session, Dataclass, "dataclass", parse_reference(reference, "dataclass"))
    refuse_in_use(session, table_of(ComponentDataclass), "dataclass_id", "dataclass", row)
    return hide(session, Dataclass, "dataclass", row)


def restore_dataclass(session: Session, reference: str) -> RegistrationChange:
    """Bring a deleted dataclass back as it was; one that is not deleted is left as it is."""
    row = lock_row(session, Dataclass, "dataclass", parse_reference(reference, "dataclass"))
    return show(session, Dataclass, "dataclass", row)
