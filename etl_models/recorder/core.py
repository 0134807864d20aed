"""What a handle of either face knows and decides: ids, notes, and which commands are written when.

Nothing here writes. Whatever needs the store is a generator of steps (see ``steps``). What is noted travels with the
next change of state, in the same transaction: a component costs two transactions, however much is measured in it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from etl_models.domain.ids import uuid7
from etl_models.domain.states import TERMINAL_COMPONENT_STATES
from etl_models.operations.recording.attaching import attach_execution
from etl_models.operations.recording.batches import Command
from etl_models.operations.recording.components import ComponentRun, finish_component, start_component
from etl_models.operations.recording.facts import record_facts
from etl_models.operations.recording.finishing import (
    FINISHING_STATES,
    cancel_execution,
    finish_execution,
    record_error,
)
from etl_models.operations.recording.starting import start_execution
from etl_models.operations.recording.values import NOTHING, Facts, Failure, Outcome
from etl_models.reads.execution import StartRead
from etl_models.recorder.endings import Ending, ending_of
from etl_models.recorder.ledger import Answer, Ledger
from etl_models.recorder.notes import Notes
from etl_models.recorder.requests import StartRequest
from etl_models.recorder.steady import SteadyClock
from etl_models.recorder.steps import Commands, Steps


class ExecutionCore:
    """An execution as the process that records it sees it.

    Made from a ``request`` to start one, or from the id of one that was started elsewhere. Ids are proposals until the
    start was written: a key may meet an execution that exists.
    """

    def __init__(self, ledger: Ledger, origin: StartRequest | UUID | None) -> None:
        self.ledger = ledger
        self.clock = SteadyClock()
        self.notes = Notes(ledger, self.clock)
        self.request = origin if isinstance(origin, StartRequest) else None
        self.is_attached = self.request is None
        self.is_recordable = origin is not None if self.request is None else self.request.reference is not None
        self.known: StartRead | None = None
        self.id: UUID = origin if isinstance(origin, UUID) else uuid7()
        self.attempt_id: UUID | None = None
        if self.request is not None:
            self.id, self.attempt_id = self.request.execution_id, self.request.attempt_id
        self._began_at = self.clock.now()
        self._missed = 0
        self._is_finished = False
        self._runs: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._open: dict[int, ComponentCore] = {}

    def adopt(self, known: StartRead) -> None:
        """Take over what the store says of the execution."""
        self.known = known
        self.id, self.attempt_id = known.execution_id, known.attempt_id

    def next_ordinal(self, name: str) -> int:
        """Count the runs of a component that this process made."""
        with self._lock:
            self._runs[name] += 1
            return self._runs[name]

    def opened(self, component: ComponentCore) -> None:
        """Remember a component whose end is still to come."""
        with self._lock:
            self._open[id(component)] = component

    def closed(self, component: ComponentCore) -> None:
        """Forget a component that has ended."""
        with self._lock:
            self._open.pop(id(component), None)

    def where(self) -> dict[str, Any]:
        """Return the arguments that say which attempt a command is about."""
        return {"execution_id": self.id, "attempt_id": self.attempt_id}

    # ------------------------------------------------------------------------------------------------------- steps

    def start(self) -> Steps[bool]:
        """Write the start, unless it is written; say whether the execution can be recorded to.

        Every other write comes here first, so a start that the store missed is made up for as soon as it is back.
        """
        if self.request is None or self.known is not None or not self.is_recordable:
            return self.is_recordable
        arguments = {"reference": self.request.reference, **self.request.arguments(self._began_at)}
        answer = yield (Command(start_execution, arguments),)
        if isinstance(answer, StartRead):
            self.adopt(answer)
            self.ledger.made_up(self._missed)
            return True
        self._missed += 1
        self.is_recordable = answer is not Answer.REFUSED
        return False

    def attach(self) -> Steps[None]:
        """Ask the store for the newest attempt; while it does not answer, the newest is meant whichever it is."""
        if self.is_recordable:
            answer = yield (Command(attach_execution, {"execution_id": self.id}, reads_only=True),)
            if isinstance(answer, StartRead):
                self.adopt(answer)
            self.is_recordable = answer is not Answer.REFUSED

    def finish(self, ending: Ending) -> Steps[Outcome | None]:
        """Write the end; None when the store missed it. What was noted in components left open is written first."""
        with self._lock:
            still_open = list(self._open.values())
        for component in still_open:
            yield from component.flush()
        if not (yield from self.start()):
            self.ledger.skipped(1)
            return None
        arguments = {
            **self.where(),
            "state": ending.state,
            "reason": ending.reason,
            "error": ending.failure,
            "lease": None if self.request is None else self.request.attempt_id,
            "occurred_at": self.clock.now(),
        }
        answer = yield from self.send(
            lambda facts: (Command(finish_execution, {**arguments, "facts": facts}),), self.notes
        )
        return self._ended(answer)

    def leave(self, error: BaseException | None) -> Steps[None]:
        """End with a block that ``error`` leaves, unless the block has set an end itself and no exception follows.

        An attached execution does not end here: it belongs to whoever started it.
        """
        if self.is_attached or (self._is_finished and error is None):
            yield from self.flush()
        else:
            yield from self.finish(ending_of(error))

    def cancel(self, reason: str | None) -> Steps[Outcome | None]:
        """Ask the execution to end."""
        if not (yield from self.start()):
            self.ledger.skipped(1)
            return None
        arguments = {"execution_id": self.id, "occurred_at": self.clock.now(), "reason": reason}
        answer = yield (Command(cancel_execution, arguments),)
        return judged(self.ledger, answer)

    def fail(self, failure: Failure | None, component_execution_id: UUID | None = None) -> Steps[None]:
        """Note an error without ending anything."""
        if failure is None or not (yield from self.start()):
            return
        arguments = {**self.where(), "component_execution_id": component_execution_id, "error": failure}
        yield (Command(record_error, arguments),)

    def flush(self) -> Steps[None]:
        """Write what was noted."""
        if self.notes and (yield from self.start()):
            yield from self.send(self.facts_commands, self.notes)

    def facts_commands(self, facts: Facts) -> Commands:
        """Return what writes facts about the execution; nothing for no facts."""
        arguments = {**self.where(), "facts": facts, "occurred_at": self.clock.now()}
        return (Command(record_facts, arguments),) if facts else ()

    def send(self, commands: Callable[[Facts], Commands], notes: Notes) -> Steps[Any]:
        """Have commands written with what was noted.

        Notes that the store missed are kept for the next time. When it refuses the commands, they are sent once more
        without the notes: a change of state must not be lost over a number.
        """
        facts = notes.take()
        wanted, without = commands(facts), commands(NOTHING)
        answer: Any = Answer.MISSED
        try:
            answer = yield wanted
        finally:
            if answer is Answer.MISSED:
                notes.put_back(facts)
        if answer is Answer.MISSED:
            self.ledger.made_up(len(wanted) - len(without))
        elif answer is Answer.REFUSED and facts and without:
            self.ledger.made_up(len(wanted) - 1)  # what stays dropped is the facts
            answer = yield without
        return answer

    def _ended(self, answer: Any) -> Outcome | None:
        # A refused request may leave the attempt as open as it was; then its end is still to come.
        self._is_finished = isinstance(answer, Outcome) and answer.state in FINISHING_STATES
        if self._is_finished:
            with self._lock:
                self._open.clear()
        return judged(self.ledger, answer)


class ComponentCore:
    """One run of a component. With ``ordinal`` it is known by name, whoever reports it; without, it is a new run."""

    def __init__(self, execution: ExecutionCore, name: str, ordinal: int | None = None) -> None:
        self.execution = execution
        self.notes = Notes(execution.ledger, execution.clock)
        proposed = ComponentRun(uuid7(), name, 1 if ordinal is None else ordinal, by_name=ordinal is not None)
        run = execution.ledger.tolerated(ComponentRun.checked, proposed, None)
        self.is_recordable = run is not None
        self.run = run or replace(proposed, name="?")
        if run is not None and ordinal is None:
            self.run = replace(run, ordinal=execution.next_ordinal(run.name))
        self._is_started = False
        self._is_finished = False
        self._missed = 0

    # ------------------------------------------------------------------------------------------------------- steps

    def start(self) -> Steps[bool]:
        """Write the start, unless it is written, with what was noted of the execution; say whether it worked."""
        if self._is_started:
            return True
        if self.run.started_at is None:
            self.run = replace(self.run, started_at=self.execution.clock.now())
            self.execution.opened(self)
        if not self.is_recordable or not (yield from self.execution.start()):
            self.execution.ledger.skipped(1)
            self._missed += 1
            return False
        arguments = {**self.execution.where(), "run": self.run, "occurred_at": self.run.started_at}
        answer = yield from self.execution.send(
            lambda facts: (*self.execution.facts_commands(facts), Command(start_component, arguments)),
            self.execution.notes,
        )
        if isinstance(answer, Answer):
            self._missed += 1
            return False
        self.run = replace(self.run, id=answer.id, ordinal=answer.ordinal)
        self._now_started()
        return True

    def finish(self, ending: Ending) -> Steps[Outcome | None]:
        """Write the end with everything noted; it makes up for a start that the store missed."""
        if not self.is_recordable or not (yield from self.execution.start()):
            self.execution.ledger.skipped(1)
            return None
        arguments = {
            **self.execution.where(),
            "run": self.run,
            "state": ending.state,
            "reason": ending.reason,
            "error": ending.failure,
            "occurred_at": self.execution.clock.now(),
        }
        answer = yield from self.execution.send(
            lambda facts: (Command(finish_component, {**arguments, "facts": facts}),), self.notes
        )
        if isinstance(answer, Outcome):
            self._now_started()
            self._is_finished = answer.state in TERMINAL_COMPONENT_STATES
        if self._is_finished:
            self.execution.closed(self)
        return judged(self.execution.ledger, answer)

    def leave(self, error: BaseException | None) -> Steps[None]:
        """End with a block that ``error`` leaves, unless the block has set an end itself and no exception follows."""
        if self._is_finished and error is None:
            yield from self.flush()
        else:
            yield from self.finish(ending_of(error).of_component())

    def fail(self, failure: Failure | None) -> Steps[None]:
        """Note an error without ending anything."""
        if (yield from self.start()):
            yield from self.execution.fail(failure, self.run.id)

    def flush(self) -> Steps[None]:
        """Write what was noted."""
        if self.notes and (yield from self.start()):
            yield from self.execution.send(self._facts_commands, self.notes)

    def _now_started(self) -> None:
        self._is_started = True
        self.execution.ledger.made_up(self._missed)
        self._missed = 0

    def _facts_commands(self, facts: Facts) -> Commands:
        where = {**self.execution.where(), "component_execution_id": self.run.id}
        arguments = {**where, "facts": facts, "occurred_at": self.execution.clock.now()}
        return (Command(record_facts, arguments),) if facts else ()


def judged(ledger: Ledger, answer: Any) -> Outcome | None:
    """Return the outcome of a change of state, None when the store did not take it; a refused one is told."""
    if not isinstance(answer, Outcome):
        return None
    if answer.reason is not None:
        ledger.lost(answer.reason)
    return answer
