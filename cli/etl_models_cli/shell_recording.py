"""A report from a shell: samples, datasets, tags and the end of a component, written as one unit of work."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session

from etl_models.domain.clock import utcnow
from etl_models.domain.ids import uuid7
from etl_models.domain.text import printable, short
from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import InvalidInputError
from etl_models.operations.history.reading import get_execution, resolve_id
from etl_models.operations.recording.cleaning import check_tags
from etl_models.operations.recording.components import ComponentRun, finish_component, start_component
from etl_models.operations.recording.dataset_names import parse_dataset
from etl_models.operations.recording.facts import record_facts
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.values import Facts, Failure, Sample, Use
from etl_models.reads.execution import ExecutionRead


@dataclass(frozen=True, slots=True)
class Report:
    """Made once, before the unit: when the unit is repeated, ids and times are the same."""

    facts: Facts
    run: ComponentRun | None
    state: str | None
    reason: str | None
    error: Failure | None
    moment: datetime

    @classmethod
    def make(
        cls,
        *,
        metrics: Mapping[str, str | None],
        reads: Sequence[str],
        writes: Sequence[str],
        tags: Mapping[str, str | None],
        component: str | None,
        state: str | None,
        reason: str | None,
        error: tuple[str | None, str | None],
    ) -> Self:
        """Read what was given as text. Raises InvalidInputError for what cannot be recorded."""
        moment = utcnow()
        uses = [Use(parse_dataset(name), DataDirection.INPUT) for name in reads]
        uses += [Use(parse_dataset(name), DataDirection.OUTPUT) for name in writes]
        return cls(
            facts=Facts(tuple(_samples(metrics, moment)), tuple(uses), check_tags(dict(tags))),
            run=None if component is None else ComponentRun(uuid7(), component, by_name=True).checked(),
            state=state,
            reason=reason,
            error=Failure(*error) if any(error) else None,
            moment=moment,
        )

    def write(self, session: Session, execution: str) -> ExecutionRead:
        """Write everything; raises TransitionError, and nothing is written, when the component cannot end so."""
        id_ = resolve_id(session, execution)
        owner = self._component(session, id_)
        record_facts(session, id_, self.facts, occurred_at=self.moment, component_execution_id=owner)
        if self.run is not None and self.state is not None:
            finish_component(
                session,
                id_,
                self.run,
                state=self.state,
                occurred_at=self.moment,
                reason=self.reason,
                error=self.error,
            ).require()
        return get_execution(session, id_)

    def _component(self, session: Session, id_: UUID) -> UUID | None:
        if self.run is None:
            return None
        return start_component(session, id_, self.run, occurred_at=self.moment).id


def _samples(metrics: Mapping[str, str | None], moment: datetime) -> list[Sample]:
    # Workers of other processes measure too: the clock gives all of them an order.
    sequence = time.time_ns()
    return [
        measure(name, _number(name, text), sequence=sequence + index, recorded_at=moment)
        for index, (name, text) in enumerate(metrics.items())
    ]


def _number(name: str, text: str | None) -> int | float:
    for read in (int, float):
        try:
            return read(text or "")
        except ValueError:
            continue
    shown = printable(short(text or ""))
    raise InvalidInputError(f"metric {printable(short(name))} must be a number, not '{shown}'", field="metric")
