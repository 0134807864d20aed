"""Jobs: what is executed, its components, and how data flows between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field

from etl_models.domain.graph import find_cycle
from etl_models.domain.naming import DEFAULT_NAMESPACE, name_problem
from etl_models.domain.text import printable, short
from etl_models.domain.vocabulary import DefinitionStatus, StrategyType
from etl_models.specs.base import Finding, Spec, peek
from etl_models.specs.component import DEFAULT_IN_PORT, DEFAULT_OUT_PORT, ComponentSpec, DependencySpec
from etl_models.specs.fields import Description, Name, at_most, lax
from etl_models.specs.positions import Path
from etl_models.specs.schedule import ScheduleSpec
from etl_models.specs.suggest import did_you_mean, quoted
from etl_models.specs.tag import Tags

MAX_COMPONENTS = 2_000
MAX_RETRIES = 1_000
MAX_CYCLES = 10
MAX_SHOWN = 20


class JobSpec(Spec):
    """A job as a definition file describes it."""

    namespace: Name = Field(default=DEFAULT_NAMESPACE, description="Namespace; that of the document unless given.")
    name: Name = Field(description="Name of the job, unique in its namespace.")
    description: Description = Field(default="", description="What the job does, for people.")
    status: Annotated[DefinitionStatus, lax] = Field(
        default=DefinitionStatus.ACTIVE, description="Where it stands in its life."
    )
    strategy_type: Annotated[StrategyType, lax] = Field(
        default=StrategyType.ROW, description="How records are moved: row by row, in bulk, or on a distributed engine."
    )
    num_of_retries: int = Field(
        default=0, ge=0, le=MAX_RETRIES, description="How often a failed execution is tried again."
    )
    file_logging: bool = Field(default=False, description="Whether the worker also logs to a file.")
    tags: Tags = Field(default_factory=dict, description="Tags, each with or without a value: [daily, {team: ops}].")
    schedule: ScheduleSpec | None = Field(default=None, description="When the job is due.")
    components: Annotated[tuple[ComponentSpec, ...], lax, at_most(MAX_COMPONENTS)] = Field(
        default=(), description="The steps of the job."
    )

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check the components against each other: names, dependencies, cycles, references."""
        components = data.get("components")
        if isinstance(components, list | tuple) and len(components) <= MAX_COMPONENTS:
            namespace = data.get("namespace", DEFAULT_NAMESPACE)
            for found in (*_flow_findings(components), *_reference_findings(components, namespace)):
                yield found.below("components")

    def settled(self) -> Self:
        """Return the job with routes turned into dependencies and its own namespace left out of references."""
        components = tuple(component.in_namespace(self.namespace) for component in self.components)
        if any(component.routes for component in components):
            components = _without_routes(components)
        same = all(new is old for new, old in zip(components, self.components, strict=True))
        return self if same else self.model_copy(update={"components": components})


class _Edge(NamedTuple):
    upstream: str
    downstream: str
    out_port: str
    in_port: str
    loc: Path
    named: str  # the end that the file names at ``loc``


def _edges(components: list[Any] | tuple[Any, ...]) -> Iterator[_Edge]:
    """Yield every edge the raw components write down, on either end; what is malformed is refused elsewhere."""
    for index, component in enumerate(components):
        name = peek(component, "name")
        if isinstance(name, str):
            yield from _dependencies(name, peek(component, "depends_on"), (index, "depends_on"))
            yield from _routes(name, peek(component, "routes"), (index, "routes"))


def _dependencies(name: str, depends_on: object, loc: Path) -> Iterator[_Edge]:
    for index, item in enumerate(depends_on) if isinstance(depends_on, list | tuple) else ():
        upstream = item if isinstance(item, str) else peek(item, "component")
        out_port = peek(item, "out_port") or DEFAULT_OUT_PORT
        in_port = peek(item, "in_port") or DEFAULT_IN_PORT
        if all(isinstance(part, str) for part in (upstream, out_port, in_port)):
            yield _Edge(upstream, name, out_port, in_port, (*loc, index), upstream)


