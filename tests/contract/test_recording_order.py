"""Any order and any repetition of the same events ends in the same rows.

The start of the execution comes first here: that an end may come before it is a matter of the spool.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from etl_models.database import Database
from etl_models.domain.ids import uuid7
from etl_models.domain.vocabulary import DataDirection
from etl_models.operations.recording.batches import Command, perform
from etl_models.operations.recording.components import ComponentRun, finish_component, start_component
from etl_models.operations.recording.dataset_names import parse_dataset
from etl_models.operations.recording.facts import record_facts
from etl_models.operations.recording.finishing import finish_execution
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.starting import start_execution
from etl_models.operations.recording.values import Facts, Failure, Use
from etl_models.store import Store
from tests.support.recording import FLIGHTS, JOB, at, snapshot

pytestmark = pytest.mark.contract

ENDS = ("succeeded", "failed", "cancelled", "timed_out", "queued")


@dataclass
class Events:
    """The events of one execution, each a command with ids and times of its own."""

    state: str
    execution_id: UUID = field(default_factory=uuid7)
    attempt_id: UUID = field(default_factory=uuid7)
    extract: ComponentRun = field(default_factory=lambda: ComponentRun(uuid7(), "extract", started_at=at(1)))
    clean: ComponentRun = field(default_factory=lambda: ComponentRun(uuid7(), "clean", started_at=at(3)))
    again: ComponentRun = field(default_factory=lambda: ComponentRun(uuid7(), "clean", 2, started_at=at(6)))

    def start(self) -> Command:
        """What has to come first."""
        ids = {"execution_id": self.execution_id, "attempt_id": self.attempt_id}
        return Command(start_execution, {"reference": JOB, **ids, "occurred_at": at(0), "create_missing": True})

    def others(self) -> list[Command]:
        """What may come in any order."""
        sample = measure("rows_out", 842, sequence=7, recorded_at=at(2))
        read = Use(parse_dataset("file:///data/flights.csv"), DataDirection.INPUT)
        whole = Facts((measure("rows", 1, sequence=8, recorded_at=at(4)),), (read,), {"team": "ops"})
        return [
            self._of(start_component, run=self.extract, occurred_at=at(1)),
            self._of(
                finish_component,
                run=self.extract,
                state="succeeded",
                occurred_at=at(2),
                facts=Facts((sample,), (read,)),
            ),
            self._of(start_component, run=self.clean, occurred_at=at(3)),
            self._of(
                finish_component, run=self.clean, state="failed", occurred_at=at(5), error=Failure("E", "no", "...")
            ),
            self._of(finish_execution, state=self.state, occurred_at=at(9), reason="over"),
            self._of(record_facts, facts=whole, occurred_at=at(4)),
        ]

    def repeated(self) -> list[Command]:
        """Events of a second run of a component, for longer stories."""
        return [
            self._of(start_component, run=self.again, occurred_at=at(6)),
            self._of(finish_component, run=self.again, state="succeeded", occurred_at=at(7)),
        ]

    def _of(self, operation: Callable[..., Any], **arguments: Any) -> Command:
        where = {"execution_id": self.execution_id, "attempt_id": self.attempt_id}
        return Command(operation, {**where, **arguments})


def _record(database: Database, commands: Sequence[Command]) -> None:
    for command in commands:
        database.run(perform, [command])


@pytest.fixture
def registered(migrated_url: str) -> str:
    """A database that knows the job."""
    with Store(migrated_url) as store:
        store.catalog.apply(FLIGHTS)
    return migrated_url


def _orders(number: int, wanted: int, seed: int) -> list[tuple[int, ...]]:
    """Some orders of so many events; all of them when there are few."""
    every = list(itertools.permutations(range(number)))
    return every if len(every) <= wanted else random.Random(seed).sample(every, wanted)


@pytest.mark.parametrize("state", ENDS)
def test_every_order_ends_in_the_same_rows(registered: str, state: str) -> None:
    """Components before or after the end, ends before starts, facts before or after: the tables are equal."""
    with Database(registered) as database:
        expected = None
        for order in _orders(6, 40, seed=ENDS.index(state)):
            events = Events(state)
            others = events.others()
            _record(database, [events.start(), *(others[index] for index in order)])
            found = snapshot(database, events.execution_id)
            expected = expected or found
            assert found == expected, order
        assert expected is not None
        assert expected["execution"][0]["state"] == state
        assert {row["name"]: row["state"].value for row in expected["components"]}["extract"] == "succeeded"


def test_repeating_events_ends_in_the_same_rows(registered: str) -> None:
    """Each event one to three times, in any order, the start of the execution among the repetitions."""
    dice = random.Random(20130101)
    with Database(registered) as database:
        expected = None
        for _ in range(40):
            events = Events("failed")
            commands = [
                command
                for command in (events.start(), *events.others(), *events.repeated())
                for _ in range(dice.randint(1, 3))
            ]
            dice.shuffle(commands)
            _record(database, [events.start(), *commands])
            found = snapshot(database, events.execution_id)
            expected = expected or found
            assert found == expected, [command.name for command in commands]


def test_one_unit_or_many_end_in_the_same_rows(registered: str) -> None:
    """It does not matter how events are packed into transactions."""
    with Database(registered) as database:
        alone, packed = Events("succeeded"), Events("succeeded")
        _record(database, [alone.start(), *alone.others()])
        database.run(perform, [packed.start(), *packed.others()])
        assert snapshot(database, alone.execution_id) == snapshot(database, packed.execution_id)


def test_the_rows_are_those_of_the_ideal_order(registered: str) -> None:
    """The rows that all orders end in are the right ones."""
    with Database(registered) as database:
        events = Events("failed")
        _record(database, [events.start(), *reversed(events.others())])
        found = snapshot(database, events.execution_id)
    components = {row["name"]: row for row in found["components"]}
    assert {name: row["state"].value for name, row in components.items()} == {
        "extract": "succeeded",
        "clean": "failed",
        "load": "upstream_failed",
        "weather": "skipped",
        "report": "skipped",
    }
    assert {name for name, row in components.items() if row["inferred"]} == {"load", "weather", "report"}
    clean = components["clean"]
    assert (clean["started_at"], clean["ended_at"], clean["error_message"]) == (at(3), at(5), "no")
    assert {(row["of"], row["name"], row["value"]) for row in found["samples"]} == {
        (("extract", 1), "rows_out", 842.0),
        (None, "rows", 1.0),
    }
    assert len(found["uses"]) == 2
    assert (found["execution"][0]["started_at"], found["execution"][0]["ended_at"]) == (at(0), at(9))
