"""``component-types``: the registry of component types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, Limit, NamePattern

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("component-types", "Component types: registered ones may bring a JSON Schema; unknown ones are allowed.")


@command(app, "list", examples=["component-types list"])
def list_(cli: Cli, name: NamePattern = None, limit: Limit = 50, cursor: Cursor = None, all_: All = False) -> None:
    """List registered component types by name."""
    from etl_models_cli.views.definitions import COMPONENT_TYPES

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.component_types.list(name=name, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), COMPONENT_TYPES)


@command(app, "show", examples=["component-types show read_csv"])
def show(cli: Cli, component_type: Annotated[str, typer.Argument(metavar="TYPE", show_default=False)]) -> None:
    """Show a registered component type.

    With the schema that configurations of such components must meet.
    """
    from etl_models_cli.views.definition import component_type_page

    found = cli.catalog.component_types.get(component_type)
    cli.item(found, lambda screen: component_type_page(found, screen))
