"""``dataclasses``: shapes of records and the rules they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli import completion
from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, Deleted, Limit, NamePattern, Namespace, Status, Yes

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("dataclasses", "Dataclasses: shapes of records, the rules they meet, and their versions.")

DataclassName = Annotated[
    str, typer.Argument(metavar="[NAMESPACE/]DATACLASS", show_default=False, autocompletion=completion.dataclasses)
]


@command(app, "list", examples=["dataclasses list --namespace flights"])
def list_(
    cli: Cli,
    *,
    namespace: Namespace = None,
    name: NamePattern = None,
    status: Status = None,
    dataclass_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only of this type, for example record or table.")
    ] = None,
    deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List dataclasses by name."""
    from etl_models_cli.views.definitions import DATACLASSES

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.dataclasses.list(
            namespace=namespace,
            name=name,
            status=status,
            dataclass_type=dataclass_type,
            include_deleted=deleted,
            limit=limit,
            cursor=after,
        )

    cli.page(every_page(fetch, cursor, follow=all_), DATACLASSES)


@command(app, "show", examples=["dataclasses show flights/raw_flight"])
def show(cli: Cli, dataclass: DataclassName, deleted: Deleted = False) -> None:
    """Show a dataclass.

    With its schema, its rules, and the components that read and write it.
    """
    from etl_models_cli.views.definition import dataclass_page

    found = cli.catalog.dataclasses.get(dataclass, include_deleted=deleted)
    cli.item(found, lambda screen: dataclass_page(found, screen))


@command(app, "history", examples=["dataclasses history flights/raw_flight"])
def history(cli: Cli, dataclass: DataclassName, limit: Limit = 50, cursor: Cursor = None, all_: All = False) -> None:
    """List the versions of a dataclass, the newest first."""
    from etl_models_cli.views.definitions import VERSIONS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.dataclasses.history(dataclass, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), VERSIONS)


@command(app, "export", examples=["dataclasses export flights/raw_flight > raw_flight.yaml"])
def export(cli: Cli, dataclass: DataclassName) -> None:
    """Print a dataclass as a definition file.

    It registers the same dataclass again, here or elsewhere; YAML, or JSON with -o json.
    """
    from etl_models_cli.output import write_document

    write_document(cli, cli.catalog.dataclasses.export(dataclass))


@command(app, "delete", examples=["dataclasses delete flights/raw_flight --yes"])
def delete(cli: Cli, dataclass: DataclassName, yes: Yes = False) -> None:
    """Hide a dataclass that no component uses.

    It can be restored.
    """
    from etl_models_cli.views.definitions import CHANGES

    cli.confirm(f"Delete the dataclass {dataclass}?", yes=yes)
    cli.items([cli.catalog.dataclasses.delete(dataclass)], CHANGES)


@command(app, "restore", examples=["dataclasses restore flights/raw_flight"])
def restore(cli: Cli, dataclass: DataclassName) -> None:
    """Bring a deleted dataclass back as it was."""
    from etl_models_cli.views.definitions import CHANGES

    cli.items([cli.catalog.dataclasses.restore(dataclass)], CHANGES)
