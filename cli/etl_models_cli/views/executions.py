"""Executions as lists show them."""

from __future__ import annotations

from typing import Any

from etl_models.domain.states import ExecutionState
from etl_models.reads.execution import ExecutionSummary, StatsRow
from etl_models_cli import times
from etl_models_cli.screen import Column, Screen, View
from etl_models_cli.style import state_style

_ID_DIGITS = 8


def short_id(value: Any) -> str:
    """Return the end of an id: its beginning is a time and the same for many."""
    return str(value)[-_ID_DIGITS:]


def _id(item: ExecutionSummary, screen: Screen) -> str:
    return str(item.id) if screen.verbose else short_id(item.id)


def metrics_text(metrics: dict[str, Any]) -> str:
    """Return metrics as ``name=value`` words."""
    return "  ".join(f"{name}={number(value)}" for name, value in metrics.items())


def number(value: float | str) -> str:
    """Return a metric's value, thousands apart."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def tags_text(tags: dict[str, str | None]) -> str:
    """Return tags as ``key`` and ``key=value`` words."""
    return " ".join(key if value is None else f"{key}={value}" for key, value in tags.items())


def error_text(item: Any, _: Screen) -> str:
    """Return kind and first line of an error, else the reason; the module of the kind would only take room."""
    if item.error is None:
        return item.reason or ""
    kind = (item.error.type or "").rpartition(".")[2]
    return ": ".join(part for part in (kind, (item.error.message or "").partition("\n")[0]) if part)


LIST = View(
    columns=(
        Column("ID", _id, style=lambda _: "dim"),
        Column("STATE", lambda item, _: str(item.state), style=lambda item: state_style(item.state)),
        Column("JOB", lambda item, _: f"{item.namespace}/{item.job}", rank=1, flexible=True, least=12),
        Column("KEY", lambda item, _: item.key or "", rank=2, flexible=True, least=10),
        Column("STARTED", lambda item, screen: screen.moment(item.started_at or item.created_at), rank=4),
        Column("TOOK", lambda item, _: times.duration(item.duration_seconds), rank=5, right=True),
        Column("TRY", lambda item, _: str(item.attempt_count) if item.attempt_count > 1 else "", rank=6, right=True),
        Column("TAGS", lambda item, _: tags_text(item.tags), rank=8, flexible=True, least=16),
        Column("METRICS", lambda item, _: metrics_text(item.metrics), rank=7, flexible=True, least=24),
        Column("ERROR", error_text, rank=3, flexible=True, least=24),
    ),
    fields=tuple(ExecutionSummary.model_fields),
    empty="no executions",
)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f} %"


def _count(*states: str) -> Any:
    return lambda item, _: str(sum(item.states.get(state, 0) for state in states) or "")


_ELSEWHERE = ("succeeded", "failed")
_MEASURES = ("success_rate", "duration_p50", "duration_p95", "duration_max", "first_at", "last_at")


def _group(name: str) -> Column:
    return Column(
        name.removeprefix("tag:").upper().replace("_", " "), lambda item, _: item.group[name] or "-", flexible=True
    )


def stats_view(names: list[str]) -> View:
    """Return the table of statistics grouped by ``names``."""
    return View(
        columns=(
            *(_group(name) for name in names),
            Column("TOTAL", lambda item, _: str(item.total), right=True),
            Column("OK", _count("succeeded"), rank=4, right=True, style=lambda _: "green"),
            Column("FAILED", _count("failed"), rank=3, right=True, style=lambda _: "red"),
            Column("OTHER", _other, rank=7, flexible=True),
            Column("SUCCESS", lambda item, _: _percent(item.success_rate), rank=2, right=True),
            Column("P50", lambda item, _: times.duration(item.duration_p50), rank=6, right=True),
            Column("P95", lambda item, _: times.duration(item.duration_p95), rank=5, right=True),
            Column("MAX", lambda item, _: times.duration(item.duration_max), rank=6, right=True),
            Column("LAST", lambda item, screen: screen.moment(item.last_at), rank=8),
        ),
        fields=(*names, "total", *ExecutionState, *_MEASURES),
        empty="no executions",
        flat=lambda row: {**row, **row["group"], **row["states"]},
    )


def _other(item: StatsRow, _: Screen) -> str:
    return " ".join(f"{state}={count}" for state, count in item.states.items() if state not in _ELSEWHERE)
