"""Components of a job that is being registered: matched by name, so that ids and history stay with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.domain.hashing import content_hash
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference
from etl_models.models.component import Component, ComponentConfiguration, ComponentDependency
from etl_models.models.dataclass import ComponentDataclass
from etl_models.models.metric import ComponentMetric
from etl_models.models.version import ComponentVersion
from etl_models.operations.catalog.registering.outcome import Content, judge, next_version
from etl_models.operations.catalog.registering.references import uses_of
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.definition import Stored
from etl_models.specs.component import ComponentSpec
from etl_models.specs.job import JobSpec

_component = table_of(Component)

StoredComponents = dict[str, tuple[Stored, int]]
"""The stored components of a job by name, each with its position; removed ones too."""


class Known(NamedTuple):
    """Ids of what components may refer to."""

    dataclasses: Mapping[Reference, UUID]
    metrics: Mapping[Reference, UUID]


def find_components(session: Session, job_ids: Iterable[UUID]) -> dict[UUID, StoredComponents]:
    """Return the stored components of each job."""
    found: dict[UUID, StoredComponents] = {}
    for chunk in in_chunks(job_ids):
        query = sa.select(
            _component.c.job_id,
            _component.c.name,
            _component.c.position,
            _component.c.id,
            _component.c.version,
            _component.c.content_hash,
            _component.c.is_deleted,
        ).where(_component.c.job_id.in_(chunk))
        for job_id, name, position, *rest in session.execute(query):
            found.setdefault(job_id, {})[name] = (Stored(*rest), position)
    return found


class ComponentsOfJob:
    """One job's components: notes in ``writes`` what has to change, and remembers what was done."""

    def __init__(self, writes: Writes, job_id: UUID, spec: JobSpec, stored: StoredComponents, known: Known) -> None:
        self._writes = writes
        self._job_id = job_id
        self._spec = spec
        self._stored = stored
        self._known = known
        self._ids = {each.name: stored[each.name][0].id if each.name in stored else uuid7() for each in spec.components}

    def register(self, documents: Iterable[dict[str, Any]]) -> list[RegistrationChange]:
        """Note every component, given with its document, and return what happens to each."""
        return [
            self._register(position, component, Content(document, content_hash(document)))
            for position, (component, document) in enumerate(zip(self._spec.components, documents, strict=True))
        ]

    def remove_others(self) -> tuple[str, ...]:
        """Hide the components that the job no longer has, and return their names."""
        removed = tuple(
            name for name, (stored, _) in self._stored.items() if not stored.is_deleted and name not in self._ids
        )
        for name in removed:
            self._writes.update(Component, self._stored[name][0].id, is_deleted=True, deleted_at=self._writes.now)
        return removed

    def _register(self, position: int, spec: ComponentSpec, content: Content) -> RegistrationChange:
        stored, old_position = self._stored.get(spec.name, (None, position))
        action, version = judge(stored, content.hash), next_version(stored, content.hash)
        id_ = self._ids[spec.name]
        if action is not Action.UNCHANGED:
            self._write(id_, position, spec, content, version, is_new=stored is None)
        elif position != old_position:
            self._writes.update(Component, id_, position=position)
        if stored is None or stored.version != version:
            self._writes.insert(
                ComponentVersion,
                id=uuid7(),
                component_id=id_,
                version=version,
                document=content.document,
                content_hash=content.hash,
            )
        return RegistrationChange(
            kind="component",
            namespace=self._spec.namespace,
            name=spec.name,
            job=self._spec.name,
            action=action,
            version=version,
            id=id_,
        )

    def _write(
        self, id_: UUID, position: int, spec: ComponentSpec, content: Content, version: int, *, is_new: bool
    ) -> None:
        row = {
            "component_type": spec.component_type,
            "description": spec.description,
            "status": spec.status,
            "position": position,
            "layout_x": None if spec.layout is None else spec.layout.x,
            "layout_y": None if spec.layout is None else spec.layout.y,
            "version": version,
            "content_hash": content.hash,
            "is_deleted": False,
            "deleted_at": None,
        }
        configuration = content.document["configuration"]
        if is_new:
            self._writes.insert(Component, id=id_, job_id=self._job_id, name=spec.name, **row)
            self._writes.insert(ComponentConfiguration, component_id=id_, configuration=configuration)
        else:
            self._writes.update(Component, id_, **row)
            self._writes.update(ComponentConfiguration, id_, configuration=configuration)
            self._writes.delete(ComponentDependency, "downstream_id", [id_])
            self._writes.delete(ComponentDataclass, "component_id", [id_])
            self._writes.delete(ComponentMetric, "component_id", [id_])
        self._link(id_, spec)

    def _link(self, id_: UUID, spec: ComponentSpec) -> None:
        for position, dependency in enumerate(spec.depends_on):
            self._writes.insert(
                ComponentDependency,
                job_id=self._job_id,
                downstream_id=id_,
                upstream_id=self._ids[dependency.component],
                out_port=dependency.out_port,
                in_port=dependency.in_port,
                position=position,
            )
        for position, use in enumerate(uses_of(spec, self._spec.namespace, ())):
            self._writes.insert(
                ComponentDataclass,
                component_id=id_,
                dataclass_id=self._known.dataclasses[use.reference],
                direction=use.direction,
                position=position,
            )
        for position, name in enumerate(spec.metrics):
            self._writes.insert(
                ComponentMetric,
                component_id=id_,
                metric_id=self._known.metrics[Reference(self._spec.namespace, name)],
                position=position,
            )
