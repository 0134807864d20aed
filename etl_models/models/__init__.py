"""The tables, one file per noun. Importing this package registers all of them with ``db.bases.metadata``."""

from etl_models.models.component import (
    Component,
    ComponentBase,
    ComponentConfiguration,
    ComponentDependency,
    ComponentType,
)
from etl_models.models.dataclass import (
    ComponentDataclass,
    Dataclass,
    DataclassesBase,
    DataclassSchema,
)
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.execution import Attempt, ComponentExecution, Execution, ExecutionTag, Transition
from etl_models.models.job import Job, JobBase, JobLatestExecution
from etl_models.models.metric import ComponentMetric, Metric, MetricSample
from etl_models.models.tag import JobTag, JobVersionTag, Tag
from etl_models.models.version import ComponentVersion, DataclassVersion, DefinitionVersionBase, JobVersion

__all__ = [
    "Attempt",
    "Component",
    "ComponentBase",
    "ComponentConfiguration",
    "ComponentDataclass",
    "ComponentDependency",
    "ComponentExecution",
    "ComponentMetric",
    "ComponentType",
    "ComponentVersion",
    "Dataclass",
    "DataclassSchema",
    "DataclassVersion",
    "DataclassesBase",
    "Dataset",
    "DatasetUse",
    "DefinitionVersionBase",
    "Execution",
    "ExecutionTag",
    "Job",
    "JobBase",
    "JobLatestExecution",
    "JobTag",
    "JobVersion",
    "JobVersionTag",
    "Metric",
    "MetricSample",
    "Tag",
    "Transition",
]
