"""Component types: the registry that may check the configuration of components. Unknown types stay allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from etl_models.specs.base import Finding, Spec
from etl_models.specs.fields import Description, JsonObject, Name
from etl_models.specs.schemas import schema_findings


class ComponentTypeSpec(Spec):
    """A registered component type."""

    name: Name = Field(description="Name of the type, as components give it in component_type.")
    description: Description = Field(default="", description="What components of this type do, for people.")
    configuration_schema: JsonObject | None = Field(
        default=None, description="JSON Schema 2020-12 that the configuration of such components must meet."
    )

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:
        """Check that ``configuration_schema`` is a valid JSON Schema."""
        schema = data.get("configuration_schema")
        if isinstance(schema, Mapping):
            yield from (found.below("configuration_schema") for found in schema_findings(schema))
