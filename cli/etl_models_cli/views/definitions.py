"""Jobs, components, dataclasses, metrics, tags and their versions as lists show them."""

from __future__ import annotations

from typing import Any

from etl_models.reads.definition import (
    ComponentSummary,
    ComponentTypeRead,
    DataclassSummary,
    JobSummary,
    MetricRead,
    RegistrationChange,
    TagRead,
    TagUseRead,
    VersionRead,
)
from etl_models_cli.screen import Column, Screen, View
from etl_models_cli.style import state_style
from etl_models_cli.views.executions import tags_text


def _reference(item: Any, _: Screen) -> str:
    return f"{item.namespace}/{item.name}"


def _status(item: Any, _: Screen) -> str:
    return "deleted" if item.is_deleted else str(item.status)


def _first_line(item: Any, _: Screen) -> str:
    return str(item.description).partition("\n")[0]


_STATUS = Column("STATUS", _status, rank=3, style=lambda item: state_style(_status(item, None)))  # type: ignore[arg-type]
_VERSION = Column("VERSION", lambda item, _: str(item.version), rank=5, right=True)
_UPDATED = Column("UPDATED", lambda item, screen: screen.moment(item.updated_at), rank=6)
_DESCRIPTION = Column("DESCRIPTION", _first_line, rank=7, flexible=True)
_DELETED = Column("", lambda item, _: "deleted" if item.is_deleted else "", rank=1, style=lambda _: "red")


def _latest(item: JobSummary, screen: Screen) -> str:
    if item.latest_execution_state is None:
        return ""
    return f"{item.latest_execution_state} {screen.moment(item.latest_execution_at)}"


JOBS = View(
    columns=(
        Column("JOB", _reference, flexible=True),
        _STATUS,
        Column("LATEST", _latest, rank=1, style=lambda item: state_style(item.latest_execution_state or "")),
        Column("STRATEGY", lambda item, _: str(item.strategy_type), rank=8),
        _VERSION,
        Column("TAGS", lambda item, _: tags_text(item.tags), rank=4, flexible=True),
        _UPDATED,
        _DESCRIPTION,
    ),
    fields=tuple(JobSummary.model_fields),
    empty="no jobs; register some with: etl-models register-job FILE",
)
COMPONENTS = View(
    columns=(
        Column("JOB", lambda item, _: f"{item.namespace}/{item.job}", flexible=True),
        Column("COMPONENT", lambda item, _: item.name, flexible=True),
        Column("TYPE", lambda item, _: item.component_type, rank=2, flexible=True),
        _STATUS,
        _VERSION,
        _UPDATED,
        _DESCRIPTION,
    ),
    fields=tuple(ComponentSummary.model_fields),
    empty="no components",
)
DATACLASSES = View(
    columns=(
        Column("DATACLASS", _reference, flexible=True),
        Column("TYPE", lambda item, _: item.dataclass_type, rank=2),
        _STATUS,
        _VERSION,
        _UPDATED,
        _DESCRIPTION,
    ),
    fields=tuple(DataclassSummary.model_fields),
    empty="no dataclasses",
)
METRICS = View(
    columns=(
        Column("METRIC", _reference, flexible=True),
        Column("UNIT", lambda item, _: item.unit, rank=2),
        Column("KIND", lambda item, _: str(item.kind), rank=3),
        Column("DIRECTION", lambda item, _: str(item.direction), rank=4),
        _DELETED,
        _DESCRIPTION,
    ),
    fields=tuple(MetricRead.model_fields),
    empty="no metrics",
)
TAGS = View(
    columns=(
        Column("KEY", lambda item, _: item.key, flexible=True),
        Column("VALUE", lambda item, _: item.value or "", rank=1, flexible=True),
        Column("JOBS", lambda item, _: str(item.jobs), right=True),
        Column("EXECUTIONS", lambda item, _: str(item.executions), right=True),
        _DELETED,
    ),
    fields=tuple(TagRead.model_fields),
    empty="no tags",
)
COMPONENT_TYPES = View(
    columns=(
        Column("TYPE", lambda item, _: item.name, flexible=True),
        Column("CHECKED", lambda item, _: "yes" if item.configuration_schema else "no", rank=2),
        _DESCRIPTION,
    ),
    fields=tuple(ComponentTypeRead.model_fields),
    empty="no registered component types; any name may be used",
)
VERSIONS = View(
    columns=(
        Column("VERSION", lambda item, _: str(item.version), right=True),
        Column("CREATED", lambda item, screen: screen.moment(item.created_at), rank=1),
        Column("BY", lambda item, _: item.created_by, rank=2, flexible=True),
        Column("CONTENT", lambda item, _: item.content_hash, rank=3, flexible=True),
    ),
    fields=tuple(VersionRead.model_fields),
    empty="no versions",
)
TAG_USES = View(
    columns=(
        Column("JOB", lambda item, _: f"{item.namespace}/{item.job}", flexible=True),
        Column("VERSION", lambda item, _: str(item.version), right=True),
        Column("CREATED", lambda item, screen: screen.moment(item.created_at), rank=1),
        Column("BY", lambda item, _: item.created_by, rank=2, flexible=True),
    ),
    fields=tuple(TagUseRead.model_fields),
    empty="no version of a job carries this tag",
)


def change_name(change: RegistrationChange) -> str:
    """Return how a changed definition is called."""
    name = f"{change.job}.{change.name}" if change.job else change.name
    return f"{change.namespace}/{name}" if change.namespace else name


CHANGES = View(
    columns=(
        Column("", lambda item, _: str(item.action), style=lambda item: state_style(str(item.action))),
        Column("KIND", lambda item, _: item.kind.replace("_", " "), rank=1),
        Column("NAME", lambda item, _: change_name(item), flexible=True),
        Column("VERSION", lambda item, _: str(item.version or ""), rank=2, right=True),
        Column("REMOVED", lambda item, _: ", ".join(item.removed_components), rank=3, flexible=True),
    ),
    fields=tuple(RegistrationChange.model_fields),
    empty="nothing was defined",
)
