"""Recording after the fact: from what a user says of an execution that is over to one command."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Required, TypedDict
from uuid import UUID

from etl_models.domain.clock import utcnow
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference
from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.batches import Command
from etl_models.operations.recording.components import ComponentRun, finishing_component_state
from etl_models.operations.recording.finishing import finishing_state
from etl_models.operations.recording.values import Facts
from etl_models.operations.recording.whole import FinishedComponent, record_execution
from etl_models.reads.execution import StartRead
from etl_models.recorder.endings import ErrorInput, failure_of
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.notes import Notes
from etl_models.recorder.requests import ExecutionId, make_request, moment
from etl_models.recorder.steady import FixedClock
from etl_models.recorder.steps import Steps


class ComponentRecord(TypedDict, total=False):
    """One run of a component that is over; times default to those of the execution."""

    name: Required[str]
    started_at: datetime | None
    ended_at: datetime | None
    state: ComponentState | str
    error: ErrorInput
    reason: str | None
    metrics: Mapping[str, object]
    reads: Sequence[str | os.PathLike[str]]
    writes: Sequence[str | os.PathLike[str]]


class RecordDetails(TypedDict, total=False):
    """What else can be said of an execution that is over. ``ended_at`` defaults to now, ``started_at`` to ``ended_at``.

    Both are aware. With the same ``execution_id`` again nothing changes.
    """

    state: ExecutionState | str
    started_at: datetime | None
    ended_at: datetime | None
    error: ErrorInput
    reason: str | None
    metrics: Mapping[str, object]
    reads: Sequence[str | os.PathLike[str]]
    writes: Sequence[str | os.PathLike[str]]
    components: Sequence[ComponentRecord]
    trigger: str | None
    nominal_time: datetime | None
    execution_id: ExecutionId | None


def record_steps(ledger: Ledger, job: str | Reference, **given: Any) -> Steps[UUID | None]:
    """Write the whole execution; its id, or None when it could not be recorded."""
    try:
        command = whole_command(ledger, job, **given)
    except Exception as error:  # noqa: BLE001  (whatever the caller's objects do must not reach the pipeline)
        ledger.mistake(error)
        return None
    if command is None:
        ledger.skipped(1)
        return None
    answer = yield (command,)
    return answer.execution_id if isinstance(answer, StartRead) else None


def whole_command(
    ledger: Ledger,
    job: str | Reference,
    *,
    state: ExecutionState | str = ExecutionState.SUCCEEDED,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
    error: ErrorInput = None,
    reason: str | None = None,
    metrics: Mapping[str, object] | None = None,
    reads: Sequence[str | os.PathLike[str]] = (),
    writes: Sequence[str | os.PathLike[str]] = (),
    components: Iterable[ComponentRecord] = (),
    execution_id: ExecutionId | None = None,
    **start: Any,
) -> Command | None:
    """Return the command, None for a job whose name cannot be one.

    Raises InvalidInputError for times or a final state that cannot be: nothing true could be recorded then.
    """
    end = moment("ended_at")(ended_at) or utcnow()
    begin = moment("started_at")(started_at) or end
    if begin > end:
        raise InvalidInputError("started_at is after ended_at", field="started_at")
    request = make_request(ledger, job, execution_id=execution_id, **start)
    if request.reference is None:
        return None
    if execution_id is not None:
        # The id of the execution is all that tells a repetition, so it has to tell the attempt as well.
        request = replace(request, attempt_id=request.execution_id)
    runs: Counter[str] = Counter()
    finished = [
        ledger.tolerated(lambda given: _finished(ledger, runs, (begin, end), given), component, None)
        for component in components
    ]
    return Command(
        record_execution,
        {
            "reference": request.reference,
            "start": request.arguments(end, begin),
            "ended_at": end,
            "state": finishing_state(state),
            "reason": reason,
            "error": failure_of(error),
            "facts": _facts(ledger, end, metrics, reads, writes),
            "components": tuple(component for component in finished if component is not None),
        },
    )


def _finished(
    ledger: Ledger, runs: Counter[str], span: tuple[datetime, datetime], given: ComponentRecord
) -> FinishedComponent:
    """Return one run; known by its name and how many of the name came before, so that told again it is the same."""
    if unknown := given.keys() - ComponentRecord.__annotations__.keys():
        raise InvalidInputError(f"a component has no {', '.join(sorted(map(str, unknown)))}", field="components")
    began = moment("started_at")(given.get("started_at")) or span[0]
    ended_at = moment("ended_at")(given.get("ended_at")) or span[1]
    runs[given["name"]] += 1
    return FinishedComponent(
        ComponentRun(uuid7(), given["name"], runs[given["name"]], began, by_name=True).checked(),
        ended_at,
        finishing_component_state(given.get("state", ComponentState.SUCCEEDED)),
        given.get("reason"),
        failure_of(given.get("error")),
        _facts(ledger, ended_at, given.get("metrics"), given.get("reads", ()), given.get("writes", ())),
    )


def _facts(
    ledger: Ledger,
    at: datetime,
    metrics: Mapping[str, object] | None,
    reads: Iterable[str | os.PathLike[str]],
    writes: Iterable[str | os.PathLike[str]],
) -> Facts:
    notes = Notes(ledger, FixedClock(at))
    for name, value in dict(metrics or {}).items():
        notes.metric(name, value)
    notes.uses(reads, DataDirection.INPUT)
    notes.uses(writes, DataDirection.OUTPUT)
    return notes.take()
