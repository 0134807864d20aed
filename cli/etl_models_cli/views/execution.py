"""One execution as a page that explains it: what became of it, and if it failed, where and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from etl_models.reads.execution import ComponentExecutionRead, DatasetRead, ExecutionRead, TransitionRead
from etl_models_cli import times
from etl_models_cli.screen import Column, Screen, cell_width, plain, table, wrapped
from etl_models_cli.style import state_style
from etl_models_cli.views.executions import error_text, metrics_text, tags_text

_BROKEN = {"failed", "timed_out", "lost"}
_NEVER_RAN = {"upstream_failed", "skipped", "pending"}
_SHOWN_TRACEBACK = 12
_METRICS_IN_A_CELL = 48
_WIDE = 100


def page(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from _head(execution, screen)
    yield from _part("Why", _why(execution, screen), screen)
    yield from _part("Components", _components(execution, screen), screen)
    yield from _part("Metrics", _metrics(execution, screen), screen)
    yield from _part("Attempts", _attempts(execution, screen), screen)
    yield from _part("Reads", _datasets(execution.inputs, screen), screen)
    yield from _part("Writes", _datasets(execution.outputs, screen), screen)
    yield from _part(
        "Parameters", screen.fields((plain(k), _value(v)) for k, v in execution.parameters.items()), screen
    )
    if screen.verbose:
        yield from _part("Worker", screen.fields((k, _value(v)) for k, v in (execution.worker or {}).items()), screen)
        yield from _part("Transitions", table(execution.transitions, _TRANSITIONS, screen, indent="  "), screen)


def _part(title: str, lines: Iterator[str], screen: Screen) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield ""
        yield screen.heading(title)
        yield first
        yield from lines


def _head(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    state = screen.palette.state(str(execution.state))
    yield f"{screen.heading('Execution')} {execution.id}  {state}"
    started = times.exact(execution.started_at, screen.zone)
    relative = f" ({screen.moment(execution.started_at)})" if started and screen.zone is None else ""
    yield from screen.fields(
        [
            ("job", plain(f"{execution.namespace}/{execution.job}") + f"  (version {execution.definition_version})"),
            ("key", plain(execution.key or "")),
            ("started", f"{started}{relative}" if started else "not yet"),
            ("ended", times.exact(execution.ended_at, screen.zone)),
            ("took", times.duration(execution.duration_seconds)),
            ("for", times.exact(execution.nominal_time, screen.zone)),
            ("attempt", f"{execution.attempt_count}" if execution.attempt_count > 1 else ""),
            ("reason", plain(execution.reason or "") if execution.error is None else ""),
            ("tags", plain(tags_text(execution.tags))),
            ("metrics", plain(metrics_text(execution.metrics))),
        ]
    )


def _why(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    """What went wrong, in which component, and what never ran because of it."""
    newest = [item for item in execution.components if item.attempt == execution.attempt_count]
    broken = [item for item in newest if item.state in _BROKEN]
    if str(execution.state) not in _BROKEN and not broken:
        return
    told = set()
    for item in broken:
        label = screen.palette.bold(plain(item.name))
        yield f"  {label} {screen.palette.state(str(item.state))}{_told(item.error)}"
        told.add(_told(item.error))
    if execution.error is not None and _told(execution.error) not in told:
        yield f"  {screen.palette.state(str(execution.state))}{_told(execution.error)}"
    if execution.reason:
        yield f"  {plain(execution.reason)}"
    never = [plain(item.name) for item in newest if item.state in _NEVER_RAN]
    if never:
        yield f"  never ran: {', '.join(never)}"
    yield from _traceback(execution, screen)


def _told(error: Any) -> str:
    if error is None:
        return ""
    message = plain((error.message or "").strip()) or "no message"
    return f": {plain(error.type)}: {message}" if error.type else f": {message}"


def _traceback(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    text = execution.error.traceback if execution.error else None
    if not text:
        return
    lines = text.strip().split("\n")
    if not screen.verbose:
        yield screen.palette.dim(f"  (traceback of {len(lines)} lines: -v)")
        return
    for line in lines if screen.verbose > 1 else lines[-_SHOWN_TRACEBACK:]:
        yield screen.palette.dim(f"    {plain(line)}")


def _shown_components(execution: ExecutionRead, screen: Screen) -> list[ComponentExecutionRead]:
    """Those of the newest attempt; with -v of all."""
    newest = execution.attempt_count
    return [item for item in execution.components if screen.verbose or item.attempt == newest]


def _components(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    shown = _shown_components(execution, screen)
    if shown:
        columns = [column for column in _COMPONENTS if column is not _METRICS or not _has_many_metrics(shown)]
        yield from table(shown, columns, screen, indent="  ")


def _has_many_metrics(components: list[ComponentExecutionRead]) -> bool:
    return any(len(metrics_text(item.metrics)) > _METRICS_IN_A_CELL for item in components)


def _metrics(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    """Metrics that a cell of the table is too small for, all of them."""
    shown = _shown_components(execution, screen)
    if not _has_many_metrics(shown):
        return
    room = max(cell_width(plain(_name(item, screen))) for item in shown)
    for item in shown:
        name = plain(_name(item, screen))
        for line in wrapped(metrics_text(item.metrics).split("  "), (screen.width or _WIDE) - room - 4):
            yield f"  {name}{' ' * (room - cell_width(name))}  {line}"
            name = ""


def _attempts(execution: ExecutionRead, screen: Screen) -> Iterator[str]:
    if len(execution.attempts) > 1 or screen.verbose:
        yield from table(execution.attempts, _ATTEMPTS, screen, indent="  ")


def _datasets(datasets: tuple[DatasetRead, ...], screen: Screen) -> Iterator[str]:
    """Each once; with -v once for each attempt."""
    lines: dict[str, None] = {}
    for item in datasets:
        notes = [item.component] if item.component else []
        notes += [f"attempt {item.attempt}"] if screen.verbose else []
        lines[f"{item.namespace}/{item.name}" + (f"  ({', '.join(notes)})" if notes else "")] = None
    yield from (f"  {plain(line)}" for line in lines)


def _value(value: Any) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _name(item: ComponentExecutionRead, _: Screen) -> str:
    return item.name if item.ordinal == 1 else f"{item.name} #{item.ordinal}"


def _by_state(item: Any) -> str | None:
    return state_style(str(item.state))


_METRICS = Column("METRICS", lambda item, _: metrics_text(item.metrics), rank=1, flexible=True)
_COMPONENTS = (
    Column("COMPONENT", _name, flexible=True),
    Column("STATE", lambda item, _: str(item.state), style=_by_state),
    Column("TRY", lambda item, _: str(item.attempt) if item.attempt > 1 else "", rank=4, right=True),
    Column("TOOK", lambda item, _: times.duration(item.duration_seconds), rank=3, right=True),
    _METRICS,
    Column("ERROR", error_text, rank=2, flexible=True),
)
_ATTEMPTS = (
    Column("TRY", lambda item, _: str(item.number), right=True),
    Column("STATE", lambda item, _: str(item.state), style=_by_state),
    Column("STARTED", lambda item, screen: screen.moment(item.started_at), rank=2),
    Column("TOOK", lambda item, _: times.duration(item.duration_seconds), rank=3, right=True),
    Column("WORKER", lambda item, _: str((item.worker or {}).get("host", "")), rank=4, flexible=True),
    Column("ERROR", error_text, rank=1, flexible=True),
)


def _change(item: TransitionRead, _: Screen) -> str:
    change = f"{item.from_state or '(new)'} -> {item.to_state}"
    return change if item.applied else f"{change} (refused)"


_TRANSITIONS = (
    Column("WHEN", lambda item, screen: times.exact(item.occurred_at, screen.zone), rank=3),
    Column("COMPONENT", lambda item, _: item.component or "", rank=2, flexible=True),
    Column("CHANGE", _change),
    Column("REASON", lambda item, _: item.reason or "", rank=1, flexible=True),
    Column("BY", lambda item, _: item.actor, rank=4),
)
