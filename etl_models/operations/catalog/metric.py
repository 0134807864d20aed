"""Metric definitions: finding, listing, deleting and restoring."""

from __future__ import annotations

from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import parse_reference
from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.models.metric import ComponentMetric, Metric
from etl_models.operations.catalog.deletion import hide, lock_row, refuse_in_use, show
from etl_models.operations.catalog.listing import definition_conditions, take_page
from etl_models.reads.definition import MetricRead, RegistrationChange
from etl_models.repositories.definition import not_found
from etl_models.repositories.metric import find_metric_read, metric, metric_query


def get_metric(session: Session, reference: str, *, include_deleted: bool = False) -> MetricRead:
    """Return the definition of ``namespace/name`` (or ``name``). Raises :class:`NotFoundError`."""
    found = find_metric(session, reference, include_deleted=include_deleted)
    if found is None:
        raise not_found(session, metric, "metric", parse_reference(reference, "metric"))
    return found


def find_metric(session: Session, reference: str, *, include_deleted: bool = False) -> MetricRead | None:
    """Return the definition, or None when there is none, or a deleted one that was not asked for."""
    found = find_metric_read(session, parse_reference(reference, "metric"))
    return None if found is None or (found.is_deleted and not include_deleted) else found


def list_metrics(
    session: Session,
    *,
    namespace: str | None = None,
    name: str | None = None,
    include_deleted: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[MetricRead]:
    """Return a page of metric definitions by namespace and name; ``name`` as in ``list_jobs``. One statement."""
    conditions = definition_conditions(
        metric, namespace=namespace, status=None, name=name, include_deleted=include_deleted
    )
    asked = {"metrics": [namespace, name, include_deleted]}
    keys = {"namespace": SortKey(metric.c.namespace), "name": SortKey(metric.c.name)}
    rows, next_cursor = take_page(
        session, metric_query().where(*conditions), keys, asked=asked, limit=limit, cursor=cursor
    )
    return Page[MetricRead](items=tuple(MetricRead(**row._asdict()) for row in rows), next_cursor=next_cursor)


def delete_metric(session: Session, reference: str) -> RegistrationChange:
    """Hide a metric definition; its samples stay. Deleting it again changes nothing.

    Raises :class:`NotFoundError` for one that never was, and :class:`ConflictError` naming the components of living
    jobs that promise it.
    """
    row = lock_row(session, Metric, "metric", parse_reference(reference, "metric"))
    refuse_in_use(session, table_of(ComponentMetric), "metric_id", "metric", row)
    return hide(session, Metric, "metric", row)


def restore_metric(session: Session, reference: str) -> RegistrationChange:
    """Bring a deleted metric definition back as it was; one that is not deleted is left as it is."""
    row = lock_row(session, Metric, "metric", parse_reference(reference, "metric"))
    return show(session, Metric, "metric", row)
