"""Registering metrics: those a document defines, and those that components name and nobody defined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference
from etl_models.models.metric import Metric
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.definition import references_in
from etl_models.specs.metric import MetricSpec

_metric = table_of(Metric)
_COMPARED = ("unit", "kind", "direction", "description")


def register_metrics(session: Session, specs: Sequence[MetricSpec]) -> list[RegistrationChange]:
    """Create, update or restore each metric. A stored one is compared value by value; it has no versions."""
    stored = _lock(session, (Reference(spec.namespace, spec.name) for spec in specs))
    writes = Writes()
    changes = []
    for spec in specs:
        row = stored.get(Reference(spec.namespace, spec.name))
        changes.append(_register(writes, spec, row))
    writes.flush(session)
    return changes


def metrics_for(
    session: Session, references: Iterable[Reference]
) -> tuple[dict[Reference, UUID], list[RegistrationChange]]:
    """Return the id of every metric that components name, and what had to be made or restored for that.

    A metric nobody defined becomes a gauge without a unit; a file that defines it later changes it in place.
    """
    wanted = sorted(set(references))
    stored = _lock(session, wanted, shared=True)
    writes = Writes()
    changes = []
    ids = {}
    for reference in wanted:
        row = stored.get(reference)
        if row is None or row.is_deleted:
            spec = MetricSpec.model_validate(reference._asdict())
            change = _register(writes, spec, row) if row is None else _restore(writes, row)
            changes.append(change)
            ids[reference] = _id_of(change)
        else:
            ids[reference] = row.id
    writes.flush(session)
    return ids, changes


def _lock(session: Session, references: Iterable[Reference], *, shared: bool = False) -> dict[Reference, sa.Row[Any]]:
    found: dict[Reference, sa.Row[Any]] = {}
    for condition in references_in(_metric, references):
        query = sa.select(_metric).where(condition).order_by(_metric.c.namespace, _metric.c.name)
        for row in session.execute(query.with_for_update(read=shared, key_share=not shared)):
            found[Reference(row.namespace, row.name)] = row
    return found


def _register(writes: Writes, spec: MetricSpec, stored: sa.Row[Any] | None) -> RegistrationChange:
    values = {name: getattr(spec, name) for name in _COMPARED} | {"is_deleted": False, "deleted_at": None}
    if stored is None:
        id_ = uuid7()
        writes.insert(Metric, id=id_, namespace=spec.namespace, name=spec.name, **values)
        return _change(spec.namespace, spec.name, Action.CREATED, id_)
    if stored.is_deleted:
        action = Action.RESTORED
    else:
        same = all(getattr(stored, name) == values[name] for name in _COMPARED)
        action = Action.UNCHANGED if same else Action.UPDATED
    if action is not Action.UNCHANGED:
        writes.update(Metric, stored.id, **values)
    return _change(spec.namespace, spec.name, action, stored.id)


def _restore(writes: Writes, stored: sa.Row[Any]) -> RegistrationChange:
    writes.update(Metric, stored.id, is_deleted=False, deleted_at=None)
    return _change(stored.namespace, stored.name, Action.RESTORED, stored.id)


def _change(namespace: str, name: str, action: Action, id_: UUID) -> RegistrationChange:
    return RegistrationChange(kind="metric", namespace=namespace, name=name, action=action, version=None, id=id_)


def _id_of(change: RegistrationChange) -> UUID:
    assert change.id is not None
    return change.id
