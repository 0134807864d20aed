"""Components: the steps of a job, what each reads and writes, and what it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, Field

from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.specs.base import Finding, Spec, refuse
from etl_models.specs.fields import DataclassReference, Description, JsonObject, Name, PortName, at_most, lax
from etl_models.specs.secrets import secret_findings
from etl_models.specs.suggest import quoted

DEFAULT_OUT_PORT = "out"
DEFAULT_IN_PORT = "in"
MAX_ITEMS = 1_000


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names something twice."""
    if len(set(values)) < len(values):
        seen: Counter[str] = Counter()
        found = []
        for index, value in enumerate(values):
            if seen[value] == 1:
                found.append(Finding((index,), f"{quoted(value)} is listed twice"))
            seen[value] += 1
        refuse("list", found)
    return values


Names: TypeAlias = Annotated[tuple[Name, ...], lax, at_most(MAX_ITEMS), AfterValidator(_once)]
References: TypeAlias = Annotated[tuple[DataclassReference, ...], lax, at_most(MAX_ITEMS), AfterValidator(_once)]


def _positive_zero(value: float) -> float:
    return value + 0.0  # -0.0 would come back from a database as 0.0, and change the content hash


Coordinate: TypeAlias = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_positive_zero)]


class DependencySpec(Spec):
    """Data flows from ``component`` (its ``out_port``) into the component that lists this (its ``in_port``)."""

    shorthand: ClassVar[str | None] = "component"

    component: Name = Field(description="Name of the upstream component, in the same job.")
    out_port: PortName = Field(default=DEFAULT_OUT_PORT, description="Port of the upstream component.")
    in_port: PortName = Field(default=DEFAULT_IN_PORT, description="Port of this component.")


class RouteSpec(Spec):
    """The same edge seen from upstream, as etl-core writes it: where a port leads to."""

    shorthand: ClassVar[str | None] = "to"

    to: Name = Field(description="Name of the downstream component, in the same job.")
    in_port: PortName = Field(default=DEFAULT_IN_PORT, description="Port of the downstream component.")


class LayoutSpec(Spec):
    """Where a component stands in a drawing."""

    spellings: ClassVar[Mapping[str, str]] = {"x_coord": "x", "y_coord": "y"}

    x: Coordinate = Field(default=0.0, description="Distance from the left.")
    y: Coordinate = Field(default=0.0, description="Distance from the top.")


class ComponentSpec(Spec):
    """A component as a definition file describes it.

    ``routes`` is etl-core's way to write dependencies, on the upstream component; a job turns it into the
    ``depends_on`` of the downstream ones.
    """

    spellings: ClassVar[Mapping[str, str]] = {"comp_type": "component_type", "payload": "configuration"}

    name: Name = Field(description="Name of the component, unique in its job.")
    component_type: Name = Field(description="Type of the component; unknown types are allowed.")
    description: Description = Field(default="", description="What the component does, for people.")
    status: Annotated[DefinitionStatus, lax] = Field(
        default=DefinitionStatus.ACTIVE, description="Where it stands in its life."
    )
    configuration: JsonObject = Field(
        default_factory=dict, description="Settings for the worker; {secret: name} stands for a secret of that name."
    )
    depends_on: Annotated[tuple[DependencySpec, ...], lax, at_most(MAX_ITEMS)] = Field(
        default=(), description="Upstream components, by name or with ports, in order."
    )
    inputs: References = Field(default=(), description="Dataclasses it reads: name, or namespace/name.")
    outputs: References = Field(default=(), description="Dataclasses it writes: name, or namespace/name.")
    metrics: Names = Field(default=(), description="Names of the metrics it measures.")
    layout: LayoutSpec | None = Field(default=None, description="Where it stands in a drawing.")
    routes: dict[PortName, Annotated[tuple[RouteSpec, ...], lax, at_most(MAX_ITEMS)]] = Field(
        default_factory=dict,
        exclude=True,
        description="etl-core's spelling of depends_on: port -> downstream components.",
    )

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check references to secrets."""
        configuration = data.get("configuration")
        if isinstance(configuration, Mapping):
            yield from (found.below("configuration") for found in secret_findings(configuration))

    def in_namespace(self, namespace: str) -> ComponentSpec:
        """Return the component with dataclasses of ``namespace`` named without it."""
        prefix = f"{namespace}/"
        if not any(name.startswith(prefix) for name in (*self.inputs, *self.outputs)):
            return self
        short = {
            "inputs": tuple(name.removeprefix(prefix) for name in self.inputs),
            "outputs": tuple(name.removeprefix(prefix) for name in self.outputs),
        }
        return self.model_copy(update=short)
