"""Registering: a whole document or one definition, idempotent, all of it or nothing.

What is stored already is compared by content hash and left alone when equal; a name that was deleted comes back with
its id and its history. Two processes that register the same name at once end as if one had come after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.savepoint import savepoint
from etl_models.operations.catalog.registering.component_type import register_component_types
from etl_models.operations.catalog.registering.dataclass import register_dataclasses
from etl_models.operations.catalog.registering.job import register_jobs
from etl_models.operations.catalog.registering.metric import register_metrics
from etl_models.reads.definition import RegistrationChange, RegistrationResult
from etl_models.specs.base import Spec
from etl_models.specs.component_type import ComponentTypeSpec
from etl_models.specs.dataclass import DataclassSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.job import JobSpec
from etl_models.specs.metric import MetricSpec
from etl_models.specs.positions import Path

S = TypeVar("S", bound=Spec)

_ATTEMPTS = 5


def register(session: Session, document: DefinitionDocument) -> RegistrationResult:
    """Register everything ``document`` defines.

    Raises :class:`DefinitionError` with every unknown or deleted dataclass and everything that a registered component
    type refuses; then nothing has changed.
    """
    return _together(session, lambda: _register(session, document))


def register_job(session: Session, spec: JobSpec) -> RegistrationResult:
    """Register one job. Raises as :func:`register`."""
    return _together(session, lambda: register_jobs(session, [((), spec)]))


def register_dataclass(session: Session, spec: DataclassSpec) -> RegistrationResult:
    """Register one dataclass."""
    return _together(session, lambda: register_dataclasses(session, [((), spec)]))


def register_metric(session: Session, spec: MetricSpec) -> RegistrationResult:
    """Register one metric."""
    return _together(session, lambda: register_metrics(session, [spec]))


def register_component_type(session: Session, spec: ComponentTypeSpec) -> RegistrationResult:
    """Register one component type. Components registered before are not checked again."""
    return _together(session, lambda: register_component_types(session, [spec]))


def _register(session: Session, document: DefinitionDocument) -> list[RegistrationChange]:
    types = register_component_types(session, document.component_types)
    dataclasses = register_dataclasses(session, _placed("dataclasses", document.dataclasses))
    metrics = register_metrics(session, document.metrics)
    return [*dataclasses, *metrics, *types, *register_jobs(session, _placed("jobs", document.jobs))]


def _placed(key: str, specs: Iterable[S]) -> Sequence[tuple[Path, S]]:
    return [((key, index), spec) for index, spec in enumerate(specs)]


def _together(session: Session, work: Callable[[], list[RegistrationChange]]) -> RegistrationResult:
    """Do all of ``work`` or nothing; again when another process made one of the names meanwhile.

    The transaction reads what others committed (no snapshot), so the next try finds the row that was in the way.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with savepoint(session):
                return RegistrationResult(changes=tuple(work()))
        except sa.exc.IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the loop returns or raises")
