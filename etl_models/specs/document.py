"""The definition document: everything one or several files define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from etl_models.domain.naming import DEFAULT_NAMESPACE, Reference, name_problem
from etl_models.specs.base import Finding, Spec, custom_error, peek
from etl_models.specs.component_type import ComponentTypeSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.fields import Name, at_most, lax
from etl_models.specs.job import JobSpec
from etl_models.specs.metric import MetricSpec
from etl_models.specs.positions import Path
from etl_models.specs.suggest import quoted

MAX_DEFINITIONS = 10_000

NAMESPACED: Mapping[str, str] = {"dataclasses": "dataclass", "jobs": "job", "metrics": "metric"}
"""Lists of a document whose items have a namespace, and what one item is called."""

DEFINED: Mapping[str, str] = {**NAMESPACED, "component_types": "component type"}


def _version(value: object) -> object:
    """Refuse other versions, and what only equals 1 (``true``, ``1.0``)."""
    if type(value) is not int or value != 1:
        raise custom_error("must be 1, the version of the file format that this library reads")
    return value


class Definition(NamedTuple):
    """A definition as the raw document names it; component types have the namespace ``""``."""

    kind: str
    reference: Reference
    loc: Path


class DefinitionDocument(Spec):
    """A definition document, format version 1. Items without a namespace take that of the document."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        default=1, description="Version of the file format."
    )
    namespace: Name = Field(default=DEFAULT_NAMESPACE, description="Namespace of everything in this document.")
    dataclasses: Annotated[tuple[DataclassSpec, ...], lax, at_most(MAX_DEFINITIONS)] = Field(
        default=(), description="Shapes of records and their rules."
    )
    jobs: Annotated[tuple[JobSpec, ...], lax, at_most(MAX_DEFINITIONS)] = Field(default=(), description="Jobs.")
    metrics: Annotated[tuple[MetricSpec, ...], lax, at_most(MAX_DEFINITIONS)] = Field(
        default=(), description="Metrics that components measure."
    )
    component_types: Annotated[tuple[ComponentTypeSpec, ...], lax, at_most(MAX_DEFINITIONS)] = Field(
        default=(), description="Component types and the schemas of their configurations."
    )

    @classmethod
    def prepared(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Give the document's namespace to the items that have none."""
        namespace = data.get("namespace", DEFAULT_NAMESPACE)
        if not isinstance(namespace, str) or name_problem(namespace) is not None:
            return data
        return data | {
            key: [{"namespace": namespace} | item if isinstance(item, dict) else item for item in data[key]]
            for key in NAMESPACED
            if isinstance(data.get(key), list | tuple) and len(data[key]) <= MAX_DEFINITIONS
        }

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that nothing is defined twice."""
        seen: set[tuple[str, Reference]] = set()
        for definition in definitions(data):
            if definition[:2] in seen:
                name = quoted(definition.reference.name)
                yield Finding((*definition.loc, "name"), f"the {definition.kind} {name} is defined twice")
            seen.add(definition[:2])


def definitions(data: object) -> Iterator[Definition]:
    """Yield what a raw document defines, as far as it has names; anything malformed is passed over."""
    default = peek(data, "namespace") or DEFAULT_NAMESPACE
    for key, kind in DEFINED.items():
        items = peek(data, key)
        for index, item in enumerate(items) if isinstance(items, list | tuple) else ():
            namespace = (peek(item, "namespace") or default) if key in NAMESPACED else ""
            name = peek(item, "name")
            if isinstance(name, str) and isinstance(namespace, str):
                yield Definition(kind, Reference(namespace, name), (key, index))
