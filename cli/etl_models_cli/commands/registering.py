"""``register-job``, ``register-component``, ``register-dataclass`` and ``apply``: definition files into the store."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from etl_models_cli import completion
from etl_models_cli.command import command, group
from etl_models_cli.context import Cli

if TYPE_CHECKING:
    from etl_models.reads.definition import RegistrationResult

app = group("registering", "Definitions into the store.")

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="YAML, TOML or JSON files, folders, or - for stdin.", show_default=False),
]


@command(
    app,
    "register-job",
    examples=[
        "register-job definitions/load-flights.yaml",
        "jobs export flights/load-flights | etl-models register-job -",
    ],
)
def register_job(cli: Cli, files: Files) -> None:
    """Register the jobs of definition files.

    What else the files define is registered with them.

    The same file twice changes nothing. A changed one updates the job in place, keeps ids and history, and adds a
    version.
    """
    _tell(cli, cli.catalog.register_job(files))


@command(app, "register-dataclass", examples=["register-dataclass raw_flight.yaml"])
def register_dataclass(cli: Cli, files: Files) -> None:
    """Register the dataclasses of definition files."""
    _tell(cli, cli.catalog.register_dataclass(files))


@command(app, "register-component", examples=["register-component clean.yaml --job flights/load-flights"])
def register_component(
    cli: Cli,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file with one component, or -.", show_default=False)],
    job: Annotated[
        str,
        typer.Option(
            "--job", "-j", metavar="[NAMESPACE/]JOB", help="The job it is part of.", autocompletion=completion.jobs
        ),
    ],
) -> None:
    """Register one component of a job.

    The job must be there; it gets a new version.
    """
    _tell(cli, cli.catalog.register_component(file, job=job))


@command(app, "apply", examples=["apply definitions/"])
def apply(cli: Cli, files: Files) -> None:
    """Register everything that files and folders define.

    All of it or nothing.
    """
    _tell(cli, cli.catalog.apply(files))


def _tell(cli: Cli, result: RegistrationResult) -> None:
    from etl_models_cli.views.definitions import CHANGES

    cli.items(result.changes, CHANGES)
    counted = Counter(str(change.action) for change in result.changes)
    summary = ", ".join(f"{number} {action}" for action, number in counted.items())
    for change in result.changes:
        if change.is_draft:
            cli.note(f"{change.namespace}/{change.name} is written but described nowhere: registered as a draft")
    cli.note(summary if result.changed else f"nothing has changed ({summary or 'nothing defined'})")
