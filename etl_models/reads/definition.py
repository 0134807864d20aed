"""Jobs, components, dataclasses, metrics, tags and their versions, as operations return them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from etl_models.domain.vocabulary import DefinitionStatus, MetricDirection, MetricKind, StrategyType
from etl_models.reads.base import Moment, Read


class DependencyRead(Read):
    """Data flows from ``component`` (its ``out_port``) into the component that lists this (its ``in_port``)."""

    component: str
    out_port: str
    in_port: str


class LayoutRead(Read):
    """Where a component stands in a drawing."""

    x: float
    y: float


class ComponentSummary(Read):
    """A component as a list shows it."""

    id: UUID
    namespace: str
    job: str
    name: str
    component_type: str
    description: str
    status: DefinitionStatus
    position: int
    version: int
    content_hash: str
    is_deleted: bool
    deleted_at: Moment | None
    created_at: Moment
    updated_at: Moment
    created_by: str
    updated_by: str


class ComponentRead(ComponentSummary):
    """A component with everything a definition file says of it."""

    configuration: dict[str, Any]
    depends_on: tuple[DependencyRead, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metrics: tuple[str, ...]
    layout: LayoutRead | None


class JobSummary(Read):
    """A job as a list shows it."""

    id: UUID
    namespace: str
    name: str
    description: str
    status: DefinitionStatus
    strategy_type: StrategyType
    num_of_retries: int
    file_logging: bool
    schedule: dict[str, Any] | None
    tags: dict[str, str | None]
    version: int
    content_hash: str
    latest_execution_id: UUID | None
    latest_execution_state: str | None
    latest_execution_at: Moment | None
    is_deleted: bool
    deleted_at: Moment | None
    created_at: Moment
    updated_at: Moment
    created_by: str
    updated_by: str


class JobRead(JobSummary):
    """A job with its components."""

    components: tuple[ComponentRead, ...]


class DataclassSummary(Read):
    """A dataclass as a list shows it."""

    id: UUID
    namespace: str
    name: str
    dataclass_type: str
    description: str
    status: DefinitionStatus
    version: int
    content_hash: str
    is_deleted: bool
    deleted_at: Moment | None
    created_at: Moment
    updated_at: Moment
    created_by: str
    updated_by: str


class DataclassRead(DataclassSummary):
    """A dataclass with its schema, its rules and the components that use it (``namespace/job.component``)."""

    schema_definition: dict[str, Any]
    validation_rules: dict[str, Any]
    read_by: tuple[str, ...]
    written_by: tuple[str, ...]


class MetricRead(Read):
    """The definition of a metric."""

    id: UUID
    namespace: str
    name: str
    unit: str
    kind: MetricKind
    direction: MetricDirection
    description: str
    is_deleted: bool
    deleted_at: Moment | None
    created_at: Moment
    updated_at: Moment
    created_by: str
    updated_by: str


class TagRead(Read):
    """A tag (``value`` is None when it has none) and how many jobs and executions carry it.

    A tag that only executions carry is no row of its own: ``created_at`` and ``created_by`` are None.
    """

    key: str
    value: str | None
    jobs: int
    executions: int
    is_deleted: bool = False
    deleted_at: Moment | None = None
    created_at: Moment | None = None
    created_by: str | None = None


class TagUseRead(Read):
    """A definition version of a job that carries a tag."""

    namespace: str
    job: str
    version: int
    created_at: Moment
    created_by: str


class ComponentTypeRead(Read):
    """A registered component type."""

    name: str
    description: str
    configuration_schema: dict[str, Any] | None
    created_at: Moment
    updated_at: Moment


class VersionRead(Read):
    """One version of a definition."""

    version: int
    content_hash: str
    created_at: Moment
    created_by: str
    document: dict[str, Any]


class Action(StrEnum):
    """What a call did to one definition."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    DELETED = "deleted"


class RegistrationChange(Read):
    """What registering, deleting or restoring did to one job, component, dataclass, metric, tag or component type.

    ``kind`` is one of these words, with an underscore. A component says which ``job`` it is of; a component type and
    a tag are of no namespace (empty); a tag is named ``key`` or ``key=value``.
    """

    kind: str
    namespace: str
    name: str
    job: str | None = None
    action: Action
    version: int | None
    id: UUID | None
    removed_components: tuple[str, ...] = ()
    is_draft: bool = False
    """A component writes this dataclass and no file describes it: it was registered without a schema."""


class RegistrationResult(Read):
    """Everything one call registered, in the order of dependence: dataclasses, metrics, component types, jobs.

    A job that changed is followed by those of its components that changed. Before the jobs stand the dataclasses and
    metrics that were made because a component writes or names them, and what was deleted and came back because a job
    uses it.
    """

    changes: tuple[RegistrationChange, ...]

    @property
    def changed(self) -> bool:
        """Whether anything in the database is different now."""
        return any(change.action is not Action.UNCHANGED for change in self.changes)