def _routes(name: str, routes: object, loc: Path) -> Iterator[_Edge]:
    for out_port, targets in routes.items() if isinstance(routes, Mapping) else ():
        for index, item in enumerate(targets) if isinstance(targets, list | tuple) else ():
            downstream = item if isinstance(item, str) else peek(item, "to")
            in_port = peek(item, "in_port") or DEFAULT_IN_PORT
            if all(isinstance(part, str) for part in (downstream, out_port, in_port)):
                yield _Edge(name, downstream, out_port, in_port, (*loc, out_port, index), downstream)


def _flow_findings(components: list[Any] | tuple[Any, ...]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, component in enumerate(components):
        name = peek(component, "name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield Finding((index, "name"), f"the component {quoted(name)} is defined twice in this job")
    edges: dict[tuple[str, str, str, str], _Edge] = {}
    for edge in _edges(components):
        problem = _edge_problem(edge, first)
        if problem is None and edges.setdefault(edge[:4], edge) is not edge:
            problem = f"the dependency on {quoted(edge.upstream)} is given twice (same ports)"
        if problem is not None:
            yield Finding(edge.loc, problem)
    yield from _cycle_findings(first, [edge for edge in edges.values() if edge.upstream != edge.downstream])


def _edge_problem(edge: _Edge, known: Mapping[str, int]) -> str | None:
    if edge.named not in known:
        others = (name for name in known if name not in (edge.upstream, edge.downstream))
        return f"the job has no component {quoted(edge.named)}{did_you_mean(edge.named, others)}"
    return "a component cannot depend on itself" if edge.upstream == edge.downstream else None


def _cycle_findings(known: Mapping[str, int], edges: list[_Edge]) -> Iterator[Finding]:
    """Yield one finding for each cycle, at the edge that closes it, up to ``MAX_CYCLES``."""
    upstreams: dict[str, list[str]] = {name: [] for name in known}
    closing = {}
    for edge in edges:
        if edge.upstream in known and edge.downstream in known:
            upstreams[edge.downstream].append(edge.upstream)
            closing[edge.upstream, edge.downstream] = edge.loc
    for _ in range(MAX_CYCLES):
        cycle = find_cycle(upstreams)
        if cycle is None:
            return
        path = [printable(short(name)) for name in cycle]
        if len(path) > MAX_SHOWN:
            path = [*path[: MAX_SHOWN - 1], f"… {len(path) - MAX_SHOWN} more …", path[-1]]
        yield Finding(closing[cycle[-2], cycle[-1]], f"the dependencies form a cycle: {' -> '.join(path)}")
        upstreams[cycle[-1]] = [name for name in upstreams[cycle[-1]] if name != cycle[-2]]


def _reference_findings(components: list[Any] | tuple[Any, ...], namespace: object) -> Iterator[Finding]:
    """Yield dataclasses that a component lists both as ``name`` and as ``namespace/name``."""
    if not isinstance(namespace, str) or name_problem(namespace) is not None:
        return
    for index, component in enumerate(components):
        for side in ("inputs", "outputs"):
            listed = peek(component, side)
            names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list | tuple) else []
            for name in names:
                if name.startswith(f"{namespace}/") and name.removeprefix(f"{namespace}/") in names:
                    yield Finding((index, side, listed.index(name)), f"{quoted(name)} is listed twice")


def _without_routes(components: tuple[ComponentSpec, ...]) -> tuple[ComponentSpec, ...]:
    arriving: dict[str, list[DependencySpec]] = {}
    for component in components:
        for out_port, targets in component.routes.items():
            for target in targets:
                edge = DependencySpec(component=component.name, out_port=out_port, in_port=target.in_port)
                arriving.setdefault(target.to, []).append(edge)
    return tuple(
        component.model_copy(
            update={"depends_on": (*component.depends_on, *arriving.get(component.name, ())), "routes": {}}
        )
        for component in components
    )
