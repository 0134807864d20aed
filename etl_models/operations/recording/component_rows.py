"""The rows of component executions: what the operations need of them, read and inserted by prepared statements."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.states import ComponentState
from etl_models.models.component import Component
from etl_models.models.execution import ComponentExecution

component_execution_table = table_of(ComponentExecution)
_component = table_of(Component)


class ComponentRow(NamedTuple):
    """One run of a component."""

    id: UUID
    name: str
    ordinal: int
    state: ComponentState
    started_at: datetime | None
    ended_at: datetime | None
    inferred: bool

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands for a component that never started: inferred, and nothing of it ever ended."""
        return self.inferred and self.ended_at is None


_ROWS = (
    sa.select(*(component_execution_table.c[name] for name in ComponentRow._fields))
    .where(component_execution_table.c.attempt_id == sa.bindparam("attempt"))
    .order_by(component_execution_table.c.name, component_execution_table.c.ordinal)
)
_RUNS = _ROWS.where(component_execution_table.c.name == sa.bindparam("wanted"))

INSERT_COMPONENT_EXECUTION = sa.insert(component_execution_table).values(
    component_id=sa.select(_component.c.id)
    .where(_component.c.job_id == sa.bindparam("job"), _component.c.name == sa.bindparam("component"))
    .scalar_subquery()
)
"""Looks up the component by ``job`` and ``component`` (its name); NULL for one that the definition does not know."""


def components_of(session: Session, attempt_id: UUID) -> list[ComponentRow]:
    """Return the runs of all components of an attempt, by name, the newest of each last."""
    return [ComponentRow(*row) for row in session.connection().execute(_ROWS, {"attempt": attempt_id})]


def runs_of(session: Session, attempt_id: UUID, name: str) -> list[ComponentRow]:
    """Return the runs of one component, the newest last."""
    return [ComponentRow(*row) for row in session.connection().execute(_RUNS, {"attempt": attempt_id, "wanted": name})]
