"""Which executions: the filters that lists and statistics share, checked once and turned into SQL conditions.

The time window is about when an execution *ran*: the start of any of its attempts, or, for one that has not started,
its creation. So a retry of today is found today, whenever the first attempt was.
``since`` is included, ``until`` is not. A tag matches when the execution carries it or its job does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.clock import as_utc, parse_when
from etl_models.domain.naming import check_name
from etl_models.domain.paging import fingerprint
from etl_models.domain.redaction import redact
from etl_models.domain.states import ExecutionState
from etl_models.domain.text import check_text
from etl_models.errors import InvalidInputError
from etl_models.models.execution import MAX_KEY_LENGTH, Attempt, Execution, ExecutionTag
from etl_models.models.tag import MAX_TAG_KEY_LENGTH, MAX_TAG_VALUE_LENGTH
from etl_models.operations.history.jobs import get_job_id
from etl_models.repositories import job as jobs
from etl_models.specs.suggest import did_you_mean, quoted

When = datetime | str | None

execution = table_of(Execution)
_own_tag = table_of(ExecutionTag)
_attempt = table_of(Attempt)

ran_at: sa.ColumnElement[datetime] = sa.func.coalesce(
    execution.c.started_at, execution.c.created_at, type_=execution.c.created_at.type
)
"""When an execution ran first, for the window and for grouping by day."""


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Checked filters; ``fingerprint`` tells two questions apart, as they were asked ("24h" stays "24h")."""

    job_id: UUID | None
    namespace: str | None
    states: tuple[ExecutionState, ...]
    since: datetime | None
    until: datetime | None
    tags: tuple[tuple[str, str | None], ...]
    key: str | None
    fingerprint: str

    def source(self) -> sa.FromClause:
        """Return what the conditions are about: executions, with their jobs only where a condition asks for them."""
        if self.namespace is None and not self.tags:
            return execution
        return execution.join(jobs.job, jobs.job.c.id == execution.c.job_id)

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return conditions on :meth:`source`, or on executions joined with their jobs; all must hold."""
        found: list[sa.ColumnElement[bool]] = []
        if self.job_id is not None:
            found.append(execution.c.job_id == self.job_id)
        if self.namespace is not None:
            found.append(jobs.job.c.namespace == self.namespace)
        if self.states:
            found.append(execution.c.state.in_(self.states))
        if self.since is not None or self.until is not None:
            found.append(sa.or_(self._in_window(ran_at), self._retried_in_window()))
        if self.key is not None:
            found.append(execution.c.key == self.key)
        return found + [_carries(key, value) for key, value in self.tags]

    def _in_window(self, moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
        sides = [moment >= self.since] if self.since is not None else []
        return sa.and_(*sides, *([moment < self.until] if self.until is not None else []))

    def _retried_in_window(self) -> sa.ColumnElement[bool]:
        """A later attempt began in the window; the count spares looking for attempts that are not there."""
        later = sa.select(1).where(
            _attempt.c.execution_id == execution.c.id, _attempt.c.number > 1, self._in_window(_attempt.c.started_at)
        )
        return sa.and_(execution.c.attempt_count > 1, later.exists())


def make_filter(
    session: Session,
    *,
    job: str | None = None,
    namespace: str | None = None,
    states: Iterable[ExecutionState | str] = (),
    since: When = None,
    until: When = None,
    tags: Mapping[str, str | None] | None = None,
    key: str | None = None,
) -> ExecutionFilter:
    """Check the filters a caller gave; looks up the job, so that a misspelt one is an error and not an empty list.

    Raises :class:`NotFoundError` for an unknown job and :class:`InvalidInputError` for everything else.
    """
    given = [states] if isinstance(states, str) else states  # one state alone is no iterable of letters
    chosen = tuple(sorted({_state(state) for state in given}))
    wanted = tuple(sorted(_checked_tags(tags or {}), key=repr))
    asked = [job, namespace, list(chosen), _asked(since), _asked(until), [list(tag) for tag in wanted], key]
    moment_since, moment_until = _moment(since, "since"), _moment(until, "until")
    if moment_since is not None and moment_until is not None and moment_since >= moment_until:
        raise InvalidInputError("since must be before until; the window is empty", field="since")
    return ExecutionFilter(
        job_id=None if job is None else get_job_id(session, job, namespace=namespace),
        namespace=None if namespace is None else check_name(namespace, "namespace"),
        states=chosen,
        since=moment_since,
        until=moment_until,
        tags=wanted,
        key=None if key is None else recorded_key(key),
        fingerprint=fingerprint(_storable(asked)),
    )


def recorded_key(key: str) -> str:
    """Return an idempotency key as recording keeps it: what looks like a secret in it is masked.

    Raises :class:`InvalidInputError` for what cannot be a key.
    """
    return redact(check_text(key, "key", limit=MAX_KEY_LENGTH))


def _state(value: ExecutionState | str) -> ExecutionState:
    try:
        return ExecutionState(value)
    except ValueError:
        hint = did_you_mean(str(value), list(ExecutionState))
        known = ", ".join(ExecutionState)
        raise InvalidInputError(
            f"{quoted(str(value))} is not a state of an execution{hint} (known: {known})", field="state"
        ) from None


def _checked_tags(tags: Mapping[str, str | None]) -> Iterable[tuple[str, str | None]]:
    for key, value in tags.items():
        checked = None if value is None else check_text(value, "value of a tag", limit=MAX_TAG_VALUE_LENGTH)
        yield check_text(key, "key of a tag", limit=MAX_TAG_KEY_LENGTH), checked


def _moment(value: When, field: str) -> datetime | None:
    if value is None:
        return None
    return parse_when(value, field=field) if isinstance(value, str) else as_utc(value, field)


def _asked(value: When) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


def _storable(value: Any) -> Any:
    """Text that JSON in UTF-8 cannot hold must not break the fingerprint before the checks can refuse it."""
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _carries(key: str, value: str | None) -> sa.ColumnElement[bool]:
    """The execution or its job has the tag; ``None`` means with any value, ``""`` means without one."""
    # Recording masks secrets in tags as well; a definition keeps what its file says.
    own = sa.select(1).where(_own_tag.c.execution_id == execution.c.id, _own_tag.c.key == redact(key))
    if value is not None:
        own = own.where(_own_tag.c.value == redact(value))
    return sa.or_(own.exists(), jobs.carries(key, value))
