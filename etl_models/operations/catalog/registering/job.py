"""Registering jobs with their components, any number of them in a bounded number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference
from etl_models.errors import DefinitionError, Problem
from etl_models.models.job import Job, JobLatestExecution
from etl_models.models.tag import JobTag, JobVersionTag
from etl_models.models.version import JobVersion
from etl_models.operations.catalog.registering.component import (
    ComponentsOfJob,
    Known,
    StoredComponents,
    find_components,
)
from etl_models.operations.catalog.registering.metric import metrics_for
from etl_models.operations.catalog.registering.outcome import Content, content_of, judge, next_version
from etl_models.operations.catalog.registering.references import declare_outputs, resolve
from etl_models.operations.catalog.registering.tag import tags_for
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.definition import Stored, lock_definitions
from etl_models.repositories.tag import TagName
from etl_models.specs.job import JobSpec
from etl_models.specs.positions import Path


class _Plan(NamedTuple):
    """What is to be done with one job."""

    path: Path
    spec: JobSpec
    content: Content
    stored: Stored | None
    id: UUID
    action: Action
    version: int

    @property
    def has_new_content(self) -> bool:
        return self.stored is None or self.stored.version != self.version

    def tags(self) -> list[TagName]:
        return [(key, value or "") for key, value in self.spec.tags.items()]


def register_jobs(session: Session, specs: Sequence[tuple[Path, JobSpec]]) -> list[RegistrationChange]:
    """Create, update or restore each job with its components; ``specs`` come with their paths, for problems.

    Raises :class:`DefinitionError` with everything that the components of changed jobs refer to in vain.
    """
    plans = _plan(session, specs)
    changed = [plan for plan in plans if plan.action is not Action.UNCHANGED]
    jobs = [(plan.path, plan.spec) for plan in changed]
    drafts = declare_outputs(session, jobs) if jobs else []
    dataclasses = resolve(session, jobs) if jobs else {}
    metrics, metric_changes = metrics_for(session, _metrics(changed)) if jobs else ({}, [])
    tags, tag_changes = tags_for(session, (tag for plan in plans for tag in plan.tags()))
    components = find_components(session, (plan.id for plan in changed if plan.stored is not None))
    writes = Writes()
    changes = [*drafts, *metric_changes, *tag_changes]
    for plan in plans:
        if plan.action is Action.UNCHANGED:
            changes.append(_change(plan))
        else:
            changes += _register(writes, plan, components.get(plan.id, {}), Known(dataclasses, metrics))
            if plan.has_new_content:
                _add_version(writes, plan, [tags[name] for name in plan.tags()])
    writes.flush(session)
    return changes


def _plan(session: Session, specs: Sequence[tuple[Path, JobSpec]]) -> list[_Plan]:
    problems: list[Problem] = []
    contents = [content_of(spec, path, problems) for path, spec in specs]
    if problems:
        raise DefinitionError(problems)
    found = lock_definitions(session, table_of(Job), (Reference(spec.namespace, spec.name) for _, spec in specs))
    plans = []
    for (path, spec), content in zip(specs, contents, strict=True):
        stored = found.get(Reference(spec.namespace, spec.name))
        id_ = uuid7() if stored is None else stored.id
        action, version = judge(stored, content.hash), next_version(stored, content.hash)
        plans.append(_Plan(path, spec, content, stored, id_, action, version))
    return plans


def _metrics(plans: Iterable[_Plan]) -> Iterable[Reference]:
    for plan in plans:
        for component in plan.spec.components:
            for name in component.metrics:
                yield Reference(plan.spec.namespace, name)


def _register(
    writes: Writes, plan: _Plan, stored_components: StoredComponents, known: Known
) -> list[RegistrationChange]:
    spec = plan.spec
    row = {
        "description": spec.description,
        "status": spec.status,
        "strategy_type": spec.strategy_type,
        "num_of_retries": spec.num_of_retries,
        "file_logging": spec.file_logging,
        "schedule": plan.content.document["schedule"],
        "version": plan.version,
        "content_hash": plan.content.hash,
        "is_deleted": False,
        "deleted_at": None,
    }
    if plan.stored is None:
        writes.insert(Job, id=plan.id, namespace=spec.namespace, name=spec.name, **row)
        writes.insert(JobLatestExecution, job_id=plan.id)
    else:
        writes.update(Job, plan.id, **row)
    components = ComponentsOfJob(writes, plan.id, spec, stored_components, known)
    changes = components.register(plan.content.document["components"])
    changed = [change for change in changes if change.action is not Action.UNCHANGED]
    return [_change(plan, removed=components.remove_others()), *changed]


def _add_version(writes: Writes, plan: _Plan, tag_ids: list[UUID]) -> None:
    version_id = uuid7()
    writes.insert(
        JobVersion,
        id=version_id,
        job_id=plan.id,
        version=plan.version,
        document=plan.content.document,
        content_hash=plan.content.hash,
    )
    if plan.stored is not None:
        writes.delete(JobTag, "job_id", [plan.id])
    for tag_id in tag_ids:
        writes.insert(JobTag, job_id=plan.id, tag_id=tag_id)
        writes.insert(JobVersionTag, job_version_id=version_id, tag_id=tag_id)


def _change(plan: _Plan, removed: tuple[str, ...] = ()) -> RegistrationChange:
    return RegistrationChange(
        kind="job",
        namespace=plan.spec.namespace,
        name=plan.spec.name,
        action=plan.action,
        version=plan.version,
        id=plan.id,
        removed_components=removed,
    )
