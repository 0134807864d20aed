"""Jobs: finding, listing, their history, deleting, restoring and writing them out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey
from etl_models.domain.naming import Reference, parse_reference
from etl_models.domain.paging import DEFAULT_LIMIT, Page
from etl_models.domain.text import check_text
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.errors import ConflictError, DefinitionError
from etl_models.models.job import Job
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH
from etl_models.models.version import JobVersion
from etl_models.operations.catalog.deletion import change, hide, lock_row
from etl_models.operations.catalog.listing import definition_conditions, take_page, version_page
from etl_models.operations.catalog.register import register_job
from etl_models.reads.definition import Action, JobRead, JobSummary, RegistrationChange, VersionRead
from etl_models.repositories import component as components
from etl_models.repositories.definition import find_id, not_found
from etl_models.repositories.job import carries, find_summary, job, summary_query, to_summaries
from etl_models.specs.job import JobSpec

_version = table_of(JobVersion)


def get_job(session: Session, reference: str, *, include_deleted: bool = False) -> JobRead:
    """Return the job ``namespace/name`` (or ``name``) with its components. Raises :class:`NotFoundError`."""
    found = find_job(session, reference, include_deleted=include_deleted)
    if found is None:
        raise not_found(session, job, "job", parse_reference(reference, "job"))
    return found


def find_job(session: Session, reference: str, *, include_deleted: bool = False) -> JobRead | None:
    """Return the job with its components, or None when there is none, or a deleted one that was not asked for."""
    summary = find_summary(session, parse_reference(reference, "job"))
    if summary is None or (summary.is_deleted and not include_deleted):
        return None
    own = sa.and_(components.component.c.job_id == summary.id, components.component.c.is_deleted.is_(False))
    return JobRead(**dict(summary), components=tuple(components.read_components(session, own)))


def list_jobs(
    session: Session,
    *,
    namespace: str | None = None,
    status: DefinitionStatus | str | None = None,
    tags: Mapping[str, str | None] | None = None,
    name: str | None = None,
    include_deleted: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[JobSummary]:
    """Return a page of jobs by namespace and name.

    ``tags`` maps keys to values (None: any value); a job must carry all of them. ``name`` is a part of the name, or a
    pattern with ``*`` and ``?``. Two statements. Raises :class:`InvalidInputError` for a filter that cannot be.
    """
    conditions = definition_conditions(
        job, namespace=namespace, status=status, name=name, include_deleted=include_deleted
    )
    for key, value in (tags or {}).items():
        check_text(key, "key of a tag", limit=MAX_TAG_KEY_LENGTH)
        conditions.append(
            carries(key, None if value is None else check_text(value, "value of a tag", limit=MAX_TAG_VALUE_LENGTH))
        )
    asked = {"jobs": [namespace, status, name, include_deleted, dict(tags or {})]}
    keys = {"namespace": SortKey(job.c.namespace), "name": SortKey(job.c.name)}
    rows, next_cursor = take_page(
        session, summary_query().where(*conditions), keys, asked=asked, limit=limit, cursor=cursor
    )
    return Page[JobSummary](items=tuple(to_summaries(session, rows)), next_cursor=next_cursor)


def job_history(
    session: Session, reference: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[VersionRead]:
    """Return a page of the versions of a job, newest first; a deleted job has its history still."""
    wanted = parse_reference(reference, "job")
    job_id = find_id(session, job, wanted)
    if job_id is None:
        raise not_found(session, job, "job", wanted)
    return version_page(session, _version, "job_id", job_id, limit=limit, cursor=cursor)


def delete_job(session: Session, reference: str) -> RegistrationChange:
    """Hide a job and its components; executions, versions and ids stay. Deleting it again changes nothing.

    Raises :class:`NotFoundError` for a job that never was.
    """
    return hide(session, Job, "job", lock_row(session, Job, "job", parse_reference(reference, "job")))


def restore_job(session: Session, reference: str) -> RegistrationChange:
    """Bring a deleted job back as it was; one that is not deleted is left as it is.

    Raises :class:`NotFoundError` for a job that never was and :class:`ConflictError` when a dataclass it uses is
    deleted by now, or a component type no longer accepts a configuration.
    """
    row = lock_row(session, Job, "job", parse_reference(reference, "job"))
    if not row.is_deleted:
        return change("job", row, Action.UNCHANGED)
    spec = JobSpec.model_validate(stored_document(session, row))
    try:
        result = register_job(session, spec)
    except DefinitionError as error:
        reasons = "; ".join(str(problem) for problem in error.problems)
        label = str(Reference(row.namespace, row.name))
        raise ConflictError(f"the job {label!r} cannot be restored: {reasons}", kind="job", name=label) from error
    return next(done for done in result.changes if done.kind == "job")


def stored_document(session: Session, row: sa.Row[Any]) -> dict[str, Any]:
    """Return the document of the newest version of a job, given its row."""
    document: dict[str, Any] = session.execute(
        sa.select(_version.c.document).where(_version.c.job_id == row.id, _version.c.version == row.version)
    ).scalar_one()
    return document
