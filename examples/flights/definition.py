"""What the worker takes from its own definition files, so that what is registered is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEFINITIONS = Path(__file__).parent / "definitions"
JOB = "flights/load-flights"


@dataclass(frozen=True)
class Definition:
    """The parts of the definition that decide how a day is loaded.

    ``validation_rules`` are those of the dataclass raw_flight; ``max_reject_share`` is a share, 0.2 for 20 %.
    """

    validation_rules: Mapping[str, Mapping[str, Any]]
    max_reject_share: float
    num_of_retries: int


def read_definition(directory: Path = DEFINITIONS) -> Definition:
    """Read the rules and limits from the definition files."""
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.yaml"))]
    raw_flight = _named(documents, "dataclasses", "raw_flight")
    job = _named(documents, "jobs", "load-flights")
    (validate,) = (component for component in job["components"] if component["name"] == "validate")
    return Definition(
        validation_rules=raw_flight["validation_rules"],
        max_reject_share=validate["configuration"]["max_reject_share"],
        num_of_retries=job["num_of_retries"],
    )


def _named(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (item for document in documents for item in document.get(kind, ()) if item["name"] == name)
    return dict(found)
