"""The root command: what there is, in which file, and nothing loaded before it is asked for."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.main import get_command

from etl_models_cli.command import EtlGroup, with_common
from etl_models_cli.context import Cli

SUMMARY = "The metadata store for ETL: definitions in, executions recorded, history out."


class Entry(NamedTuple):
    """A command or a group: the module in ``commands`` that declares it, and a line about it."""

    module: str
    summary: str


COMMANDS: dict[str, dict[str, Entry]] = {
    "Definitions": {
        "register-job": Entry("registering", "Register the jobs of definition files."),
        "register-component": Entry("registering", "Register one component of a job."),
        "register-dataclass": Entry("registering", "Register the dataclasses of definition files."),
        "apply": Entry("registering", "Register everything that files and folders define."),
        "validate": Entry("checking", "Check definition files without a database."),
        "schema": Entry("checking", "Print the JSON Schema of definition files, for editors."),
        "jobs": Entry("jobs", "Jobs: list, show, history, export, delete, restore."),
        "components": Entry("components", "Components of jobs: list, show, history, export, delete, restore."),
        "dataclasses": Entry("dataclasses", "Dataclasses: list, show, history, export, delete, restore."),
        "metrics": Entry("metrics", "Definitions of metrics: list, show, export, delete, restore."),
        "tags": Entry("tags", "Tags: list, show, history, delete, restore."),
        "component-types": Entry("component_types", "Registered component types: list, show."),
    },
    "Executions": {
        "executions": Entry("executions", "Executions: list, show, stats, start, log, finish, cancel."),
    },
    "Store": {
        "db": Entry("db", "The schema: upgrade, downgrade, current, check, stamp, history."),
        "doctor": Entry("doctor", "Look whether everything is in order."),
        "config": Entry("config", "Settings: show."),
        "version": Entry("doctor", "Print the version of etl-models."),
    },
}

_ENTRIES = {name: entry for part in COMMANDS.values() for name, entry in part.items()}


@cache
def _load(module: str) -> Any:
    """Import a module of ``commands`` and build what it declares; the parser asks more than once."""
    return get_command(import_module(f"etl_models_cli.commands.{module}").app)


class RootGroup(EtlGroup):
    """Loads the module of a command when the command is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return all names."""
        return list(_ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module and return the command, None for an unknown one."""
        entry = _ENTRIES.get(cmd_name)
        if entry is None:
            return None
        loaded = _load(entry.module)
        return loaded if loaded.name == cmd_name else loaded.get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write what there is from the table, without loading any of it."""
        room = max(len(name) for name in _ENTRIES)
        for title, entries in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(room), entry.summary) for name, entry in entries.items()])


def _print_version(wanted: bool) -> None:
    if wanted:
        from etl_models._version import __version__

        typer.echo(f"etl-models {__version__}")
        raise typer.Exit


def root(
    cli: Cli,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    del cli, version


app = typer.Typer(
    name="etl-models",
    cls=RootGroup,
    help=SUMMARY,
    epilog="\b\nExamples:\n"
    "  etl-models register-job definitions/\n"
    "  etl-models executions list --state failed --since 7d\n"
    "  etl-models executions show 4f2a91c3 -o json\n\n"
    "\b\nExit codes:\n"
    "  0 ok, 1 unexpected, 2 usage, 3 invalid input or configuration, 4 not found,\n"
    "  5 conflict, 6 not allowed, 7 database unreachable, 8 migration needed, 9 a check failed",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.callback()(with_common(root))


@cache
def root_command() -> Any:
    """Return the parser's command behind ``app``."""
    return get_command(app)


def invoke(arguments: list[str], program: str) -> int:
    """Run one command; returns the exit code, and lets every error out."""
    command = root_command()
    cli = Cli()
    try:
        if f"_{program}_COMPLETE".replace("-", "_").upper() in os.environ:
            command.main(args=arguments, prog_name=program, obj=cli)
        with command.make_context(program, arguments, obj=cli) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return ending.exit_code
    finally:
        cli.close()
    return 0
