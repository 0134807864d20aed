"""Finders of metric definitions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.naming import Reference
from etl_models.models.metric import Metric
from etl_models.reads.definition import MetricRead

metric = table_of(Metric)


def metric_query() -> sa.Select[Any]:
    """Select metric definitions; each row makes a :class:`MetricRead`."""
    return sa.select(metric)


def find_metric_read(session: Session, reference: Reference) -> MetricRead | None:
    """Return the definition, deleted or not."""
    query = metric_query().where(metric.c.namespace == reference.namespace, metric.c.name == reference.name)
    row = session.execute(query).one_or_none()
    return None if row is None else MetricRead(**row._asdict())
