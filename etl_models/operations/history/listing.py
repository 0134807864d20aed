"""Lists of executions, newest first, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.keyset import SortKey, after
from etl_models.domain.clock import isoformat
from etl_models.domain.paging import DEFAULT_LIMIT, Page, check_limit, decode_cursor, encode_cursor
from etl_models.domain.states import ExecutionState
from etl_models.errors import InvalidInputError
from etl_models.models.execution import Execution
from etl_models.operations.history.filters import ExecutionFilter, When, make_filter
from etl_models.operations.history.rows import summary_query, to_summaries
from etl_models.reads.execution import ExecutionSummary

_execution = table_of(Execution)
_ORDER = (SortKey(_execution.c.created_at, descending=True), SortKey(_execution.c.id, descending=True))


def list_executions(
    session: Session,
    *,
    job: str | None = None,
    namespace: str | None = None,
    states: Iterable[ExecutionState | str] = (),
    since: When = None,
    until: When = None,
    tags: Mapping[str, str | None] | None = None,
    key: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ExecutionSummary]:
    """Return a page of executions, the newest (by creation) first.

    ``job`` is ``namespace/name`` or ``name``; ``since`` (included) and ``until`` (not included) are aware datetimes
    or text such as ``24h`` and bound when an execution started, or was created if it has not started; ``tags`` maps
    keys to values (None: any value) and matches tags of the execution or of its job; ``key`` is the idempotency key.
    Three queries a page, one more with ``job``. Raises :class:`NotFoundError` for an unknown job,
    :class:`InvalidInputError` for a filter or cursor that cannot be.
    """
    check_limit(limit)
    chosen = make_filter(
        session, job=job, namespace=namespace, states=states, since=since, until=until, tags=tags, key=key
    )
    position = None if cursor is None else _position(decode_cursor(cursor, chosen.fingerprint))
    rows = session.execute(page_query(chosen, limit, position)).all()
    items = to_summaries(session, rows[:limit])
    more = len(rows) > limit
    return Page[ExecutionSummary](
        items=tuple(items), next_cursor=_cursor(items[-1], chosen.fingerprint) if more else None
    )


def page_query(chosen: ExecutionFilter, limit: int, position: tuple[datetime, UUID] | None) -> sa.Select[Any]:
    """Select a page after ``position`` and one row more, which tells whether another page follows.

    The page is chosen first and completed then: with everything joined at once MariaDB sorts all executions.
    """
    page = sa.select(_execution.c.id).select_from(chosen.source()).where(*chosen.conditions())
    if position is not None:
        # The bound that is implied by the rest lets every database see a range of its index.
        page = page.where(_execution.c.created_at <= position[0], after(_ORDER, position))
    chosen_ids = page.order_by(*(key.order() for key in _ORDER)).limit(limit + 1).subquery()
    query = summary_query().join(chosen_ids, chosen_ids.c.id == _execution.c.id)
    return query.order_by(*(key.order() for key in _ORDER))


def _cursor(last: ExecutionSummary, fingerprint: str) -> str:
    return encode_cursor({"t": isoformat(last.created_at), "i": str(last.id)}, fingerprint)


def _position(fields: dict[str, Any]) -> tuple[datetime, UUID]:
    try:
        return datetime.fromisoformat(fields["t"]), UUID(fields["i"])
    except (KeyError, ValueError, TypeError, AttributeError):
        message = "cursor is damaged; take next_cursor of the page before as it is"
        raise InvalidInputError(message, field="cursor") from None
