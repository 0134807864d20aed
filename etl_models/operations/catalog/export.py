"""Definitions written out again as documents that can be registered: here nothing would change, elsewhere they are new.

Documents are brief: keys that hold their default are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.naming import Reference, parse_reference
from etl_models.models.version import ComponentVersion, DataclassVersion, JobVersion
from etl_models.operations.catalog.component import get_component
from etl_models.operations.catalog.dataclass import get_dataclass
from etl_models.operations.catalog.job import get_job
from etl_models.operations.catalog.metric import find_metric, get_metric
from etl_models.reads.definition import JobRead, MetricRead
from etl_models.specs.base import Spec
from etl_models.specs.component import ComponentSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.job import JobSpec
from etl_models.specs.metric import MetricSpec

Document = dict[str, JsonValue]


def export_job(session: Session, reference: str, *, references: bool = True) -> Document:
    """Return a document with the job; with ``references`` also the dataclasses and metrics its components use.

    Raises :class:`NotFoundError`.
    """
    job = get_job(session, reference)
    document: Document = {"version": 1, "namespace": job.namespace}
    if references:
        document |= _filled("dataclasses", [_dataclass(session, each, job.namespace) for each in _dataclasses(job)])
        document |= _filled("metrics", _metrics(session, job))
    document["jobs"] = [_brief_job(_stored(session, JobVersion, "job_id", job.id, job.version))]
    return document


def export_component(session: Session, name: str, *, job: str) -> Document:
    """Return a bare component, as ``register_component`` takes it. Raises :class:`NotFoundError`."""
    found = get_component(session, name, job=job)
    stored = _stored(session, ComponentVersion, "component_id", found.id, found.version)
    return _brief_component(ComponentSpec.model_validate(stored))


def export_dataclass(session: Session, reference: str) -> Document:
    """Return a document with the dataclass. Raises :class:`NotFoundError`."""
    wanted = parse_reference(reference, "dataclass")
    return {
        "version": 1,
        "namespace": wanted.namespace,
        "dataclasses": [_dataclass(session, wanted, wanted.namespace)],
    }


def export_metric(session: Session, reference: str) -> Document:
    """Return a document with the metric. Raises :class:`NotFoundError`."""
    found = get_metric(session, reference)
    return {"version": 1, "namespace": found.namespace, "metrics": [_brief_metric(found)]}


def _stored(session: Session, model: type[Any], column: str, owner_id: UUID, version: int) -> dict[str, Any]:
    table = table_of(model)
    query = sa.select(table.c.document).where(table.c[column] == owner_id, table.c.version == version)
    document: dict[str, Any] = session.execute(query).scalar_one()
    return document


def _dataclasses(job: JobRead) -> list[Reference]:
    names = {name: None for component in job.components for name in (*component.inputs, *component.outputs)}
    return [parse_reference(name, namespace=job.namespace) for name in names]


def _dataclass(session: Session, reference: Reference, namespace: str) -> Document:
    found = get_dataclass(session, str(reference))
    stored = _stored(session, DataclassVersion, "dataclass_id", found.id, found.version)
    return _without_namespace(_brief(DataclassSpec.model_validate(stored)), namespace)


def _metrics(session: Session, job: JobRead) -> Iterable[Document]:
    """Yield the metrics that somebody defined: one without unit and meaning comes back by being named."""
    for name in {name: None for component in job.components for name in component.metrics}:
        found = find_metric(session, str(Reference(job.namespace, name)))
        if found is not None and len(brief := _brief_metric(found)) > 1:
            yield brief


def _brief_metric(found: MetricRead) -> Document:
    values = {name: getattr(found, name) for name in MetricSpec.model_fields}
    return _without_namespace(_brief(MetricSpec.model_validate(values)), found.namespace)


def _brief_job(stored: Document) -> Document:
    spec = JobSpec.model_validate(stored)
    document = _without_namespace(_brief(spec), spec.namespace)
    if spec.tags:
        document["tags"] = [key if value is None else {key: value} for key, value in spec.tags.items()]
    if spec.components:
        document["components"] = [_brief_component(component) for component in spec.components]
    return document


def _brief_component(spec: ComponentSpec) -> Document:
    document = _brief(spec)
    if spec.depends_on:
        document["depends_on"] = [
            each["component"] if len(each) == 1 else each for each in map(_brief, spec.depends_on)
        ]
    return document


def _brief(spec: Spec) -> Document:
    return spec.model_dump(mode="json", exclude_defaults=True)


def _without_namespace(document: Document, namespace: str) -> Document:
    """Leave out a namespace that the document around it says already; name the default one where it does not."""
    own = document.pop("namespace", "default")
    return document if own == namespace else {"namespace": own, **document}


def _filled(key: str, items: Iterable[Document]) -> Document:
    found = list(items)
    return {key: found} if found else {}
