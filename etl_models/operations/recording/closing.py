"""What closing an attempt means for its components: open ones are closed, those that never started get a row.

All of it is *inferred*: nobody reported these states, so a report that comes later overrules them, and they are
inferred anew. So the rows are the same whether a component's end arrives before the end of its attempt or after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.graph import downstream_of
from etl_models.domain.ids import uuid7
from etl_models.domain.jsonvalue import JsonValue
from etl_models.domain.states import CLOSING_COMPONENTS, ComponentState, ExecutionState
from etl_models.models.version import JobVersion
from etl_models.operations.recording.component_rows import (
    INSERT_COMPONENT_EXECUTION,
    component_execution_table,
    components_of,
)
from etl_models.operations.recording.locking import Subject
from etl_models.operations.recording.transitions import Requested, compare_and_set, keep_applied

_C = ComponentState
Upstreams = Mapping[str, tuple[str, ...]]

_version = table_of(JobVersion)

BLOCKING = frozenset({_C.FAILED, _C.LOST, _C.TIMED_OUT, _C.UPSTREAM_FAILED})
"""A component in one of these states keeps those downstream of it from starting."""


def close_components(session: Session, subject: Subject, state: ExecutionState, ended_at: datetime) -> None:
    """Close what ``subject``, an attempt that has just become ``state``, leaves open, and add what never started."""
    rows = components_of(session, subject.attempt.id)
    still = {row.id: row.state for row in rows}
    requests = []
    for row in rows:
        target = closed_state(row.state, state)
        if target is None:
            continue
        reason = f"the attempt ended as {state.value} before this component did"
        values = {"state": target, "ended_at": _later(ended_at, row.started_at), "reason": reason, "inferred": True}
        if compare_and_set(session, component_execution_table, row.id, row.state, values):
            still[row.id] = target
            requests.append(
                Requested(subject.execution.id, subject.attempt.id, target, ended_at, row.state, row.id, reason)
            )
    keep_applied(session, requests)
    if any(row.is_placeholder for row in rows):
        forget_inferred(session, subject.attempt.id)
    _add_never_started(session, subject, state, {row.name: still[row.id] for row in rows if not row.is_placeholder})


def closed_state(component: ComponentState, attempt: ExecutionState) -> ComponentState | None:
    """Return what an open component becomes when its attempt closes; None for one that is closed."""
    if component not in (_C.RUNNING, _C.PENDING):
        return None
    running, pending = CLOSING_COMPONENTS[attempt]
    return running if component is _C.RUNNING else pending


def infer_again(session: Session, subject: Subject) -> None:
    """Conclude anew what never started, after a late report to an attempt that is closed."""
    forget_inferred(session, subject.attempt.id)
    rows = components_of(session, subject.attempt.id)
    _add_never_started(session, subject, subject.state, {row.name: row.state for row in rows})


def forget_inferred(session: Session, attempt_id: UUID) -> None:
    """Remove the rows of components that never started."""
    table = component_execution_table
    session.connection().execute(
        sa.delete(table).where(table.c.attempt_id == attempt_id, table.c.inferred.is_(True), table.c.ended_at.is_(None))
    )


def _add_never_started(
    session: Session, subject: Subject, state: ExecutionState, latest: Mapping[str, ComponentState]
) -> None:
    """Add a row for each component of the definition that has none; an attempt without any component stays so."""
    if not latest:
        return
    upstreams = upstreams_of(session, subject.execution.job_version_id)
    rows = [
        {
            "id": uuid7(),
            "attempt_id": subject.attempt.id,
            "name": name,
            "state": inferred,
            "reason": "never started",
            "inferred": True,
            "job": subject.execution.job_id,
            "component": name,
        }
        for name, inferred in never_started(latest, upstreams, state).items()
    ]
    if rows:
        session.connection().execute(INSERT_COMPONENT_EXECUTION, rows)


def never_started(
    latest: Mapping[str, ComponentState], upstreams: Upstreams, state: ExecutionState
) -> dict[str, ComponentState]:
    """Say for each component without a state why it never started.

    ``latest`` maps components to the state of their newest run, ``upstreams`` all of the definition to those they
    depend on. Downstream of one that did not succeed it is upstream_failed, else skipped; in an attempt that
    succeeded or was given up it is skipped in any case.
    """
    missing = [name for name in upstreams if name not in latest]
    if CLOSING_COMPONENTS[state][1] is _C.SKIPPED:
        return dict.fromkeys(missing, _C.SKIPPED)
    blocked = downstream_of((name for name, found in latest.items() if found in BLOCKING), upstreams)
    return {name: _C.UPSTREAM_FAILED if name in blocked else _C.SKIPPED for name in missing}


def _later(moment: datetime, other: datetime | None) -> datetime:
    return moment if other is None else max(moment, other)


# -------------------------------------------------------------------------------------------- the graph of a definition

_MAX_GRAPHS = 256
_graphs: dict[UUID, Upstreams] = {}


def upstreams_of(session: Session, job_version_id: UUID) -> Upstreams:
    """Return which components each component of a definition version depends on. Versions never change, so keep it."""
    if job_version_id not in _graphs:
        query = sa.select(_version.c.document).where(_version.c.id == job_version_id)
        upstreams = _read_graph(session.connection().scalar(query))
        if len(_graphs) >= _MAX_GRAPHS:
            _graphs.clear()
        _graphs[job_version_id] = upstreams
    return _graphs[job_version_id]


def _read_graph(document: JsonValue) -> Upstreams:
    components: Iterable[Mapping[str, Any]] = document.get("components") or ()
    return {
        component["name"]: tuple(
            item if isinstance(item, str) else item["component"] for item in component.get("depends_on") or ()
        )
        for component in components
    }
