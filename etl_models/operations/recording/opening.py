"""Opening an attempt: its row and its first row of history."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.operations.recording.locking import attempt_table
from etl_models.operations.recording.start_request import Start
from etl_models.operations.recording.transitions import Requested, keep_applied


def insert_attempt(session: Session, start: Start, execution_id: UUID, *, number: int) -> None:
    """Add the attempt that ``start`` asks for."""
    row = {
        "id": start.attempt_id,
        "execution_id": execution_id,
        "number": number,
        "state": start.state,
        "lease_token": start.lease,
        "worker": start.worker,
        "created_at": start.occurred_at,
        "started_at": start.ran_from,
    }
    session.connection().execute(sa.insert(attempt_table), row)
    keep_applied(session, [Requested(execution_id, start.attempt_id, start.state, start.occurred_at)])
