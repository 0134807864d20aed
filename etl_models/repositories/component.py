"""Finders of components: as lists show them, and complete with configuration, dependencies and what they use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.domain.vocabulary import DataDirection
from etl_models.models.component import Component, ComponentConfiguration, ComponentDependency
from etl_models.models.dataclass import ComponentDataclass, Dataclass
from etl_models.models.job import Job
from etl_models.models.metric import ComponentMetric, Metric
from etl_models.reads.definition import ComponentRead, ComponentSummary, DependencyRead, LayoutRead

component = table_of(Component)
job = table_of(Job)
_configuration, _dependency = table_of(ComponentConfiguration), table_of(ComponentDependency)
_dataclass, _used_dataclass = table_of(Dataclass), table_of(ComponentDataclass)
_metric, _used_metric = table_of(Metric), table_of(ComponentMetric)

SUMMARY = (
    *(column for column in component.c if column.name in ComponentSummary.model_fields),
    job.c.namespace,
    job.c.name.label("job"),
)
"""The columns of a :class:`ComponentSummary`."""

ALIVE = sa.and_(component.c.is_deleted.is_(False), job.c.is_deleted.is_(False))
"""The condition that a component is part of its job, and the job is not deleted."""


def summary_query() -> sa.Select[Any]:
    """Select components with the names of their jobs."""
    return sa.select(*SUMMARY).join_from(component, job, job.c.id == component.c.job_id)


def read_components(session: Session, condition: sa.ColumnElement[bool]) -> list[ComponentRead]:
    """Return the components that meet ``condition`` (on ``component`` and ``job``), complete, job by job.

    Four statements for up to a chunk of components.
    """
    query = (
        sa.select(*SUMMARY, component.c.layout_x, component.c.layout_y, _configuration.c.configuration)
        .join_from(component, job, job.c.id == component.c.job_id)
        .outerjoin(_configuration, _configuration.c.component_id == component.c.id)
        .where(condition)
        .order_by(job.c.namespace, job.c.name, component.c.position, component.c.name)
    )
    rows = session.execute(query).all()
    ids = [row.id for row in rows]
    dependencies, dataclasses, metrics = _dependencies(session, ids), _dataclasses(session, ids), _metrics(session, ids)
    return [
        ComponentRead(
            **{name: value for name, value in row._asdict().items() if not name.startswith("layout_")},
            layout=None if row.layout_x is None else LayoutRead(x=row.layout_x, y=row.layout_y),
            depends_on=tuple(dependencies[row.id]),
            inputs=tuple(dataclasses[row.id, DataDirection.INPUT]),
            outputs=tuple(dataclasses[row.id, DataDirection.OUTPUT]),
            metrics=tuple(metrics[row.id]),
        )
        for row in rows
    ]


def _dependencies(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[DependencyRead]]:
    found: dict[UUID, list[DependencyRead]] = defaultdict(list)
    for chunk in in_chunks(ids):
        query = (
            sa.select(_dependency.c.downstream_id, component.c.name, _dependency.c.out_port, _dependency.c.in_port)
            .join(component, component.c.id == _dependency.c.upstream_id)
            .where(_dependency.c.downstream_id.in_(chunk))
            .order_by(_dependency.c.position, component.c.name)
        )
        for owner, name, out_port, in_port in session.execute(query):
            found[owner].append(DependencyRead(component=name, out_port=out_port, in_port=in_port))
    return found


def _dataclasses(session: Session, ids: Iterable[UUID]) -> dict[tuple[UUID, DataDirection], list[str]]:
    """Return the names of what is read and written; with the namespace where it is not that of the job."""
    found: dict[tuple[UUID, DataDirection], list[str]] = defaultdict(list)
    for chunk in in_chunks(ids):
        query = (
            sa.select(
                _used_dataclass.c.component_id,
                _used_dataclass.c.direction,
                _dataclass.c.namespace,
                _dataclass.c.name,
                (_dataclass.c.namespace == job.c.namespace).label("same"),
            )
            .join(_dataclass, _dataclass.c.id == _used_dataclass.c.dataclass_id)
            .join(component, component.c.id == _used_dataclass.c.component_id)
            .join(job, job.c.id == component.c.job_id)
            .where(_used_dataclass.c.component_id.in_(chunk))
            .order_by(_used_dataclass.c.position, _dataclass.c.name)
        )
        for owner, direction, namespace, name, same in session.execute(query):
            found[owner, direction].append(name if same else f"{namespace}/{name}")
    return found


def _metrics(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    for chunk in in_chunks(ids):
        query = (
            sa.select(_used_metric.c.component_id, _metric.c.name)
            .join(_metric, _metric.c.id == _used_metric.c.metric_id)
            .where(_used_metric.c.component_id.in_(chunk))
            .order_by(_used_metric.c.position, _metric.c.name)
        )
        for owner, name in session.execute(query):
            found[owner].append(name)
    return found


def users_of(
    session: Session, link: sa.Table, column: str, owner: UUID, *, limit: int | None = None
) -> Sequence[sa.Row[Any]]:
    """Return (namespace, job, component, link row's columns) of living components linked to ``owner``."""
    query = (
        sa.select(job.c.namespace, job.c.name.label("job"), component.c.name.label("component"), *link.c)
        .join_from(link, component, component.c.id == link.c.component_id)
        .join(job, job.c.id == component.c.job_id)
        .where(link.c[column] == owner, ALIVE)
        .order_by(job.c.namespace, job.c.name, component.c.position, component.c.name)
    )
    return session.execute(query.limit(limit) if limit else query).all()
