"""What is noted of an execution, an attempt or a component execution besides its states: samples, datasets, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.db.savepoint import savepoint
from etl_models.domain.clock import as_utc
from etl_models.domain.ids import uuid7
from etl_models.errors import NotFoundError
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.execution import ComponentExecution, ExecutionTag
from etl_models.models.metric import MetricSample
from etl_models.operations.recording.cleaning import TagsInput, check_tags
from etl_models.operations.recording.locking import lock_attempt, lock_execution
from etl_models.operations.recording.values import DatasetName, Facts, Owner, Sample, Use

BATCH = 1000

_sample, _dataset, _use, _tag = table_of(MetricSample), table_of(Dataset), table_of(DatasetUse), table_of(ExecutionTag)
_component = table_of(ComponentExecution)
_INSERT_SAMPLES = sa.insert(_sample).inline()
_SAME_SAMPLE = (
    sa.select(_sample.c.id)
    .where(
        _sample.c.attempt_id == sa.bindparam("attempt"),
        _sample.c.name == sa.bindparam("metric"),
        _sample.c.sequence == sa.bindparam("number"),
        _sample.c.component_execution_id.is_not_distinct_from(
            sa.bindparam("component", type_=_sample.c.component_execution_id.type)
        ),
        _sample.c.recorded_at == sa.bindparam("moment"),
    )
    .limit(1)
)


def record_facts(
    session: Session,
    execution_id: UUID,
    facts: Facts,
    *,
    occurred_at: datetime,
    attempt_id: UUID | None = None,
    component_execution_id: UUID | None = None,
) -> None:
    """Add facts about an attempt (by default the newest), or about one of its component executions.

    Facts that were recorded before are not recorded again. Raises :class:`NotFoundError`.
    """
    owner = _owner(session, execution_id, attempt_id, component_execution_id)
    write_facts(session, owner, facts, as_utc(occurred_at, "occurred_at"))


def record_samples(
    session: Session,
    execution_id: UUID,
    samples: Sequence[Sample],
    *,
    attempt_id: UUID | None = None,
    component_execution_id: UUID | None = None,
) -> int:
    """Add samples, a thousand in a statement, and return how many were new. Raises :class:`NotFoundError`."""
    return write_samples(session, _owner(session, execution_id, attempt_id, component_execution_id), samples)


def record_datasets(
    session: Session,
    execution_id: UUID,
    uses: Sequence[Use],
    *,
    occurred_at: datetime,
    attempt_id: UUID | None = None,
    component_execution_id: UUID | None = None,
) -> None:
    """Note datasets that were read or written. Raises :class:`NotFoundError`."""
    owner = _owner(session, execution_id, attempt_id, component_execution_id)
    write_uses(session, owner, uses, as_utc(occurred_at, "occurred_at"))


def tag_execution(session: Session, execution_id: UUID, tags: TagsInput) -> None:
    """Add tags to an execution; a key it has already gets the new value.

    Raises :class:`NotFoundError`, and :class:`InvalidInputError` for what cannot be a tag.
    """
    clean = check_tags(tags)
    write_tags(session, lock_execution(session, execution_id).id, clean)


def _owner(session: Session, execution_id: UUID, attempt_id: UUID | None, component_execution_id: UUID | None) -> Owner:
    attempt = lock_attempt(session, execution_id, attempt_id).attempt
    if component_execution_id is not None:
        query = sa.select(_component.c.id).where(
            _component.c.id == component_execution_id, _component.c.attempt_id == attempt.id
        )
        if session.connection().execute(query).first() is None:
            raise NotFoundError(
                f"attempt {attempt.number} of execution {execution_id} has no component execution"
                f" {component_execution_id}",
                component_execution_id=str(component_execution_id),
            )
    return Owner(execution_id, attempt.id, component_execution_id)


# ------------------------------------------------------------------------- the same, once the execution has been locked


def write_facts(session: Session, owner: Owner, facts: Facts, occurred_at: datetime) -> None:
    """Write all three kinds."""
    write_samples(session, owner, facts.samples)
    write_uses(session, owner, facts.uses, occurred_at)
    write_tags(session, owner.execution_id, facts.tags)


def write_samples(session: Session, owner: Owner, samples: Sequence[Sample]) -> int:
    """Insert samples, unless they are there: then this is a repetition, for a worker uses a sequence number once."""
    if not samples or _is_recorded(session, owner, samples[0]):
        return 0
    keys = {"attempt_id": owner.attempt_id, "component_execution_id": owner.component_execution_id}
    for chunk in in_chunks(samples, BATCH):
        session.connection().execute(_INSERT_SAMPLES, [{**keys, **sample._asdict()} for sample in chunk])
    return len(samples)


def _is_recorded(session: Session, owner: Owner, sample: Sample) -> bool:
    key = {
        "attempt": owner.attempt_id,
        "component": owner.component_execution_id,
        "metric": sample.name,
        "number": sample.sequence,
        "moment": sample.recorded_at,
    }
    return session.connection().execute(_SAME_SAMPLE, key).first() is not None


def write_uses(session: Session, owner: Owner, uses: Iterable[Use], occurred_at: datetime) -> None:
    """Insert what is not noted yet of the same attempt or component execution."""
    wanted = dict.fromkeys(uses)
    if not wanted:
        return
    ids = _dataset_ids(session, sorted({use.dataset for use in wanted}), occurred_at)
    query = sa.select(_use.c.dataset_id, _use.c.direction).where(
        _use.c.attempt_id == owner.attempt_id,
        _use.c.component_execution_id.is_not_distinct_from(owner.component_execution_id),
    )
    known = {(row.dataset_id, row.direction) for row in session.connection().execute(query)}
    rows = [
        {
            "attempt_id": owner.attempt_id,
            "component_execution_id": owner.component_execution_id,
            "dataset_id": ids[use.dataset],
            "direction": use.direction,
            "created_at": occurred_at,
        }
        for use in wanted
        if (ids[use.dataset], use.direction) not in known
    ]
    if rows:
        session.connection().execute(sa.insert(_use).inline(), rows)


def _dataset_ids(session: Session, names: Sequence[DatasetName], occurred_at: datetime) -> dict[DatasetName, UUID]:
    """Return the id of each dataset, made where there is none. Sorted names: two units never wait for each other."""
    ids = _find_datasets(session, names)
    for name in names:
        if name not in ids:
            ids[name] = _make_dataset(session, name, occurred_at)
    return ids


def _find_datasets(session: Session, names: Sequence[DatasetName]) -> dict[DatasetName, UUID]:
    found: dict[DatasetName, UUID] = {}
    for chunk in in_chunks(names, 100):
        same = [sa.and_(_dataset.c.namespace == name.namespace, _dataset.c.name == name.name) for name in chunk]
        for row in session.connection().execute(sa.select(_dataset).where(sa.or_(*same))):
            found[DatasetName(row.namespace, row.name)] = row.id
    return found


def _make_dataset(session: Session, name: DatasetName, occurred_at: datetime) -> UUID:
    dataset_id = uuid7()
    row = {"id": dataset_id, **name._asdict(), "created_at": occurred_at}
    try:
        with savepoint(session):
            session.connection().execute(sa.insert(_dataset), row)
    except sa.exc.IntegrityError:  # another unit was faster
        return _find_datasets(session, [name])[name]
    return dataset_id


def write_tags(session: Session, execution_id: UUID, tags: Mapping[str, str], *, is_new: bool = False) -> None:
    """Insert tags and replace values; ``is_new`` says that the execution has none yet."""
    if not tags:
        return
    query = sa.select(_tag.c.key, _tag.c.value).where(_tag.c.execution_id == execution_id)
    known: dict[str, str] = {} if is_new else {row.key: row.value for row in session.connection().execute(query)}
    changed: list[dict[str, Any]] = [
        {"owner": execution_id, "tag": key, "new": value}
        for key, value in tags.items()
        if known.get(key, value) != value
    ]
    if changed:
        statement = sa.update(_tag).where(
            _tag.c.execution_id == sa.bindparam("owner"), _tag.c.key == sa.bindparam("tag")
        )
        session.connection().execute(statement.values(value=sa.bindparam("new")), changed)
    added = [
        {"execution_id": execution_id, "key": key, "value": value} for key, value in tags.items() if key not in known
    ]
    if added:
        session.connection().execute(sa.insert(_tag), added)
