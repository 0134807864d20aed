"""Going on with an execution that another process, or an earlier call, started."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.errors import NotFoundError
from etl_models.operations.recording.locking import execution_table, newest_attempt
from etl_models.operations.recording.meeting import read_start
from etl_models.reads.execution import StartRead


def attach_execution(session: Session, execution_id: UUID) -> StartRead:
    """Return the newest attempt of an execution, to record to; reads only. Raises :class:`NotFoundError`."""
    query = sa.select(execution_table).where(execution_table.c.id == execution_id)
    execution = session.connection().execute(query).one_or_none()
    if execution is None:
        raise NotFoundError(f"no execution {execution_id}", execution_id=str(execution_id))
    return read_start(session, execution, newest_attempt(session, execution), opened=False)
