"""Metrics: what components measure, its unit, and which way is better."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from etl_models.domain.naming import DEFAULT_NAMESPACE
from etl_models.domain.vocabulary import MetricDirection, MetricKind
from etl_models.specs.base import Spec
from etl_models.specs.fields import Description, Name, Unit, lax


class MetricSpec(Spec):
    """The definition of a metric. Components may also measure what is not defined here."""

    namespace: Name = Field(default=DEFAULT_NAMESPACE, description="Namespace; that of the document unless given.")
    name: Name = Field(description="Name of the metric, unique in its namespace.")
    unit: Unit = Field(default="", description="Unit of the values: rows, bytes, seconds, ...")
    kind: Annotated[MetricKind, lax] = Field(default=MetricKind.GAUGE, description="How samples combine.")
    direction: Annotated[MetricDirection, lax] = Field(
        default=MetricDirection.NEUTRAL, description="Which way is better."
    )
    description: Description = Field(default="", description="What is measured, for people.")
