"""Definitions for tests: a small shop with one job, and what registering said, in short."""

from __future__ import annotations

import copy
from typing import Any

from etl_models.reads.definition import RegistrationResult

Document = dict[str, Any]

_SHOP: Document = {
    "version": 1,
    "namespace": "shop",
    "dataclasses": [
        {
            "name": "order",
            "description": "One line of the daily export.",
            "schema_definition": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "integer"}, "amount": {"type": ["number", "null"]}},
            },
            "validation_rules": {"amount_missing": {"type": "required", "field": "amount", "severity": "warning"}},
        },
        {"name": "total", "dataclass_type": "table"},
    ],
    "metrics": [{"name": "rows_out", "unit": "rows", "kind": "counter", "direction": "higher_is_better"}],
    "jobs": [
        {
            "name": "load-orders",
            "description": "Loads the orders of a day.",
            "strategy_type": "bulk",
            "num_of_retries": 2,
            "file_logging": True,
            "tags": ["daily", {"team": "sales"}],
            "schedule": {"trigger_type": "cron", "trigger_args": {"hour": 2}, "timezone": "Europe/Zurich"},
            "components": [
                {
                    "name": "extract",
                    "component_type": "read_csv",
                    "configuration": {"path": "orders.csv", "password": {"secret": "shop_password"}},
                    "outputs": ["order"],
                    "layout": {"x": 0, "y": 12.5},
                },
                {
                    "name": "clean",
                    "component_type": "filter",
                    "depends_on": ["extract"],
                    "inputs": ["order"],
                    "outputs": ["order"],
                    "metrics": ["rows_in", "rows_out"],
                },
                {
                    "name": "sum",
                    "component_type": "aggregate",
                    "depends_on": [{"component": "clean", "out_port": "valid", "in_port": "rows"}, "extract"],
                    "inputs": ["order"],
                    "outputs": ["total"],
                    "metrics": ["rows_out"],
                },
            ],
        }
    ],
}
JOB = "shop/load-orders"


def shop() -> Document:
    """A document of a job with three components, two dataclasses and a metric; yours to change."""
    return copy.deepcopy(_SHOP)


def job_of(document: Document) -> Document:
    """The first job of a document."""
    job: Document = document["jobs"][0]
    return job


def component_of(document: Document, name: str) -> Document:
    """A component of the first job of a document."""
    return next(component for component in job_of(document)["components"] if component["name"] == name)


def many(jobs: int, *, components: int = 3, namespace: str = "many") -> Document:
    """A document of equal jobs, ``job-0`` and so on, that share dataclasses, metrics and tags."""
    return {
        "namespace": namespace,
        "dataclasses": [{"name": f"record-{number}"} for number in range(10)],
        "jobs": [
            {
                "name": f"job-{number}",
                "tags": ["daily", {"team": f"team-{number % 7}"}],
                "components": [
                    {
                        "name": f"step-{step}",
                        "component_type": "sql",
                        "configuration": {"number": number, "step": step},
                        "depends_on": [f"step-{step - 1}"] if step else [],
                        "inputs": [f"record-{(number + step) % 10}"],
                        "metrics": ["rows_in", "rows_out"],
                    }
                    for step in range(components)
                ],
            }
            for number in range(jobs)
        ],
    }


def actions(result: RegistrationResult) -> dict[str, str]:
    """What was done to each definition, by ``kind name``."""
    return {f"{change.kind} {change.name}": change.action.value for change in result.changes}
