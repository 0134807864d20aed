"""Registering component types, and asking them whether a configuration will do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.db.chunks import in_chunks
from etl_models.domain.jsonvalue import canonical
from etl_models.models.component import ComponentType
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.specs.component_type import ComponentTypeSpec

_type = table_of(ComponentType)


def register_component_types(session: Session, specs: Sequence[ComponentTypeSpec]) -> list[RegistrationChange]:
    """Create or update each component type. A stored one is compared value by value; it has no versions."""
    stored: dict[str, tuple[str, Any]] = {}
    for chunk in in_chunks(sorted(spec.name for spec in specs)):
        query = sa.select(_type.c.name, _type.c.description, _type.c.configuration_schema).where(
            _type.c.name.in_(chunk)
        )
        for name, description, schema in session.execute(query.order_by(_type.c.name).with_for_update(key_share=True)):
            stored[name] = (description, schema)
    writes = Writes()
    changes = []
    for spec in specs:
        schema = None if spec.configuration_schema is None else canonical(spec.configuration_schema, spec.name)
        row = {"description": spec.description, "configuration_schema": schema}
        action = Action.UNCHANGED
        if spec.name not in stored:
            action = Action.CREATED
            writes.insert(ComponentType, name=spec.name, **row)
        elif stored[spec.name] != (spec.description, schema):
            action = Action.UPDATED
            writes.update(ComponentType, spec.name, **row)
        changes.append(
            RegistrationChange(
                kind="component_type", namespace="", name=spec.name, action=action, version=None, id=None
            )
        )
    writes.flush(session)
    return changes


def schemas_of(session: Session, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the configuration schema of each registered type among ``names`` that has one."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in in_chunks(sorted(set(names))):
        query = sa.select(_type.c.name, _type.c.configuration_schema).where(
            _type.c.name.in_(chunk), _type.c.configuration_schema.is_not(None)
        )
        found |= {row.name: row.configuration_schema for row in session.execute(query)}
    return found
