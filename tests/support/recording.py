"""Recording in tests: executions with chosen ids and times behind either face, and what is in the tables afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.execution import Attempt, ComponentExecution, Execution, ExecutionTag, Transition
from etl_models.models.metric import MetricSample
from etl_models.operations.history.reading import get_execution
from etl_models.operations.recording.components import ComponentRun, finish_component, start_component
from etl_models.operations.recording.finishing import finish_execution
from etl_models.operations.recording.starting import start_execution
from etl_models.operations.recording.values import ComponentStartRead, Outcome
from etl_models.reads.execution import ExecutionRead, StartRead, TransitionRead

JOB = "flights/load-flights"
EPOCH = datetime(2013, 1, 1, 6, tzinfo=UTC)

FLIGHTS: dict[str, Any] = {
    "version": 1,
    "namespace": "flights",
    "jobs": [
        {
            "name": "load-flights",
            "components": [
                {"name": "extract", "component_type": "read"},
                {"name": "weather", "component_type": "read"},
                {"name": "clean", "component_type": "filter", "depends_on": ["extract"]},
                {"name": "load", "component_type": "write", "depends_on": ["clean", "weather"]},
                {"name": "report", "component_type": "write", "depends_on": ["weather"]},
            ],
        }
    ],
}
"""extract -> clean -> load <- weather -> report."""


def at(seconds: float) -> datetime:
    """A moment so many seconds into the story."""
    return EPOCH + timedelta(seconds=seconds)


@dataclass
class Story:
    """Records executions through an executor; every call takes the next second unless it says ``at``."""

    executor: Any
    job: str = JOB
    seconds: Iterator[int] = field(default_factory=itertools.count)

    def start(self, **given: Any) -> StartRead:
        """Start an execution with new ids."""
        arguments = {"execution_id": uuid7(), "attempt_id": uuid7(), "occurred_at": self._now(), "create_missing": True}
        started: StartRead = self.executor.run(start_execution, self.job, **{**arguments, **given})
        return started

    def finish(self, execution_id: UUID, state: str = "succeeded", **given: Any) -> Outcome:
        """End it."""
        arguments = {"state": state, "occurred_at": self._now(), **given}
        outcome: Outcome = self.executor.run(finish_execution, execution_id, **arguments)
        return outcome

    def start_component(self, execution_id: UUID, run: ComponentRun | str, **given: Any) -> ComponentStartRead:
        """Open a component."""
        chosen = ComponentRun(uuid7(), run) if isinstance(run, str) else run
        opened: ComponentStartRead = self.executor.run(
            start_component, execution_id, chosen, **{"occurred_at": self._now(), **given}
        )
        return opened

    def finish_component(
        self, execution_id: UUID, run: ComponentRun | str, state: str = "succeeded", **given: Any
    ) -> Outcome:
        """End a component; one named by text is the first of its name."""
        chosen = ComponentRun(uuid7(), run, by_name=True) if isinstance(run, str) else run
        outcome: Outcome = self.executor.run(
            finish_component, execution_id, chosen, **{"state": state, "occurred_at": self._now(), **given}
        )
        return outcome

    def read(self, execution_id: UUID) -> ExecutionRead:
        """Everything recorded of it."""
        found: ExecutionRead = self.executor.read(get_execution, execution_id)
        return found

    def states(self, execution_id: UUID) -> dict[str, str]:
        """States of the components of the newest attempt, by name (``name#2`` for a second run)."""
        read = self.read(execution_id)
        return {
            component.name if component.ordinal == 1 else f"{component.name}#{component.ordinal}": component.state.value
            for component in read.components
            if component.attempt == read.attempt_count
        }

    def lost(self, execution_id: UUID) -> list[TransitionRead]:
        """The refused changes of state."""
        return [transition for transition in self.read(execution_id).transitions if not transition.applied]

    def in_state(self, state: ExecutionState, **given: Any) -> StartRead:
        """An execution put into a state by hand, whatever ways lead there."""
        started = self.start(**given)
        self.executor.run(_force, table_of(Attempt), started.attempt_id, state)
        self.executor.run(_force, table_of(Execution), started.execution_id, state)
        return started

    def component_in_state(self, state: ComponentState) -> tuple[UUID, ComponentRun]:
        """A component execution put into a state by hand."""
        run = ComponentRun(uuid7(), "extract")
        started = self.start()
        self.start_component(started.execution_id, run)
        self.executor.run(_force, table_of(ComponentExecution), run.id, state)
        return started.execution_id, run

    def _now(self) -> datetime:
        return at(next(self.seconds))


def _force(session: Session, table: sa.Table, row_id: UUID, state: ExecutionState | ComponentState) -> None:
    session.execute(sa.update(table).where(table.c.id == row_id).values(state=state))


# ------------------------------------------------------------------------------------------------------------ snapshots


def snapshot(executor: Any, execution_id: UUID) -> dict[str, Any]:
    """All rows of an execution without what differs between two recordings of the same events: keys and row times."""
    found: dict[str, Any] = executor.read(_snapshot, execution_id)
    return found


def _snapshot(session: Session, execution_id: UUID) -> dict[str, Any]:
    attempts = _rows(session, Attempt, "execution_id", [execution_id])
    ids = [row["id"] for row in attempts]
    components = _rows(session, ComponentExecution, "attempt_id", ids)
    names = {row["id"]: (row["name"], row["ordinal"]) for row in components} | {None: None}
    datasets = {row["id"]: (row["namespace"], row["name"]) for row in _rows(session, Dataset)}
    numbers = {row["id"]: row["number"] for row in attempts}
    return {
        "execution": [_plain(row, "key") for row in _rows(session, Execution, "id", [execution_id])],
        "attempts": [_plain(row, "lease_token") for row in attempts],
        "components": _sorted({**_plain(row), "linked": row["component_id"] is not None} for row in components),
        "samples": _sorted(
            {
                "attempt": numbers[row["attempt_id"]],
                "of": names[row["component_execution_id"]],
                **{name: row[name] for name in ("name", "value", "special", "sequence", "recorded_at")},
            }
            for row in _rows(session, MetricSample, "attempt_id", ids)
        ),
        "uses": _sorted(
            {
                "attempt": numbers[row["attempt_id"]],
                "of": names[row["component_execution_id"]],
                "dataset": datasets[row["dataset_id"]],
                "direction": row["direction"],
            }
            for row in _rows(session, DatasetUse, "attempt_id", ids)
        ),
        "tags": _sorted(_plain(row) for row in _rows(session, ExecutionTag, "execution_id", [execution_id])),
    }


def _rows(session: Session, model: Any, column: str | None = None, values: list[Any] | None = None) -> list[Any]:
    table = table_of(model)
    query = sa.select(table)
    if column is not None:
        query = query.where(table.c[column].in_(values or []))
    return [dict(row._mapping) for row in session.execute(query)]


def _plain(row: Mapping[str, Any], *without: str) -> dict[str, Any]:
    keys = {"id", "created_at", "updated_at", *without}
    return {name: value for name, value in row.items() if name not in keys and not name.endswith("_id")}


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=repr)


def count(executor: Any, model: Any, *where: Callable[[sa.Table], Any]) -> int:
    """How many rows there are."""
    table = table_of(model)
    query = sa.select(sa.func.count()).select_from(table).where(*(condition(table) for condition in where))
    found: int = executor.read(lambda session: session.scalar(query))
    return found


def everything(executor: Any) -> str:
    """The content of all tables as one text."""
    from etl_models.db.bases import metadata

    def read(session: Session) -> str:
        return "\n".join(
            repr(tuple(row)) for table in metadata.sorted_tables for row in session.execute(sa.select(table))
        )

    found: str = executor.read(read)
    return found


def transitions_of(executor: Any, execution_id: UUID) -> list[tuple[str | None, str, bool]]:
    """From, to and whether it was applied, in the order they were kept."""
    table = table_of(Transition)
    query = (
        sa.select(table.c.from_state, table.c.to_state, table.c.applied)
        .where(table.c.execution_id == execution_id)
        .order_by(table.c.id)
    )
    found: list[tuple[str | None, str, bool]] = executor.read(
        lambda session: [(row[0], row[1], bool(row[2])) for row in session.execute(query)]
    )
    return found
