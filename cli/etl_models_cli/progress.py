"""Progress on standard error: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from etl_models_cli.context import Cli, Format

if TYPE_CHECKING:
    from etl_models.domain.paging import Page
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


def counted(cli: Cli, pages: Iterable[Page[Any]]) -> Iterator[Page[Any]]:
    """Yield the pages; from the second on show how many items there are so far.

    Not where rows appear on the terminal meanwhile: they are progress enough.
    """
    iterator = iter(pages)
    for first in islice(iterator, 1):
        yield first
        if not is_shown(cli) or (cli.format in {Format.JSONL, Format.CSV} and sys.stdout.isatty()):
            yield from iterator
        else:
            yield from _counted(iterator, len(first.items))


def _counted(pages: Iterator[Page[Any]], number: int) -> Iterator[Page[Any]]:
    for second in islice(pages, 1):
        with _bar() as progress:
            task = progress.add_task("", total=None)
            for page in chain([second], pages):
                number += len(page.items)
                progress.update(task, description=f"{number:,} so far")
                yield page


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress
