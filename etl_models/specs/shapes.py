"""What a document at the top of a file is: a whole document, or a bare job, dataclass or component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from etl_models.specs.component import ComponentSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.job import JobSpec
from etl_models.specs.positions import Path

Kind: TypeAlias = Literal["document", "job", "component", "dataclass"]

# The first line whose keys occur decides; ``name`` and ``metrics`` decide nothing, several kinds have them.
_MARKS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("document", frozenset({"jobs", "dataclasses", "component_types"})),
    ("job", frozenset({"components"})),
    ("dataclass", frozenset({"schema_definition", "dataclass_type", "validation_rules"})),
    ("component", frozenset({"component_type", "comp_type"})),
    ("job", frozenset({"strategy_type", "num_of_retries", "file_logging", "schedule"})),
)
_SPECS: Mapping[type, Kind] = {
    DefinitionDocument: "document", JobSpec: "job", DataclassSpec: "dataclass", ComponentSpec: "component",
}  # fmt: skip
_LISTS: Mapping[Kind, str] = {"job": "jobs", "dataclass": "dataclasses"}


class Shape(NamedTuple):
    """The kind of a raw value, the value as a document, and the path of the bare value in that document.

    A bare component is part of no document: its ``document`` is the component itself.
    """

    kind: Kind
    document: Any
    prefix: Path = ()


def shape_of(value: object, expected: Kind) -> Shape:
    """Return the shape of a raw value; ``expected`` decides where its keys do not."""
    kind = _kind_of(value, expected)
    if kind == "document":
        return Shape(kind, value)
    version: dict[str, Any] = {}
    if isinstance(value, Mapping) and "version" in value:
        version = {"version": value["version"]}
        value = {key: item for key, item in value.items() if key != "version"}
    if kind == "component":
        return Shape(kind, value)
    return Shape(kind, version | {_LISTS[kind]: [value]}, (_LISTS[kind], 0))


def _kind_of(value: object, expected: Kind) -> Kind:
    if not isinstance(value, Mapping):
        return _SPECS.get(type(value), "document")
    for kind, marks in _MARKS:
        if not marks.isdisjoint(key for key in value if isinstance(key, str)):
            return kind
    return expected if "name" in value else "document"
