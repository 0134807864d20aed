"""How commands are declared: a function that is given the :class:`Cli` and its own options; the rest is here.

``-o``, ``-q``, ``-v``, ``--database-url``, ``--tz`` and ``--no-color`` belong to every command, and may stand before or
behind its name. In the help they stand apart, below what is particular.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from etl_models.domain.text import printable, short
from etl_models.specs.suggest import did_you_mean
from etl_models_cli.context import Cli, Format

Function = Callable[..., Any]

UsageError: Any = typer.BadParameter.__base__
"""What the parser raises for wrong usage; its home differs between releases of typer."""


COMMON_OPTIONS: dict[str, tuple[Any, Any]] = {
    "output": (
        Annotated[
            Format | None,
            typer.Option("--output", "-o", metavar="FORMAT", help="table, json, jsonl, yaml or csv."),
        ],
        None,
    ),
    "database_url": (
        Annotated[
            str | None,
            typer.Option(
                "--database-url", metavar="URL", help="Which store; also ETL_MODELS_DATABASE_URL.", show_default=False
            ),
        ],
        None,
    ),
    "tz": (
        Annotated[str | None, typer.Option("--tz", metavar="ZONE", help="Show times in this zone (tables only).")],
        None,
    ),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="No notes, no progress.")], False),
    "verbose": (
        Annotated[int, typer.Option("--verbose", "-v", count=True, help="Tell more.", show_default=False)],
        0,
    ),
    "no_color": (Annotated[bool, typer.Option("--no-color", help="No colours; also NO_COLOR.")], False),
}


def _format_options(command: Any, context: Any, formatter: Any) -> None:
    """Write the options of a command in three parts: arguments, its own, and those of every command."""
    parts: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Options of every command": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        is_common = parameter.name in COMMON_OPTIONS or parameter.name == "help"
        own = "Arguments" if parameter.param_type_name == "argument" else "Options"
        parts["Options of every command" if is_common else own].append(record)
    for title, records in parts.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class EtlCommand(TyperCommand):
    """A command whose help keeps the common options apart."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options."""
        _format_options(self, ctx, formatter)


class EtlGroup(TyperGroup):
    """A group that lists its commands first and knows what a misspelt one should have been."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        _format_options(self, ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a misspelt one is told with the nearest that exists."""
        name = args[0]
        if not name.startswith("-") and not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            names = self.list_commands(ctx)
            known = "" if did_you_mean(name, names) else f"; known: {', '.join(names)}"
            ctx.fail(f"no such command: {printable(short(name))}{did_you_mean(name, names)}{known}")
        return super().resolve_command(ctx, args)


def group(name: str, summary: str, *, cls: type[EtlGroup] = EtlGroup) -> typer.Typer:
    """Return a new group of commands."""
    app = typer.Typer(
        name=name,
        cls=cls,
        help=summary,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )

    def callback(cli: Cli) -> None:
        """The options of every command may stand before the name of the command too."""
        del cli

    app.callback()(with_common(callback))
    return app


def command(app: typer.Typer, name: str, *, examples: Sequence[str] = (), **options: Any) -> Callable[[Function], Any]:
    """Declare a command of ``app``; the first parameter of the function is the :class:`Cli`."""
    epilog = "\b\nExamples:\n" + "\n".join(f"  etl-models {line}" for line in examples) if examples else None

    def declare(function: Function) -> Function:
        app.command(
            name,
            cls=EtlCommand,
            epilog=epilog,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
            **options,
        )(with_common(function))
        return function

    return declare


def with_common(function: Function) -> Function:
    """Give ``function`` the signature that the parser shall see, and call it with what it declares itself."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("ctx", keyword_only, annotation=typer.Context)]
    parameters += [parameter.replace(kind=keyword_only) for parameter in own]
    parameters += [
        inspect.Parameter(name, keyword_only, default=default, annotation=annotation)
        for name, (annotation, default) in COMMON_OPTIONS.items()
    ]

    @functools.wraps(function)
    def called(**given: Any) -> Any:
        cli: Cli = given.pop("ctx").find_root().obj
        common = {name: given.pop(name) for name in COMMON_OPTIONS}
        cli.choose(**common)
        return function(cli, **given)

    del called.__wrapped__  # the parser would look behind it
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called
