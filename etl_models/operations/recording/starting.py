"""Starting an execution: checks the request, pins the job, inserts; what exists already is met in ``meeting``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.savepoint import savepoint
from etl_models.domain.clock import as_utc
from etl_models.domain.jsonvalue import canonical
from etl_models.domain.naming import Reference
from etl_models.domain.states import INITIAL_EXECUTION_STATES, ExecutionState
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.models.job import JobLatestExecution
from etl_models.operations.catalog.pins import PinnedJob, pin_job
from etl_models.operations.recording.cleaning import (
    TagsInput,
    check_job,
    check_key,
    check_parameters,
    check_tags,
    check_trigger,
    logger,
)
from etl_models.operations.recording.facts import write_tags
from etl_models.operations.recording.locking import execution_table
from etl_models.operations.recording.meeting import meet
from etl_models.operations.recording.opening import insert_attempt
from etl_models.operations.recording.start_request import Start
from etl_models.reads.execution import StartRead

_latest = table_of(JobLatestExecution)


def start_execution(
    session: Session,
    reference: str | Reference,
    *,
    execution_id: UUID,
    attempt_id: UUID,
    occurred_at: datetime,
    key: str | None = None,
    parameters: Mapping[str, object] | None = None,
    tags: TagsInput = None,
    trigger: str | None = None,
    nominal_time: datetime | None = None,
    worker: Mapping[str, object] | None = None,
    parent_id: UUID | None = None,
    rerun_of_id: UUID | None = None,
    state: ExecutionState | str = ExecutionState.RUNNING,
    started_at: datetime | None = None,
    create_missing: bool = False,
) -> StartRead:
    """Start an execution of a job, or meet the one that has this id or this ``key`` already.

    ``execution_id`` and ``attempt_id`` are proposals, made by the caller once for each start it means: with the same
    ``attempt_id`` the call is a repetition and changes nothing. Otherwise what is met decides. An attempt that waits
    (scheduled, queued) begins; one that runs is joined, and the request is kept as lost; after one that is over, the
    next is opened. ``opened`` of the result says whether this caller holds the attempt.

    ``state`` is running, queued or scheduled. A new execution is pinned to the newest version of the job's definition;
    with ``create_missing`` an unknown job becomes a draft. Raises :class:`NotFoundError` for an unknown job,
    :class:`ConflictError` when the id belongs to another job or key, :class:`InvalidInputError` for bad values.
    """
    wanted = check_job(reference)
    initial = _initial_state(state)
    moment = as_utc(occurred_at, "occurred_at")
    began = moment if started_at is None else as_utc(started_at, "started_at")
    start = Start(
        execution_id=execution_id,
        attempt_id=attempt_id,
        key=check_key(key),
        parameters=check_parameters(parameters),
        tags=check_tags(tags),
        trigger=check_trigger(trigger),
        nominal_time=None if nominal_time is None else as_utc(nominal_time, "nominal_time"),
        worker=None if worker is None else canonical(worker, "worker"),
        parent_id=parent_id,
        rerun_of_id=rerun_of_id,
        state=initial,
        occurred_at=moment,
        ran_from=began if initial is ExecutionState.RUNNING else None,
    )
    job = _pin(session, wanted, create_missing=create_missing)
    met = _find_by_key(session, job, start)
    if met is None and _create(session, job, start):
        return _created(job, start)
    return meet(session, job, start, met or _find_by_key(session, job, start) or start.execution_id)


def _initial_state(state: ExecutionState | str) -> ExecutionState:
    if state not in INITIAL_EXECUTION_STATES:
        names = ", ".join(sorted(INITIAL_EXECUTION_STATES))
        raise InvalidInputError(f"an execution cannot start in this state; it may be {names}", field="state")
    return ExecutionState(state)


def _pin(session: Session, reference: Reference, *, create_missing: bool) -> PinnedJob:
    try:
        return pin_job(session, reference, create_missing=False)
    except NotFoundError:
        if not create_missing:
            raise
    job = pin_job(session, reference, create_missing=True)
    what = "is deleted" if job.is_deleted else "was not registered; a draft was made"
    logger.warning("job %s %s. Its execution is recorded all the same", reference, what)
    return job


def _find_by_key(session: Session, job: PinnedJob, start: Start) -> UUID | None:
    if start.key is None:
        return None
    query = sa.select(execution_table.c.id).where(
        execution_table.c.job_id == job.job_id, execution_table.c.key == start.key
    )
    found: UUID | None = session.connection().scalar(query)
    return found


def _create(session: Session, job: PinnedJob, start: Start) -> bool:
    """Insert execution and attempt; False when the id or the key is taken, and then nothing has happened."""
    row = {
        "id": start.execution_id,
        "job_id": job.job_id,
        "job_version_id": job.job_version_id,
        "key": start.key,
        "state": start.state,
        "parameters": start.parameters,
        "attempt_count": 1,
        "trigger": start.trigger,
        "nominal_time": start.nominal_time,
        **_relatives(session, start),
        "created_at": start.occurred_at,
        "started_at": start.ran_from,
    }
    try:
        # The savepoint undoes a refused insert alone. A count of rows could not tell: MariaDB gives the same for both.
        with savepoint(session):
            session.connection().execute(sa.insert(execution_table), row)
    except sa.exc.IntegrityError:
        if not _is_taken(session, job, start):
            raise
        return False
    insert_attempt(session, start, start.execution_id, number=1)
    write_tags(session, start.execution_id, start.tags, is_new=True)
    _point_to(session, job.job_id, start)
    return True


def _is_taken(session: Session, job: PinnedJob, start: Start) -> bool:
    query = sa.select(execution_table.c.id).where(execution_table.c.id == start.execution_id)
    return session.connection().scalar(query) is not None or _find_by_key(session, job, start) is not None


def _relatives(session: Session, start: Start) -> dict[str, UUID | None]:
    """Return parent, root and origin; one that was never recorded is left out, with a warning."""
    wanted = {found for found in (start.parent_id, start.rerun_of_id) if found is not None}
    if not wanted:
        return {}
    query = sa.select(execution_table.c.id, execution_table.c.root_id).where(execution_table.c.id.in_(wanted))
    roots: dict[UUID, UUID | None] = {row.id: row.root_id for row in session.connection().execute(query)}
    for missing in sorted(wanted - roots.keys()):
        logger.warning("execution %s refers to execution %s, which was not recorded", start.execution_id, missing)
    parent = start.parent_id if start.parent_id in roots else None
    return {
        "parent_id": parent,
        "root_id": None if parent is None else roots[parent] or parent,
        "rerun_of_id": start.rerun_of_id if start.rerun_of_id in roots else None,
    }


def _point_to(session: Session, job_id: UUID, start: Start) -> None:
    """Make it the newest execution of its job, unless a newer one is known already."""
    is_older = sa.or_(
        _latest.c.execution_created_at.is_(None), _latest.c.execution_created_at <= sa.bindparam("moment")
    )
    session.connection().execute(
        sa.update(_latest)
        .where(_latest.c.job_id == sa.bindparam("job"), is_older)
        .values(execution_id=sa.bindparam("execution"), execution_created_at=sa.bindparam("moment")),
        {"job": job_id, "execution": start.execution_id, "moment": start.occurred_at},
    )


def _created(job: PinnedJob, start: Start) -> StartRead:
    return StartRead(
        execution_id=start.execution_id,
        attempt_id=start.attempt_id,
        attempt=1,
        state=start.state,
        namespace=job.namespace,
        job=job.name,
        key=start.key,
        definition_version=job.version,
        opened=True,
    )
