"""What an execution is pinned to: the job, its newest definition version, and the components of that version."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.savepoint import savepoint
from etl_models.domain.actor import current_actor
from etl_models.domain.clock import utcnow
from etl_models.domain.hashing import content_hash
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference, parse_reference
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.models.component import Component, ComponentDependency
from etl_models.models.job import Job, JobLatestExecution
from etl_models.models.version import JobVersion
from etl_models.repositories.definition import not_found

_job = table_of(Job)
_version = table_of(JobVersion)
_component = table_of(Component)
_dependency = table_of(ComponentDependency)


@dataclass(frozen=True, slots=True)
class PinnedJob:
    """A job as recording needs it. ``upstreams`` maps each component's name to the names it depends on, in order."""

    job_id: UUID
    job_version_id: UUID
    version: int
    content_hash: str
    namespace: str
    name: str
    num_of_retries: int
    is_deleted: bool = False
    component_ids: dict[str, UUID] = field(default_factory=dict)
    upstreams: dict[str, tuple[str, ...]] = field(default_factory=dict)


def pin_job(session: Session, reference: str | Reference, *, create_missing: bool) -> PinnedJob:
    """Return the newest version of a job, in two statements.

    With ``create_missing`` a job nobody registered becomes a draft without components, and a deleted one is pinned as
    it was, so that no execution is lost; otherwise both raise :class:`NotFoundError`.
    """
    wanted = parse_reference(str(reference), "job")
    found = _find(session, wanted)
    if found is None and create_missing:
        found = _create_draft(session, wanted)
    if found is None or (found.is_deleted and not create_missing):
        raise not_found(session, _job, "job", wanted)
    return found


def ensure_job(session: Session, namespace: str, name: str) -> PinnedJob:
    """Return the newest version of the job, which becomes a draft first if nobody registered it."""
    return pin_job(session, Reference(namespace, name), create_missing=True)


def _find(session: Session, reference: Reference) -> PinnedJob | None:
    query = (
        sa.select(
            _job.c.id.label("job_id"),
            _version.c.id.label("job_version_id"),
            _job.c.version,
            _version.c.content_hash,
            _job.c.namespace,
            _job.c.name,
            _job.c.num_of_retries,
            _job.c.is_deleted,
        )
        .join(_version, sa.and_(_version.c.job_id == _job.c.id, _version.c.version == _job.c.version))
        .where(_job.c.namespace == reference.namespace, _job.c.name == reference.name)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    component_ids, upstreams = _components(session, row.job_id)
    return PinnedJob(**row._asdict(), component_ids=component_ids, upstreams=upstreams)


def _components(session: Session, job_id: UUID) -> tuple[dict[str, UUID], dict[str, tuple[str, ...]]]:
    upstream = _component.alias("upstream")
    query = (
        sa.select(_component.c.name, _component.c.id, upstream.c.name)
        .outerjoin(_dependency, _dependency.c.downstream_id == _component.c.id)
        .outerjoin(upstream, upstream.c.id == _dependency.c.upstream_id)
        .where(_component.c.job_id == job_id, _component.c.is_deleted.is_(False))
        .order_by(_component.c.position, _component.c.name, _dependency.c.position)
    )
    ids: dict[str, UUID] = {}
    upstreams: dict[str, dict[str, None]] = {}
    for name, component_id, upstream_name in session.execute(query):
        ids[name] = component_id
        names = upstreams.setdefault(name, {})
        if upstream_name is not None:
            names[upstream_name] = None
    return ids, {name: tuple(names) for name, names in upstreams.items()}


def _create_draft(session: Session, reference: Reference) -> PinnedJob | None:
    """Insert a draft job; when another process was faster, return what that one made."""
    from etl_models.specs.job import JobSpec  # the many jobs that are registered never need it

    now, actor = utcnow(), current_actor()
    document = JobSpec.model_validate({**reference._asdict(), "status": DefinitionStatus.DRAFT}).document()
    draft = PinnedJob(
        job_id=uuid7(),
        job_version_id=uuid7(),
        version=1,
        content_hash=content_hash(document),
        namespace=reference.namespace,
        name=reference.name,
        num_of_retries=0,
    )
    try:
        with savepoint(session):
            session.execute(
                sa.insert(_job),
                {
                    "id": draft.job_id,
                    "namespace": draft.namespace,
                    "name": draft.name,
                    "status": DefinitionStatus.DRAFT,
                    "version": draft.version,
                    "content_hash": draft.content_hash,
                    "created_at": now,
                    "updated_at": now,
                    "created_by": actor,
                    "updated_by": actor,
                },
            )
    except sa.exc.IntegrityError:
        return _find(session, reference)
    session.execute(
        sa.insert(_version),
        {
            "id": draft.job_version_id,
            "job_id": draft.job_id,
            "version": draft.version,
            "document": document,
            "content_hash": draft.content_hash,
            "created_at": now,
            "created_by": actor,
        },
    )
    session.execute(sa.insert(table_of(JobLatestExecution)), {"job_id": draft.job_id})
    return draft
