"""Checks across files: what is defined twice, what is used and defined nowhere, what a component type demands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from etl_models.domain.naming import DEFAULT_NAMESPACE, Reference, parse_reference
from etl_models.errors import InvalidInputError
from etl_models.specs.base import Finding, peek
from etl_models.specs.configuration import configuration_findings
from etl_models.specs.document import definitions
from etl_models.specs.positions import Path
from etl_models.specs.schemas import schema_findings
from etl_models.specs.suggest import did_you_mean, quoted

Known: TypeAlias = Callable[[Reference], bool]


class Origin(NamedTuple):
    """A raw document and what to call its place: ``where(path)`` is ``file:line``."""

    value: Any
    where: Callable[[Path], str]


def defined_elsewhere(origins: Sequence[Origin]) -> Iterator[tuple[int, Finding]]:
    """Yield index of the document and finding for everything an earlier document already defines."""
    first: dict[tuple[str, Reference], tuple[int, Path]] = {}
    for index, origin in enumerate(origins):
        for definition in definitions(origin.value):
            before, loc = first.setdefault(definition[:2], (index, definition.loc))
            if before != index:
                where = origins[before].where((*loc, "name"))
                message = f"the {definition.kind} {quoted(definition.reference.name)} is already defined in {where}"
                yield index, Finding((*definition.loc, "name"), message)


def unknown_dataclasses(origins: Sequence[Origin], known: Known) -> Iterator[tuple[int, Finding]]:
    """Yield every reference to a dataclass that no document defines or writes and ``known`` does not know.

    What a component writes in its job's own namespace need not be described: writing it brings it into being.
    """
    defined = {
        definition.reference
        for origin in origins
        for definition in definitions(origin.value)
        if definition.kind == "dataclass"
    }
    uses = [(index, *use) for index, origin in enumerate(origins) for use in _used_dataclasses(origin.value)]
    defined.update(reference for _, reference, namespace, loc in uses if _is_own_output(reference, namespace, loc))
    for index, reference, namespace, loc in uses:
        if reference in defined or known(reference):
            continue
        near = (each.name if each.namespace == namespace else str(each) for each in defined)
        wanted = reference.name if reference.namespace == namespace else str(reference)
        meant = did_you_mean(wanted, near)
        hint = f"{meant} (or pass the file that defines it)" if meant else "; pass the file that defines it too"
        yield index, Finding(loc, f"unknown dataclass {quoted(str(reference))}{hint}")


def _is_own_output(reference: Reference, namespace: str, loc: Path) -> bool:
    return loc[-2] == "outputs" and reference.namespace == namespace


def refused_configurations(origins: Sequence[Origin]) -> Iterator[tuple[int, Finding]]:
    """Yield what the component types of the documents refuse in the configurations of components."""
    schemas = dict(_schemas(origins))
    if not schemas:
        return
    for index, origin in enumerate(origins):
        for component, _, loc in _components(origin.value):
            spelt = "component_type" if peek(component, "component_type") is not None else "comp_type"
            schema = schemas.get(peek(component, spelt)) if isinstance(peek(component, spelt), str) else None
            if schema is not None:
                key = "payload" if peek(component, "payload") is not None else "configuration"
                for found in configuration_findings(peek(component, key) or {}, schema):
                    yield index, found.below(*loc, key)


def _schemas(origins: Iterable[Origin]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for origin in origins:
        types = peek(origin.value, "component_types")
        for item in types if isinstance(types, list | tuple) else ():
            name, schema = peek(item, "name"), peek(item, "configuration_schema")
            if isinstance(name, str) and isinstance(schema, Mapping) and not any(schema_findings(schema)):
                yield name, schema


def _components(document: object) -> Iterator[tuple[Any, str, Path]]:
    """Yield the raw components of a raw document, the namespace of their job, and their path."""
    default = peek(document, "namespace") or DEFAULT_NAMESPACE
    jobs = peek(document, "jobs")
    for at, job in enumerate(jobs) if isinstance(jobs, list | tuple) else ():
        namespace = peek(job, "namespace") or default
        components = peek(job, "components")
        for index, component in enumerate(components) if isinstance(components, list | tuple) else ():
            if isinstance(namespace, str):
                yield component, namespace, ("jobs", at, "components", index)


def _used_dataclasses(document: object) -> Iterator[tuple[Reference, str, Path]]:
    for component, namespace, loc in _components(document):
        for side in ("inputs", "outputs"):
            listed = peek(component, side)
            for index, item in enumerate(listed) if isinstance(listed, list | tuple) else ():
                try:
                    yield parse_reference(item, namespace=namespace), namespace, (*loc, side, index)
                except InvalidInputError:
                    continue  # refused by the field itself
