"""Registering dataclasses."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.naming import Reference
from etl_models.errors import DefinitionError, Problem
from etl_models.models.dataclass import Dataclass, DataclassSchema
from etl_models.models.version import DataclassVersion
from etl_models.operations.catalog.registering.outcome import Content, content_of, judge, next_version
from etl_models.operations.catalog.registering.writes import Writes
from etl_models.reads.definition import Action, RegistrationChange
from etl_models.repositories.definition import Stored, lock_definitions
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.positions import Path


def register_dataclasses(session: Session, specs: Sequence[tuple[Path, DataclassSpec]]) -> list[RegistrationChange]:
    """Create, update or restore each dataclass. Raises DefinitionError for one that cannot be stored."""
    problems: list[Problem] = []
    contents = [content_of(spec, path, problems) for path, spec in specs]
    if problems:
        raise DefinitionError(problems)
    references = [Reference(spec.namespace, spec.name) for _, spec in specs]
    stored = lock_definitions(session, table_of(Dataclass), references)
    writes = Writes()
    changes = [
        _register(writes, reference, content, stored.get(reference))
        for reference, content in zip(references, contents, strict=True)
    ]
    writes.flush(session)
    return changes


def _register(writes: Writes, reference: Reference, content: Content, stored: Stored | None) -> RegistrationChange:
    action, version = judge(stored, content.hash), next_version(stored, content.hash)
    id_ = uuid7() if stored is None else stored.id
    is_new_content = stored is None or stored.version != version
    if action is not Action.UNCHANGED:
        document = content.document
        row = {
            "dataclass_type": document["dataclass_type"],
            "description": document["description"],
            "status": document["status"],
            "validation_rules": document["validation_rules"],
            "version": version,
            "content_hash": content.hash,
            "is_deleted": False,
            "deleted_at": None,
        }
        if stored is None:
            writes.insert(Dataclass, id=id_, namespace=reference.namespace, name=reference.name, **row)
            writes.insert(DataclassSchema, dataclass_id=id_, schema_definition=document["schema_definition"])
        else:
            writes.update(Dataclass, id_, **row)
    if stored is not None and is_new_content:
        writes.update(DataclassSchema, id_, schema_definition=content.document["schema_definition"])
    if is_new_content:
        writes.insert(
            DataclassVersion,
            id=uuid7(),
            dataclass_id=id_,
            version=version,
            document=content.document,
            content_hash=content.hash,
        )
    return RegistrationChange(
        kind="dataclass",
        namespace=reference.namespace,
        name=reference.name,
        action=action,
        version=version,
        id=id_,
    )
