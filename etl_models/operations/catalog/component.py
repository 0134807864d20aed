"""Components: finding, listing and their history; adding, changing and removing one is a new version of its job."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import Reference, check_name, parse_reference
from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.domain.text import printable, short
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.errors import ConflictError, DefinitionError, NotFoundError, Problem
from etl_models.models.job import Job
from etl_models.models.version import ComponentVersion
from etl_models.operations.catalog.deletion import lock_row
from etl_models.operations.catalog.job import stored_document
from etl_models.operations.catalog.listing import check_status, name_condition, take_page, version_page
from etl_models.operations.catalog.register import register_job
from etl_models.reads.definition import (
    Action,
    ComponentRead,
    ComponentSummary,
    RegistrationChange,
    RegistrationResult,
    VersionRead,
)
from etl_models.repositories.component import ALIVE, component, job, read_components, summary_query
from etl_models.repositories.definition import find_id, not_found
from etl_models.specs.base import findings_of
from etl_models.specs.component import ComponentSpec
from etl_models.specs.job import JobSpec
from etl_models.specs.loaded import LaterProblem, below
from etl_models.specs.suggest import did_you_mean

_version = table_of(ComponentVersion)


def register_component(session: Session, spec: ComponentSpec, *, job: str) -> RegistrationResult:
    """Add ``spec`` to the job ``namespace/name``, or put it in the place of the component of the same name.

    Raises :class:`NotFoundError` for an unknown job and :class:`DefinitionError` when the component does not fit it.
    """
    row = _lock_living_job(session, job)
    components = stored_document(session, row)["components"]
    index = next((at for at, each in enumerate(components) if each["name"] == spec.name), len(components))
    components[index : index + 1] = [spec.document()]
    try:
        result = _register_with(session, row, components)
    except DefinitionError as error:
        raise DefinitionError([_in_component(problem, index) for problem in error.problems]) from None
    if any(change.kind == "component" and change.name == spec.name for change in result.changes):
        return result
    return RegistrationResult(changes=(*result.changes, _unchanged(session, row, spec.name)))


def get_component(session: Session, name: str, *, job: str, include_deleted: bool = False) -> ComponentRead:
    """Return the component ``name`` of the job ``namespace/name``. Raises :class:`NotFoundError`."""
    found = find_component(session, name, job=job, include_deleted=include_deleted)
    if found is None:
        raise _not_found(session, name, parse_reference(job, "job"))
    return found


def find_component(session: Session, name: str, *, job: str, include_deleted: bool = False) -> ComponentRead | None:
    """Return the component, or None when there is none; those of deleted jobs count as deleted."""
    condition = _named(check_name(name, "component"), parse_reference(job, "job"))
    found = read_components(session, condition if include_deleted else sa.and_(condition, ALIVE))
    return found[0] if found else None


def list_components(
    session: Session,
    *,
    job: str | None = None,
    namespace: str | None = None,
    component_type: str | None = None,
    status: DefinitionStatus | str | None = None,
    name: str | None = None,
    include_deleted: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ComponentSummary]:
    """Return a page of components, job by job in their order there; ``name`` as in ``list_jobs``. One statement.

    With ``job`` (``namespace/name``) one more, and :class:`NotFoundError` when there is no such job.
    """
    conditions = _conditions(
        session,
        of_job=job,
        namespace=namespace,
        component_type=component_type,
        status=status,
        name=name,
        include_deleted=include_deleted,
    )
    asked = {"components": [job, namespace, component_type, status, name, include_deleted]}
    rows, next_cursor = take_page(
        session, summary_query().where(*conditions), _ORDER, asked=asked, limit=limit, cursor=cursor
    )
    return Page[ComponentSummary](
        items=tuple(ComponentSummary(**row._asdict()) for row in rows), next_cursor=next_cursor
    )


_ORDER = {
    "namespace": SortKey(job.c.namespace),
    "job": SortKey(job.c.name),
    "position": SortKey(component.c.position, int),
    "name": SortKey(component.c.name),
}


def component_history(
    session: Session, name: str, *, job: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[VersionRead]:
    """Return a page of the versions of a component, newest first; a removed one has its history still."""
    wanted = parse_reference(job, "job")
    component_id = _find_component_id(session, check_name(name, "component"), wanted)
    if component_id is None:
        raise _not_found(session, name, wanted)
    return version_page(session, _version, "component_id", component_id, limit=limit, cursor=cursor)


def delete_component(session: Session, name: str, *, job: str) -> RegistrationChange:
    """Take a component out of its job, which gets a new version; the component keeps its id and its history.

    Removing it again changes nothing. Raises :class:`NotFoundError` for one that never was, and
    :class:`ConflictError` naming the components that depend on it.
    """
    row = _lock_living_job(session, job)
    components = stored_document(session, row)["components"]
    kept = [each for each in components if each["name"] != name]
    if len(kept) == len(components):
        return _change(_stored(session, row, name), Action.UNCHANGED)
    dependents = [
        each["name"] for each in kept if any(upstream["component"] == name for upstream in each["depends_on"])
    ]
    if dependents:
        label = f"{row.namespace}/{row.name}.{name}"
        raise ConflictError(
            f"the component {label!r} cannot be removed, because others depend on it: {', '.join(dependents)}",
            kind="component",
            name=name,
            used_by=dependents,
        )
    _register_with(session, row, kept)
    return _change(_stored(session, row, name), Action.DELETED)


def restore_component(session: Session, name: str, *, job: str) -> RegistrationChange:
    """Put a removed component back where it stood, as it was; one that is there is left as it is.

    Raises :class:`NotFoundError` for one that never was, and :class:`ConflictError` when it no longer fits its job.
    """
    row = _lock_living_job(session, job)
    stored = _stored(session, row, name)
    if not stored.is_deleted:
        return _change(stored, Action.UNCHANGED)
    newest = sa.select(_version.c.document).where(
        _version.c.component_id == stored.id, _version.c.version == stored.version
    )
    components = stored_document(session, row)["components"]
    components.insert(stored.position, session.execute(newest).scalar_one())
    try:
        _register_with(session, row, components)
    except DefinitionError as error:
        reasons = "; ".join(str(problem) for problem in error.problems)
        label = f"{row.namespace}/{row.name}.{name}"
        raise ConflictError(
            f"the component {label!r} cannot be restored: {reasons}", kind="component", name=name
        ) from error
    return _change(_stored(session, row, name), Action.RESTORED)


def _conditions(
    session: Session,
    *,
    of_job: str | None,
    namespace: str | None,
    component_type: str | None,
    status: DefinitionStatus | str | None,
    name: str | None,
    include_deleted: bool,
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if of_job is not None:
        wanted = parse_reference(of_job, "job")
        job_id = find_id(session, job, wanted)
        if job_id is None:
            raise not_found(session, job, "job", wanted)
        conditions.append(component.c.job_id == job_id)
    if namespace is not None:
        conditions.append(job.c.namespace == check_name(namespace, "namespace"))
    if component_type is not None:
        conditions.append(component.c.component_type == check_name(component_type, "component_type"))
    if status is not None:
        conditions.append(component.c.status == check_status(status))
    if name is not None:
        conditions.append(name_condition(component.c.name, name))
    return conditions if include_deleted else [*conditions, ALIVE]


def _named(name: str, of_job: Reference) -> sa.ColumnElement[bool]:
    return sa.and_(component.c.name == name, job.c.namespace == of_job.namespace, job.c.name == of_job.name)


def _find_component_id(session: Session, name: str, of_job: Reference) -> Any:
    query = sa.select(component.c.id).join_from(component, job, job.c.id == component.c.job_id)
    return session.scalar(query.where(_named(name, of_job)))


def _lock_living_job(session: Session, reference: str) -> sa.Row[Any]:
    wanted = parse_reference(reference, "job")
    row = lock_row(session, Job, "job", wanted)
    if row.is_deleted:
        raise not_found(session, job, "job", wanted)
    return row


def _stored(session: Session, row: sa.Row[Any], name: str) -> sa.Row[Any]:
    query = summary_query().where(component.c.job_id == row.id, component.c.name == check_name(name, "component"))
    found = session.execute(query).one_or_none()
    if found is None:
        raise _not_found(session, name, Reference(row.namespace, row.name))
    return found


def _not_found(session: Session, name: str, of_job: Reference) -> NotFoundError:
    if find_id(session, job, of_job) is None:
        return not_found(session, job, "job", of_job)
    label = f"'{printable(short(name))}' of the job '{printable(short(str(of_job), 120))}'"
    facts = {"kind": "component", "name": name, "job": str(of_job)}
    if _find_component_id(session, name, of_job) is not None:
        return NotFoundError(f"the component {label} is deleted; restore it first", **facts)
    names = session.scalars(
        sa.select(component.c.name)
        .join_from(component, job, job.c.id == component.c.job_id)
        .where(job.c.namespace == of_job.namespace, job.c.name == of_job.name, ALIVE)
    )
    return NotFoundError(f"there is no component {label}{did_you_mean(name, names)}", **facts)


def _register_with(session: Session, row: sa.Row[Any], components: list[dict[str, Any]]) -> RegistrationResult:
    """Register the job of ``row`` as it is stored, with other components."""
    document = {**stored_document(session, row), "components": components}
    try:
        spec = JobSpec.model_validate(document)
    except ValidationError as error:
        raise DefinitionError([LaterProblem.of(finding) for finding in findings_of(error)]) from None
    return register_job(session, spec)


def _unchanged(session: Session, row: sa.Row[Any], name: str) -> RegistrationChange:
    return _change(_stored(session, row, name), Action.UNCHANGED)


def _change(stored: sa.Row[Any], action: Action) -> RegistrationChange:
    return RegistrationChange(
        kind="component",
        namespace=stored.namespace,
        name=stored.name,
        job=stored.job,
        action=action,
        version=stored.version,
        id=stored.id,
    )


def _in_component(problem: Problem, index: int) -> Problem:
    """Name the place in the component's own file instead of that in the whole job."""
    if isinstance(problem, LaterProblem) and problem.finding is not None:
        return LaterProblem.of(below(problem.finding, ("components", index)))
    return problem
