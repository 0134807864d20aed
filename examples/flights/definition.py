"""What the worker takes from its own definition files, so that what is registered is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl_models.specs.loader import load
from etl_models.specs.rule import RuleSpec

DEFINITIONS = Path(__file__).resolve().parent / "definitions"
JOB = "flights/load-flights"


@dataclass(frozen=True)
class Definition:
    """The parts of the definition that decide how a day is loaded.

    ``validation_rules`` are those of the dataclass raw_flight; ``max_reject_share`` is a share, 0.2 for 20 %.
    """

    validation_rules: Mapping[str, RuleSpec]
    max_reject_share: float
    num_of_retries: int


def read_definition(folder: Path = DEFINITIONS) -> Definition:
    """Read the rules and limits from the definition files, checked as the catalog checks them.

    Raises:
        etl_models.errors.DefinitionError: something is wrong in the files; it names file, line and column.

    """
    document = load(folder)
    (job,) = (job for job in document.jobs if f"{job.namespace}/{job.name}" == JOB)
    (validate,) = (component for component in job.components if component.name == "validate")
    configuration = validate.configuration
    (checked,) = (shape for shape in document.dataclasses if shape.name == configuration["rules_of"])
    return Definition(
        validation_rules=checked.validation_rules,
        max_reject_share=configuration["max_reject_share"],
        num_of_retries=job.num_of_retries,
    )
