"""What the components of a job refer to: dataclasses that must be there, configurations that must fit their type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from etl_models.db.bases import table_of
from etl_models.domain.naming import Reference, parse_reference
from etl_models.domain.text import printable, short
from etl_models.domain.vocabulary import DataDirection, DefinitionStatus
from etl_models.errors import DefinitionError
from etl_models.models.dataclass import Dataclass
from etl_models.operations.catalog.registering.component_type import schemas_of
from etl_models.operations.catalog.registering.dataclass import register_dataclasses
from etl_models.reads.definition import RegistrationChange
from etl_models.repositories.definition import Stored, hint_for, lock_definitions
from etl_models.specs.base import Finding
from etl_models.specs.component import ComponentSpec
from etl_models.specs.configuration import configuration_findings
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.job import JobSpec
from etl_models.specs.loaded import LaterProblem
from etl_models.specs.positions import Path

MAX_PROBLEMS = 200
"""Problems reported at once; more of them are one mistake repeated."""

_dataclass = table_of(Dataclass)
_DRAFT = DefinitionStatus.DRAFT


class Use(NamedTuple):
    """One mention of a dataclass in a component, and where it stands."""

    reference: Reference
    direction: DataDirection
    path: Path


def uses_of(component: ComponentSpec, namespace: str, path: Path) -> Iterator[Use]:
    """Yield the dataclasses a component reads and writes; names without a namespace are of the job's."""
    for key, direction in (("inputs", DataDirection.INPUT), ("outputs", DataDirection.OUTPUT)):
        for index, name in enumerate(getattr(component, key)):
            yield Use(parse_reference(name, namespace=namespace), direction, (*path, key, index))


def components_of(jobs: Iterable[tuple[Path, JobSpec]]) -> Iterator[tuple[Path, ComponentSpec, str]]:
    """Yield every component with its path and the namespace of its job."""
    for path, spec in jobs:
        for index, component in enumerate(spec.components):
            yield (*path, "components", index), component, spec.namespace


def declare_outputs(session: Session, jobs: list[tuple[Path, JobSpec]]) -> list[RegistrationChange]:
    """Register, as drafts without a schema, the dataclasses that components write and nobody has described.

    Only in the namespace of the job itself: a name in another one is somebody else's, and more likely a mistake.
    """
    written = {
        use.reference
        for path, component, namespace in components_of(jobs)
        for use in uses_of(component, namespace, path)
        if use.direction is DataDirection.OUTPUT and use.reference.namespace == namespace
    }
    missing = sorted(written - set(lock_definitions(session, _dataclass, written, shared=True)))
    specs = [DataclassSpec(namespace=namespace, name=name, status=_DRAFT) for namespace, name in missing]
    changes = register_dataclasses(session, [((), spec) for spec in specs]) if specs else []
    return [change.model_copy(update={"is_draft": True}) for change in changes]


def resolve(session: Session, jobs: list[tuple[Path, JobSpec]]) -> dict[Reference, UUID]:
    """Return the id of every dataclass the components use, held until the transaction ends.

    Raises :class:`DefinitionError` with every dataclass that is unknown or deleted and everything the registered
    component types refuse.
    """
    uses = [use for path, component, namespace in components_of(jobs) for use in uses_of(component, namespace, path)]
    stored = lock_definitions(session, _dataclass, (use.reference for use in uses), shared=True)
    found = [
        *islice(_unknown(session, uses, stored), MAX_PROBLEMS),
        *islice(_refused(components_of(jobs), schemas_of(session, _types(jobs))), MAX_PROBLEMS),
    ]
    if found:
        raise DefinitionError([LaterProblem.of(finding) for finding in found])
    return {reference: found.id for reference, found in stored.items()}


def _types(jobs: list[tuple[Path, JobSpec]]) -> set[str]:
    return {component.component_type for _, component, _ in components_of(jobs)}


def _unknown(session: Session, uses: list[Use], stored: Mapping[Reference, Stored]) -> Iterator[Finding]:
    reasons: dict[Reference, str] = {}
    for use in uses:
        found = stored.get(use.reference)
        if found is not None and not found.is_deleted:
            continue
        if use.reference not in reasons and len(reasons) < MAX_PROBLEMS:
            reasons[use.reference] = _reason(session, use.reference, found)
        if use.reference in reasons:
            yield Finding(use.path, reasons[use.reference])


def _reason(session: Session, reference: Reference, found: Stored | None) -> str:
    label = f"'{printable(short(str(reference), 120))}'"
    if found is not None:
        return f"the dataclass {label} is deleted; restore it, or define it in this document"
    return f"unknown dataclass {label}{hint_for(session, _dataclass, reference)}"


def _refused(
    components: Iterable[tuple[Path, ComponentSpec, str]], schemas: Mapping[str, dict[str, Any]]
) -> Iterator[Finding]:
    for path, component, _ in components:
        schema = schemas.get(component.component_type)
        if schema is not None:
            for finding in configuration_findings(component.configuration, schema):
                yield finding.below(*path, "configuration")
