"""One definition as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from etl_models.reads.definition import (
    ComponentRead,
    ComponentTypeRead,
    DataclassRead,
    JobRead,
    MetricRead,
    TagRead,
)
from etl_models_cli import times
from etl_models_cli.screen import Column, Screen, plain, table
from etl_models_cli.views.executions import short_id, tags_text


def _head(kind: str, name: str, item: Any, screen: Screen) -> Iterator[str]:
    status = "deleted" if item.is_deleted else str(getattr(item, "status", ""))
    yield f"{screen.heading(kind)} {plain(name)}  {screen.palette.state(status)}".rstrip()
    for line in item.description.splitlines():
        yield f"  {plain(line)}"


def _stamps(item: Any, screen: Screen) -> list[tuple[str, str]]:
    return [
        ("version", f"{item.version}  {plain(item.content_hash)}" if hasattr(item, "version") else ""),
        ("created", f"{times.exact(item.created_at, screen.zone)} by {plain(item.created_by)}"),
        ("updated", f"{times.exact(item.updated_at, screen.zone)} by {plain(item.updated_by)}"),
        ("id", str(item.id)),
    ]


def _document(title: str, document: Any, screen: Screen) -> Iterator[str]:
    if not document:
        return
    from etl_models_cli.output import to_yaml

    yield ""
    yield screen.heading(title)
    yield from (f"  {plain(line)}" for line in to_yaml(document).rstrip("\n").split("\n"))


def job_page(job: JobRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a job."""
    yield from _head("Job", f"{job.namespace}/{job.name}", job, screen)
    latest = ""
    if job.latest_execution_id is not None:
        state = screen.palette.state(str(job.latest_execution_state))
        latest = f"{state} {screen.moment(job.latest_execution_at)}  ({short_id(job.latest_execution_id)})"
    yield from screen.fields(
        [
            ("strategy", str(job.strategy_type)),
            ("retries", str(job.num_of_retries)),
            ("file log", "yes" if job.file_logging else "no"),
            ("schedule", plain(json.dumps(job.schedule, ensure_ascii=False)) if job.schedule else ""),
            ("tags", plain(tags_text(job.tags))),
            ("latest", latest),
            *_stamps(job, screen),
        ]
    )
    if job.components:
        yield ""
        yield screen.heading("Components")
        yield from table(job.components, _COMPONENTS, screen, indent="  ")


def component_page(item: ComponentRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a component."""
    yield from _head("Component", f"{item.namespace}/{item.job}.{item.name}", item, screen)
    yield from screen.fields(
        [
            ("type", plain(item.component_type)),
            ("after", plain(_upstreams(item, screen))),
            ("reads", plain(", ".join(item.inputs))),
            ("writes", plain(", ".join(item.outputs))),
            ("metrics", plain(", ".join(item.metrics))),
            *_stamps(item, screen),
        ]
    )
    yield from _document("Configuration", item.configuration, screen)


def dataclass_page(item: DataclassRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a dataclass."""
    yield from _head("Dataclass", f"{item.namespace}/{item.name}", item, screen)
    yield from screen.fields(
        [
            ("type", plain(item.dataclass_type)),
            ("read by", plain(", ".join(item.read_by))),
            ("written by", plain(", ".join(item.written_by))),
            *_stamps(item, screen),
        ]
    )
    yield from _document("Schema", item.schema_definition, screen)
    yield from _document("Rules", item.validation_rules, screen)


def metric_page(item: MetricRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a metric."""
    yield from _head("Metric", f"{item.namespace}/{item.name}", item, screen)
    yield from screen.fields(
        [
            ("unit", plain(item.unit)),
            ("kind", str(item.kind)),
            ("direction", str(item.direction)),
            *_stamps(item, screen),
        ]
    )


def tag_page(item: TagRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a tag."""
    name = item.key if item.value is None else f"{item.key}={item.value}"
    deleted = screen.palette.state("deleted") if item.is_deleted else ""
    yield f"{screen.heading('Tag')} {plain(name)}  {deleted}".rstrip()
    yield from screen.fields([("jobs", str(item.jobs)), ("executions", str(item.executions))])


def component_type_page(item: ComponentTypeRead, screen: Screen) -> Iterator[str]:
    """Yield the lines about a registered component type."""
    yield f"{screen.heading('Component type')} {plain(item.name)}"
    yield from (f"  {plain(line)}" for line in item.description.splitlines())
    yield from _document("Schema of configurations", item.configuration_schema, screen)


def _upstreams(item: ComponentRead, _: Screen) -> str:
    return ", ".join(
        each.component
        if (each.out_port, each.in_port) == ("out", "in")
        else f"{each.component} ({each.out_port} -> {each.in_port})"
        for each in item.depends_on
    )


_COMPONENTS = (
    Column("COMPONENT", lambda item, _: item.name, flexible=True),
    Column("TYPE", lambda item, _: item.component_type, rank=3, flexible=True),
    Column("AFTER", _upstreams, rank=2, flexible=True),
    Column("READS", lambda item, _: ", ".join(item.inputs), rank=4, flexible=True),
    Column("WRITES", lambda item, _: ", ".join(item.outputs), rank=4, flexible=True),
    Column("METRICS", lambda item, _: ", ".join(item.metrics), rank=5, flexible=True),
)
