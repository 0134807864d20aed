"""One execution with everything recorded of it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import NotFoundError
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.execution import Attempt, ComponentExecution, Execution, Transition
from etl_models.operations.history.filters import recorded_key
from etl_models.operations.history.jobs import get_job_id
from etl_models.operations.history.rows import (
    error_of,
    newest_samples,
    seconds_between,
    summary_fields,
    summary_query,
    tags_of,
)
from etl_models.reads.execution import (
    AttemptRead,
    ComponentExecutionRead,
    DatasetRead,
    ExecutionRead,
    TransitionRead,
)
from etl_models.specs.suggest import quoted

_execution, _attempt, _component = table_of(Execution), table_of(Attempt), table_of(ComponentExecution)
_transition, _use, _dataset = table_of(Transition), table_of(DatasetUse), table_of(Dataset)

MIN_FRAGMENT = 4
_FRAGMENT = re.compile(r"[0-9a-f]{4,32}")
_HEX_DIGITS = 32
_SHOWN_CANDIDATES = 3


def get_execution(session: Session, id: UUID | str) -> ExecutionRead:  # noqa: A002  (the id of an execution)
    """Return an execution by its id, or by a beginning or an end of it that no other execution shares.

    A fragment has at least four hexadecimal digits. Ends tell apart better than beginnings, which are times.
    Raises :class:`NotFoundError` when none or several executions match. Seven queries at most, whatever the execution
    holds (one more for a fragment).
    """
    return _read(session, id if isinstance(id, UUID) else resolve_id(session, id))


def get_execution_by_key(session: Session, job: str, key: str, *, namespace: str | None = None) -> ExecutionRead:
    """Return the execution of ``job`` that was started with this idempotency key, or raise :class:`NotFoundError`."""
    job_id = get_job_id(session, job, namespace=namespace)
    kept = recorded_key(key)
    found = session.scalar(sa.select(_execution.c.id).where(_execution.c.job_id == job_id, _execution.c.key == kept))
    if found is None:
        raise NotFoundError(
            f"job {quoted(job)} has no execution with the key {quoted(kept)}", kind="execution", job=job, key=kept
        )
    return _read(session, found)


def get_latest_execution(session: Session, job: str, *, namespace: str | None = None) -> ExecutionRead:
    """Return the newest execution of ``job``, or raise :class:`NotFoundError` when it never ran."""
    job_id = get_job_id(session, job, namespace=namespace)
    newest = (
        sa.select(_execution.c.id)
        .where(_execution.c.job_id == job_id)
        .order_by(_execution.c.created_at.desc(), _execution.c.id.desc())
        .limit(1)
    )
    found = session.scalar(newest)
    if found is None:
        raise NotFoundError(f"job {quoted(job)} has not been executed yet", kind="execution", job=job)
    return _read(session, found)


def resolve_id(session: Session, text: str) -> UUID:
    """Return the id that ``text`` stands for, as :func:`get_execution` does; a whole id is not looked up."""
    digits = text.strip().lower().replace("-", "") if len(text) <= 2 * _HEX_DIGITS else ""
    if not _FRAGMENT.fullmatch(digits):
        raise NotFoundError(
            f"there is no execution {quoted(text)}: no id, nor {MIN_FRAGMENT} or more hexadecimal digits of one",
            kind="execution",
            id=text,
        )
    if len(digits) == _HEX_DIGITS:
        return UUID(digits)
    found = session.scalars(_candidates(digits)).all()
    if len(found) == 1:
        return UUID(str(found[0]))
    if not found:
        raise NotFoundError(f"no execution has an id like {quoted(text)}", kind="execution", id=text)
    several = ", ".join(str(id_) for id_ in found[:_SHOWN_CANDIDATES])
    raise NotFoundError(
        f"several executions have an id like {quoted(text)} ({several}, ...); write more of it",
        kind="execution",
        id=text,
    )


def _candidates(digits: str) -> sa.Select[tuple[UUID]]:
    low, high = (UUID(digits.ljust(_HEX_DIGITS, filler)) for filler in "0f")
    as_text = sa.func.replace(sa.cast(_execution.c.id, sa.String(36)), "-", "", type_=sa.String())
    return (
        sa.select(_execution.c.id)
        .where(sa.or_(_execution.c.id.between(low, high), as_text.like(f"%{digits}")))
        .order_by(_execution.c.id)
        .limit(_SHOWN_CANDIDATES + 1)
    )


def _read(session: Session, id_: UUID) -> ExecutionRead:
    row = session.execute(summary_query(traceback=True).where(_execution.c.id == id_)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no execution {id_}", kind="execution", id=str(id_))
    attempts = session.execute(
        sa.select(_attempt).where(_attempt.c.execution_id == id_).order_by(_attempt.c.number)
    ).all()
    attempt_ids = [attempt.id for attempt in attempts]
    samples = newest_samples(session, attempt_ids)
    components = session.execute(sa.select(_component).where(_component.c.attempt_id.in_(attempt_ids))).all()
    numbers = {attempt.id: attempt.number for attempt in attempts}
    names = {component.id: component.name for component in components}
    datasets = _datasets(session, numbers, names)
    return ExecutionRead(
        **summary_fields(row, tags_of(session, [id_])[id_], samples[row.attempt_id, None]),
        attempts=tuple(_attempt_read(attempt) for attempt in attempts),
        components=tuple(
            _component_read(component, numbers[component.attempt_id], samples[component.attempt_id, component.id])
            for component in sorted(components, key=lambda component: _order(component, numbers))
        ),
        inputs=tuple(datasets[DataDirection.INPUT]),
        outputs=tuple(datasets[DataDirection.OUTPUT]),
        transitions=tuple(_transitions(session, id_, numbers, names)),
    )


def _order(component: Any, numbers: dict[UUID, int]) -> tuple[Any, ...]:
    """Attempt by attempt, as they started; those that never did come last, as they were made."""
    started = component.started_at
    return numbers[component.attempt_id], started is None, started or component.created_at, component.id


def _attempt_read(row: Any) -> AttemptRead:
    return AttemptRead(
        id=row.id,
        number=row.number,
        state=row.state,
        reason=row.reason,
        worker=row.worker,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_seconds=seconds_between(row.started_at, row.ended_at),
        error=error_of(row),
    )


def _component_read(row: Any, attempt: int, metrics: dict[str, Any]) -> ComponentExecutionRead:
    return ComponentExecutionRead(
        id=row.id,
        name=row.name,
        ordinal=row.ordinal,
        attempt=attempt,
        state=row.state,
        reason=row.reason,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_seconds=seconds_between(row.started_at, row.ended_at),
        error=error_of(row),
        metrics=metrics,
    )


def _datasets(
    session: Session, numbers: dict[UUID, int], names: dict[UUID, str]
) -> dict[DataDirection, list[DatasetRead]]:
    """What each attempt (``numbers``: id to number) and its components read and wrote, each once, by first use."""
    found: dict[DataDirection, list[DatasetRead]] = {direction: [] for direction in DataDirection}
    query = (
        sa.select(
            _dataset.c.namespace, _dataset.c.name, _use.c.attempt_id, _use.c.component_execution_id, _use.c.direction
        )
        .join_from(_use, _dataset, _dataset.c.id == _use.c.dataset_id)
        .where(_use.c.attempt_id.in_(numbers))
        .order_by(_use.c.id)
    )
    for row in session.execute(query):
        use = DatasetRead(
            namespace=row.namespace,
            name=row.name,
            attempt=numbers[row.attempt_id],
            component=names.get(row.component_execution_id),
        )
        if use not in found[row.direction]:
            found[row.direction].append(use)
    return found


def _transitions(session: Session, id_: UUID, numbers: dict[UUID, int], names: dict[UUID, str]) -> list[TransitionRead]:
    query = sa.select(_transition).where(_transition.c.execution_id == id_).order_by(_transition.c.id)
    return [
        TransitionRead(
            attempt=numbers.get(row.attempt_id),
            component=names.get(row.component_execution_id),
            from_state=row.from_state,
            to_state=row.to_state,
            applied=row.applied,
            reason=row.reason,
            occurred_at=row.occurred_at,
            actor=row.actor,
        )
        for row in session.execute(query)
    ]
