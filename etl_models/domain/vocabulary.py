"""The closed vocabularies of definitions: which words a strategy, a status or a direction may be."""

from __future__ import annotations

from enum import StrEnum


class StrategyType(StrEnum):
    """How a job moves records: one at a time, in batches in memory, or on a distributed engine."""

    ROW = "row"
    BULK = "bulk"
    BIGDATA = "bigdata"


class DefinitionStatus(StrEnum):
    """Where a definition stands in its life."""

    DRAFT = "draft"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    DISABLED = "disabled"


class MetricKind(StrEnum):
    """How samples of a metric combine: counters add up, gauges replace, durations and sizes are measured."""

    COUNTER = "counter"
    GAUGE = "gauge"
    DURATION = "duration"
    SIZE = "size"
    RATIO = "ratio"


class MetricDirection(StrEnum):
    """Which way is better, for whoever compares two samples."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"
    NEUTRAL = "neutral"


class DataDirection(StrEnum):
    """Whether a component or an execution reads a dataclass or dataset, or writes it."""

    INPUT = "input"
    OUTPUT = "output"


class Severity(StrEnum):
    """What a failed validation rule means for the record."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
