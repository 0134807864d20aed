"""What one run of the command line knows: the common options, the store it works on, and where it prints to."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from etl_models_cli.style import Palette, stderr_palette, takes_colour

if TYPE_CHECKING:
    from etl_models.database import Database
    from etl_models.domain.paging import Page
    from etl_models.settings import Settings
    from etl_models.store.catalog import Catalog
    from etl_models_cli.screen import Screen, View


class Format(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
    CSV = "csv"


class Cli:
    """Given to every command. Nothing is opened before it is needed; :meth:`close` closes what was."""

    def __init__(self) -> None:
        self.format = Format.TABLE
        self.database_url: str | None = None
        self.tz: str | None = None
        self.quiet = False
        self.verbose = 0
        self.colour = True
        self._closing: list[Callable[[], None]] = []

    def choose(
        self,
        *,
        output: Format | None,
        database_url: str | None,
        tz: str | None,
        quiet: bool,
        verbose: int,
        no_color: bool,
    ) -> None:
        """Take over common options; what is given later, nearer to the command, wins."""
        self.format = output or self.format
        self.database_url = database_url if database_url is not None else self.database_url
        self.tz = tz if tz is not None else self.tz
        self.quiet = self.quiet or quiet
        self.verbose += verbose
        self.colour = self.colour and not no_color

    # -- what commands work on

    @cached_property
    def settings(self) -> Settings:
        """The settings, with the flags in their place."""
        from etl_models.settings import load_settings

        return load_settings(database_url=self.database_url)

    @cached_property
    def database(self) -> Database:
        """The executor; a SQLite file that is made on the way is told."""
        from etl_models.database import Database

        database = Database(settings=self.settings, on_created=lambda file: self.note(f"created the database {file}"))
        self._closing.append(database.close)
        # What was imported stays for good; from here on there may be garbage worth collecting.
        gc.freeze()
        gc.enable()
        return database

    @cached_property
    def catalog(self) -> Catalog:
        """Definitions."""
        from etl_models.store.catalog import Catalog

        return Catalog(self.database)

    def close(self) -> None:
        """Close what was opened."""
        while self._closing:
            self._closing.pop()()

    # -- what they say

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The zone of ``--tz``; None when people get relative times."""
        from etl_models.domain.zones import load_zone

        return None if self.tz is None else load_zone(self.tz)

    @cached_property
    def palette(self) -> Palette:
        """The colours of standard output."""
        return Palette(self.colour and takes_colour(sys.stdout))

    @cached_property
    def screen(self) -> Screen:
        """How tables and pages for people look."""
        from etl_models.domain.clock import utcnow
        from etl_models_cli.screen import Screen, width_of

        return Screen(self.palette, width_of(sys.stdout), self.zone, utcnow(), self.verbose)

    @property
    def for_people(self) -> bool:
        """Whether a person reads the output."""
        return self.format is Format.TABLE

    def note(self, text: str) -> None:
        """Say something on standard error that is no data."""
        if not self.quiet:
            from etl_models.domain.text import printable

            shown = "\n".join(printable(line) for line in text.split("\n"))
            print(stderr_palette().dim(shown) if self.colour else shown, file=sys.stderr, flush=True)

    def page(self, pages: Iterable[Page[Any]], view: View) -> None:
        """Write a list in the chosen format."""
        from etl_models_cli.output import write_pages

        write_pages(self, pages, view)

    def items(self, items: Iterable[Any], view: View) -> None:
        """Write a list that has one page only."""
        from etl_models.domain.paging import Page

        self.page([Page[Any](items=tuple(items))], view)

    def item(self, item: Any, lines: Callable[[Screen], Iterable[str]]) -> None:
        """Write one thing; ``lines`` says how a person gets to see it."""
        from etl_models_cli.output import write_item

        write_item(self, item, lines)

    # -- what they ask

    def confirm(self, question: str, *, yes: bool) -> None:
        """Return when the user agrees; a usage error when there is nobody to ask."""
        if yes:
            return
        import typer

        from etl_models_cli.command import UsageError

        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(f"{question} There is no terminal to ask at; repeat with --yes")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if answer.strip().lower() not in {"y", "yes"}:
            self.note("nothing was changed")
            raise typer.Exit(1)


def every_page(fetch: Callable[[str | None], Page[Any]], cursor: str | None, *, follow: bool) -> Iterator[Page[Any]]:
    """Yield one page, or with ``follow`` that one and all after it."""
    while True:
        page = fetch(cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None or not follow:
            return
