"""``tags``: keys with optional values that jobs and executions carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli import completion
from etl_models_cli.command import command, group
from etl_models_cli.context import Cli, every_page
from etl_models_cli.options import All, Cursor, Deleted, Limit, NamePattern, Yes

if TYPE_CHECKING:
    from etl_models.domain.paging import Page

app = group("tags", "Tags: keys with optional values that jobs and executions carry.")

TagName = Annotated[str, typer.Argument(metavar="KEY[=VALUE]", show_default=False, autocompletion=completion.tags)]


@command(app, "list", examples=["tags list"])
def list_(
    cli: Cli,
    *,
    name: NamePattern = None,
    deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    all_: All = False,
) -> None:
    """List tags and how many jobs and executions carry each."""
    from etl_models_cli.views.definitions import TAGS

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.tags.list(name=name, include_deleted=deleted, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), TAGS)


@command(app, "show", examples=["tags show team=ops"])
def show(cli: Cli, tag: TagName, deleted: Deleted = False) -> None:
    """Show a tag and how many jobs and executions carry it."""
    from etl_models_cli.views.definition import tag_page

    found = cli.catalog.tags.get(tag, include_deleted=deleted)
    cli.item(found, lambda screen: tag_page(found, screen))


@command(app, "history", examples=["tags history team=ops"])
def history(cli: Cli, tag: TagName, limit: Limit = 50, cursor: Cursor = None, all_: All = False) -> None:
    """List the versions of jobs that carried a tag, the newest first."""
    from etl_models_cli.views.definitions import TAG_USES

    def fetch(after: str | None) -> Page[Any]:
        return cli.catalog.tags.history(tag, limit=limit, cursor=after)

    cli.page(every_page(fetch, cursor, follow=all_), TAG_USES)


@command(app, "delete", examples=["tags delete team=ops --yes"])
def delete(cli: Cli, tag: TagName, yes: Yes = False) -> None:
    """Hide a tag on every job that carries it.

    It can be restored.
    """
    from etl_models_cli.views.definitions import CHANGES

    cli.confirm(f"Delete the tag {tag}?", yes=yes)
    cli.items([cli.catalog.tags.delete(tag)], CHANGES)


@command(app, "restore", examples=["tags restore team=ops"])
def restore(cli: Cli, tag: TagName) -> None:
    """Show a deleted tag again wherever it was."""
    from etl_models_cli.views.definitions import CHANGES

    cli.items([cli.catalog.tags.restore(tag)], CHANGES)
