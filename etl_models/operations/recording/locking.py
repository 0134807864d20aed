"""The lock every recording operation takes first, and the rows it works on.

The order is always the same: the execution, then what belongs to it. So two operations of one execution wait for
each other instead of deadlocking, and what is read after the lock stays true until the commit (on SQLite because the
whole unit holds the write lock; elsewhere units are READ COMMITTED).
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.states import ExecutionState
from etl_models.errors import NotFoundError
from etl_models.models.execution import Attempt, Execution

execution_table = table_of(Execution)
attempt_table = table_of(Attempt)

# key_share: on PostgreSQL the lock lets others insert rows that refer to the execution.
_LOCK = (
    sa.select(execution_table)
    .where(execution_table.c.id == sa.bindparam("execution_id"))
    .with_for_update(key_share=True)
)
_ATTEMPT = sa.select(attempt_table).where(
    attempt_table.c.execution_id == sa.bindparam("execution_id"), attempt_table.c.id == sa.bindparam("attempt_id")
)
_NEWEST = sa.select(attempt_table).where(
    attempt_table.c.execution_id == sa.bindparam("execution_id"), attempt_table.c.number == sa.bindparam("number")
)


class Subject(NamedTuple):
    """A locked execution and one of its attempts."""

    execution: sa.Row[Any]
    attempt: sa.Row[Any]

    @property
    def state(self) -> ExecutionState:
        """The state of the attempt."""
        state: ExecutionState = self.attempt.state
        return state

    @property
    def is_newest(self) -> bool:
        """Whether the execution follows this attempt."""
        return bool(self.attempt.number == self.execution.attempt_count)


def lock_execution(session: Session, execution_id: UUID) -> sa.Row[Any]:
    """Lock an execution until the end of the unit and return its row; raises :class:`NotFoundError`."""
    row = session.connection().execute(_LOCK, {"execution_id": execution_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"no execution {execution_id}", execution_id=str(execution_id))
    return row


def lock_attempt(session: Session, execution_id: UUID, attempt_id: UUID | None) -> Subject:
    """Lock an execution and read one of its attempts, by default the newest; raises :class:`NotFoundError`."""
    execution = lock_execution(session, execution_id)
    if attempt_id is None:
        return Subject(execution, newest_attempt(session, execution))
    found = session.connection().execute(_ATTEMPT, {"execution_id": execution_id, "attempt_id": attempt_id})
    attempt = found.one_or_none()
    if attempt is None:
        raise NotFoundError(
            f"execution {execution_id} has no attempt {attempt_id}",
            execution_id=str(execution_id),
            attempt_id=str(attempt_id),
        )
    return Subject(execution, attempt)


def newest_attempt(session: Session, execution: sa.Row[Any]) -> sa.Row[Any]:
    """Read the newest attempt of a locked execution."""
    key = {"execution_id": execution.id, "number": execution.attempt_count}
    return session.connection().execute(_NEWEST, key).one()
