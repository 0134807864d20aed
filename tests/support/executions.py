"""A history written straight into the tables: executions at chosen times, in chosen states, of chosen length.

Recording goes by the clock; lists and statistics are about years, so their tests need rows of any date.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.execution import Attempt, ComponentExecution, Execution, ExecutionTag, Transition
from etl_models.models.job import Job, JobLatestExecution
from etl_models.models.metric import MetricSample
from etl_models.models.tag import JobTag, Tag
from etl_models.models.version import JobVersion

EPOCH = datetime(2013, 1, 1, 6, tzinfo=UTC)
"""When the first execution of a story was created."""


@dataclass
class Component:
    """A component execution to write; ``metrics`` maps a name to its samples, the oldest first."""

    name: str
    state: ComponentState = ComponentState.SUCCEEDED
    error: tuple[str, str] | None = None
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    seconds: float | None = 1.0


@dataclass
class Writer:
    """Writes jobs and executions through one session and remembers nothing but ids."""

    session: Session

    def job(self, reference: str = "flights/load-flights", *, tags: Mapping[str, str] | None = None) -> uuid.UUID:
        """A job with one definition version; an empty value in ``tags`` means none."""
        namespace, name = reference.split("/")
        job_id, moment = uuid7(), EPOCH
        self._insert(
            Job,
            id=job_id,
            namespace=namespace,
            name=name,
            content_hash="sha256:0",
            created_by="tester",
            updated_by="tester",
        )
        self._insert(
            JobVersion,
            id=uuid7(),
            job_id=job_id,
            version=1,
            document={"name": name},
            content_hash="sha256:1",
            created_at=moment,
            created_by="tester",
        )
        self._insert(JobLatestExecution, job_id=job_id)
        for key, value in (tags or {}).items():
            tag_id = self._tag(key, value)
            self._insert(JobTag, job_id=job_id, tag_id=tag_id)
        return job_id

    def _tag(self, key: str, value: str) -> uuid.UUID:
        tag = table_of(Tag)
        found: uuid.UUID | None = self.session.scalar(sa.select(tag.c.id).where(tag.c.key == key, tag.c.value == value))
        if found is None:
            found = uuid7()
            self._insert(Tag, id=found, key=key, value=value, created_by="tester", updated_by="tester")
        return found

    def execution(
        self,
        job_id: uuid.UUID,
        *,
        state: ExecutionState = ExecutionState.SUCCEEDED,
        created_at: datetime = EPOCH,
        started: bool = True,
        seconds: float | None = 60.0,
        key: str | None = None,
        tags: Mapping[str, str] | None = None,
        components: Sequence[Component] = (),
        metrics: Mapping[str, Sequence[float]] | None = None,
        error: tuple[str, str] | None = None,
        attempts: int = 1,
        nominal_time: datetime | None = None,
        id: uuid.UUID | None = None,  # noqa: A002 - the id of an execution
    ) -> uuid.UUID:
        """An execution whose earlier attempts failed after a second; the last one has what is given."""
        version = table_of(JobVersion)
        execution_id = id or uuid7()
        start = created_at if started else None
        end = created_at + timedelta(seconds=seconds) if started and seconds is not None else None
        self._insert(
            Execution,
            id=execution_id,
            job_id=job_id,
            job_version_id=self.session.scalar(sa.select(version.c.id).where(version.c.job_id == job_id)),
            key=key,
            state=state,
            parameters={"day": created_at.date().isoformat()},
            attempt_count=attempts,
            nominal_time=nominal_time,
            created_at=created_at,
            updated_at=created_at,
            started_at=start,
            ended_at=end,
        )
        for tag, value in (tags or {}).items():
            self._insert(ExecutionTag, execution_id=execution_id, key=tag, value=value)
        for number in range(1, attempts):
            once = (created_at, created_at + timedelta(seconds=1))
            self._attempt(execution_id, number, ExecutionState.FAILED, once, ("E", "once"))
        attempt_id = self._attempt(execution_id, attempts, state, (start, end), error)
        self._samples(attempt_id, None, metrics or {}, created_at)
        for component in components:
            self._component(attempt_id, component, created_at)
        self._insert(
            Transition,
            execution_id=execution_id,
            attempt_id=attempt_id,
            from_state=None,
            to_state=str(state),
            applied=True,
            occurred_at=created_at,
            actor="tester",
        )
        return execution_id

    def _attempt(
        self,
        execution_id: uuid.UUID,
        number: int,
        state: ExecutionState,
        span: tuple[datetime | None, datetime | None],
        error: tuple[str, str] | None,
    ) -> uuid.UUID:
        attempt_id = uuid7()
        self._insert(
            Attempt,
            id=attempt_id,
            execution_id=execution_id,
            number=number,
            state=state,
            worker={"host": "worker-1", "pid": 42},
            started_at=span[0],
            ended_at=span[1],
            **_error(error),
        )
        return attempt_id

    def _component(self, attempt_id: uuid.UUID, component: Component, at: datetime) -> None:
        component_id = uuid7()
        ran = component.state not in {ComponentState.PENDING, ComponentState.UPSTREAM_FAILED, ComponentState.SKIPPED}
        end = at + timedelta(seconds=component.seconds) if ran and component.seconds is not None else None
        self._insert(
            ComponentExecution,
            id=component_id,
            attempt_id=attempt_id,
            name=component.name,
            ordinal=1,
            state=component.state,
            started_at=at if ran else None,
            ended_at=end,
            **_error(component.error),
        )
        self._samples(attempt_id, component_id, component.metrics, at)
        for direction, names in (("input", component.reads), ("output", component.writes)):
            for name in names:
                self._insert(
                    DatasetUse,
                    attempt_id=attempt_id,
                    component_execution_id=component_id,
                    dataset_id=self._dataset(*name.split("/", 1)),
                    direction=direction,
                )

    def _dataset(self, namespace: str, name: str) -> uuid.UUID:
        dataset = table_of(Dataset)
        found: uuid.UUID | None = self.session.scalar(
            sa.select(dataset.c.id).where(dataset.c.namespace == namespace, dataset.c.name == name)
        )
        if found is None:
            found = uuid7()
            self._insert(Dataset, id=found, namespace=namespace, name=name)
        return found

    def _samples(
        self,
        attempt_id: uuid.UUID,
        component_id: uuid.UUID | None,
        metrics: Mapping[str, Sequence[float]],
        at: datetime,
    ) -> None:
        for name, values in metrics.items():
            for sequence, value in enumerate(values, start=1):
                special = str(value) if not math.isfinite(value) else None
                self._insert(
                    MetricSample,
                    attempt_id=attempt_id,
                    component_execution_id=component_id,
                    name=name,
                    sequence=sequence,
                    value=None if special else value,
                    special=special,
                    recorded_at=at,
                )

    def _insert(self, model: Any, **values: Any) -> None:
        self.session.execute(sa.insert(table_of(model)).values(**values))


def _error(error: tuple[str, str] | None) -> dict[str, str | None]:
    kind, message = error or (None, None)
    return {
        "error_type": kind,
        "error_message": message,
        "error_traceback": error and f"Traceback ...\n{kind}: {message}",
    }
