"""etl-models: the metadata store for ETL: definitions in, executions recorded, history out.

Importing this package loads nothing heavy; each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from etl_models._version import __version__

if TYPE_CHECKING:
    from etl_models.database import AsyncDatabase, Database
    from etl_models.domain.actor import acting_as
    from etl_models.domain.states import ComponentState, ExecutionState
    from etl_models.domain.vocabulary import DefinitionStatus, StrategyType
    from etl_models.errors import (
        AccessDeniedError,
        CheckFailedError,
        ConfigurationError,
        ConflictError,
        DatabaseUnavailableError,
        DefinitionError,
        DuplicateError,
        EtlModelsError,
        InvalidInputError,
        NotFoundError,
        SchemaVersionError,
        TransitionError,
    )
    from etl_models.models.component import ComponentBase
    from etl_models.models.dataclass import DataclassesBase
    from etl_models.models.job import JobBase
    from etl_models.recorder import AsyncRecorder, Recorder
    from etl_models.settings import Settings
    from etl_models.store import AsyncStore, Store

_WHERE = {
    "AccessDeniedError": "errors",
    "AsyncDatabase": "database",
    "AsyncRecorder": "recorder",
    "AsyncStore": "store",
    "CheckFailedError": "errors",
    "ComponentBase": "models.component",
    "ComponentState": "domain.states",
    "ConfigurationError": "errors",
    "ConflictError": "errors",
    "DataclassesBase": "models.dataclass",
    "Database": "database",
    "DatabaseUnavailableError": "errors",
    "DefinitionError": "errors",
    "DefinitionStatus": "domain.vocabulary",
    "DuplicateError": "errors",
    "EtlModelsError": "errors",
    "ExecutionState": "domain.states",
    "InvalidInputError": "errors",
    "JobBase": "models.job",
    "NotFoundError": "errors",
    "Recorder": "recorder",
    "SchemaVersionError": "errors",
    "Settings": "settings",
    "Store": "store",
    "StrategyType": "domain.vocabulary",
    "TransitionError": "errors",
    "acting_as": "domain.actor",
}

__all__ = [
    "AccessDeniedError",
    "AsyncDatabase",
    "AsyncRecorder",
    "AsyncStore",
    "CheckFailedError",
    "ComponentBase",
    "ComponentState",
    "ConfigurationError",
    "ConflictError",
    "Database",
    "DatabaseUnavailableError",
    "DataclassesBase",
    "DefinitionError",
    "DefinitionStatus",
    "DuplicateError",
    "EtlModelsError",
    "ExecutionState",
    "InvalidInputError",
    "JobBase",
    "NotFoundError",
    "Recorder",
    "SchemaVersionError",
    "Settings",
    "Store",
    "StrategyType",
    "TransitionError",
    "__version__",
    "acting_as",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use and keep it."""
    if name not in _WHERE:
        msg = f"module 'etl_models' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"etl_models.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
