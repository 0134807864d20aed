"""Progress on standard error: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from etl_models_cli.context import Cli

if TYPE_CHECKING:
    from etl_models.migrate import Step


def is_shown(cli: Cli) -> bool:
    """Say whether anybody would see it."""
    return not cli.quiet and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def migrating(cli: Cli) -> Iterator[Callable[[Step], None] | None]:
    """Show the revisions as they are applied."""
    if not is_shown(cli):
        yield None
        return
    with _bar() as progress:
        task = progress.add_task("migrating", total=None)

        def step(done: Step) -> None:
            progress.update(task, description=f"{done.revision} {done.title}", completed=done.number)

        yield step


@contextmanager
def counting(cli: Cli, what: str) -> Iterator[Callable[[int], None]]:
    """Show how many things there are so far."""
    if not is_shown(cli):
        yield lambda _: None
        return
    with _bar() as progress:
        task = progress.add_task(what, total=None)
        yield lambda number: progress.update(task, completed=number, description=f"{number:,} {what}")


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress
