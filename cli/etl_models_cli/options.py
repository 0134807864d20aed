"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from etl_models.specs.suggest import quoted
from etl_models_cli import completion

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, metavar="N", help="At most this many.")]
Cursor = Annotated[
    str | None, typer.Option("--cursor", metavar="C", help="Continue after the page that named this cursor.")
]
All = Annotated[bool, typer.Option("--all", help="Follow the cursors to the end.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Namespace = Annotated[str | None, typer.Option("--namespace", metavar="NAMESPACE", help="Only of this namespace.")]
NamePattern = Annotated[
    str | None, typer.Option("--name", metavar="PATTERN", help="Only names that hold this; * and ? match any.")
]
Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Only with this status: draft, active, deprecated or disabled.",
        autocompletion=completion.statuses,
    ),
]
Deleted = Annotated[bool, typer.Option("--deleted", help="Show deleted ones too.")]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="KEY[=VALUE]",
        help="Only with this tag; repeat for several.",
        autocompletion=completion.tags,
    ),
]
JobFilter = Annotated[
    str | None,
    typer.Option("--job", "-j", metavar="[NAMESPACE/]JOB", help="Only of this job.", autocompletion=completion.jobs),
]
JobName = Annotated[str, typer.Argument(metavar="[NAMESPACE/]JOB", show_default=False, autocompletion=completion.jobs)]


def read_pairs(values: Sequence[str] | None, option: str) -> dict[str, str | None]:
    """Read ``key`` and ``key=value`` given to a repeatable option; a key without ``=`` has None."""
    found: dict[str, str | None] = {}
    for text in values or ():
        key, equals, value = text.partition("=")
        if not key:
            raise typer.BadParameter(f"write KEY or KEY=VALUE, not {quoted(text)}", param_hint=option)
        if key in found:
            raise typer.BadParameter(f"{quoted(key)} is given twice", param_hint=option)
        found[key] = value if equals else None
    return found
