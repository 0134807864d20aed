"""From what a user passes to the arguments of a start, each argument judged by itself: one mistake loses one field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from etl_models.domain.clock import as_utc
from etl_models.domain.ids import uuid7
from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.naming import Reference
from etl_models.domain.states import ExecutionState
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.cleaning import TagsInput, check_job, check_key, check_tags, check_trigger
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.tolerance import tolerant_parameters
from etl_models.recorder.worker import worker_identity

ExecutionId: TypeAlias = UUID | str
"""The id of an execution."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Checked arguments of a start. ``reference`` is None when the name of the job cannot be one: all is lost then."""

    reference: Reference | None
    execution_id: UUID
    attempt_id: UUID
    key: str | None
    parameters: dict[str, JsonValue]
    tags: dict[str, str]
    trigger: str | None
    nominal_time: datetime | None
    parent_id: UUID | None
    rerun_of_id: UUID | None
    state: ExecutionState
    create_missing: bool

    def arguments(self, occurred_at: datetime, started_at: datetime | None = None) -> dict[str, Any]:
        """Return the arguments of ``start_execution``."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "reference"}
        runs = self.state is ExecutionState.RUNNING
        return {
            **fields,
            "occurred_at": occurred_at,
            "started_at": started_at,
            "worker": worker_identity() if runs else None,
        }


def make_request(
    ledger: Ledger,
    job: str | Reference,
    *,
    key: object = None,
    parameters: Mapping[str, object] | None = None,
    tags: TagsInput = None,
    trigger: str | None = None,
    nominal_time: datetime | None = None,
    parent: object = None,
    rerun_of: object = None,
    execution_id: ExecutionId | None = None,
    state: ExecutionState | str = ExecutionState.RUNNING,
) -> StartRequest:
    """Check every argument; one that cannot be recorded is a mistake in the ledger and left out."""
    chosen = ledger.tolerated(_identity, execution_id, None)
    return StartRequest(
        reference=ledger.tolerated(check_job, job, None),
        execution_id=chosen or uuid7(),
        attempt_id=uuid7(),
        key=ledger.tolerated(_key, key, None),
        parameters=tolerant_parameters(ledger, parameters),
        tags=ledger.tolerated(check_tags, tags, {}),
        trigger=ledger.tolerated(check_trigger, trigger, None),
        nominal_time=ledger.tolerated(moment("nominal_time"), nominal_time, None),
        parent_id=ledger.tolerated(_identity, parent, None),
        rerun_of_id=ledger.tolerated(_identity, rerun_of, None),
        state=ledger.tolerated(ExecutionState, state, ExecutionState.RUNNING),
        create_missing=not ledger.strict,
    )


def moment(field: str) -> Callable[[Any], datetime | None]:
    """Return a check of a time that may be missing; one without a zone is refused, never guessed."""

    def check(value: Any) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise InvalidInputError(f"{field} must be a datetime, not {type(value).__name__}", field=field)
        return as_utc(value, field)

    return check


def identity(value: Any) -> UUID:
    """Return the id of an execution from an id, its text, or a handle; raises :class:`InvalidInputError`."""
    found = value if isinstance(value, UUID | str) else getattr(value, "id", None)
    try:
        return found if isinstance(found, UUID) else UUID(found)
    except (ValueError, TypeError, AttributeError):
        raise InvalidInputError("the id of an execution must be a UUID", field="id") from None


def _identity(value: Any) -> UUID | None:
    return None if value is None else identity(value)


def _key(value: Any) -> str | None:
    # Days and numbers are the commonest keys; their text is what they are called.
    return check_key(value if value is None or isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    if isinstance(value, datetime) or hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    raise InvalidInputError(f"key must be text, not {type(value).__name__}", field="key")
