"""``validate`` and ``schema``: definition files without a database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, Format

app = group("checking", "Definition files without a database.")


class Kind(StrEnum):
    """What there is a schema of."""

    DEFINITIONS = "definitions"


@command(app, "validate", examples=["validate definitions/", "validate job.yaml -o json"])
def validate(
    cli: Cli,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders (read recursively), or - for stdin.", show_default=False
        ),
    ],
) -> None:
    """Check definition files without a database.

    They are checked against each other too. Every problem of every file is told at once, with file, line, column and
    the path of the value. A dataclass that none of the files defines is a problem.
    """
    from etl_models.specs.loader import validate_paths

    found = validate_paths(paths)
    counts = {name: int(getattr(found, name)) for name in found.__dataclass_fields__}
    words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number)
    cli.item({"valid": True, **counts}, lambda screen: [f"{screen.palette.state('valid', 'ok')}: {words}"])


@command(app, "schema", examples=["schema definitions > etl-models.schema.json"])
def schema(
    cli: Cli,
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="What of: definitions.")] = Kind.DEFINITIONS,
) -> None:
    """Print the JSON Schema of definition files, for editors.

    With it they complete and check while you write.
    """
    del kind
    from etl_models.specs.editor_schema import definitions_schema
    from etl_models_cli.output import write_document

    if cli.for_people:
        cli.format = Format.JSON
    write_document(cli, definitions_schema())
