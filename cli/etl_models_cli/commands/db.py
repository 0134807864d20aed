"""``db``: the schema of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli
from etl_models_cli.options import Yes

if TYPE_CHECKING:
    from etl_models.db.target import Target
    from etl_models.migrate import Migration

app = group("db", "The schema of the store: one linear history, the same on every database.")

Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")]


@command(app, "upgrade", examples=["db upgrade", "db upgrade --sql --database-url postgresql://localhost/etl"])
def upgrade(
    cli: Cli, revision: Annotated[str, typer.Argument(metavar="[REVISION]", help="How far.")] = "head", sql: Sql = False
) -> None:
    """Bring the schema to the newest revision.

    Where there is nothing, everything is created. Running it again changes nothing.
    """
    from etl_models import migrate

    target = _target(cli)
    if sql:
        _print_sql(migrate.upgrade_sql(_kind(target), revision))
        return
    from etl_models_cli.progress import migrating

    is_new = target.file is not None and not target.file.exists()
    with migrating(cli) as progress:
        migration = migrate.upgrade(target, revision, progress=progress)
    if is_new:
        cli.note(f"created the database {target.file}")
    _tell(cli, target, migration)


@command(app, "downgrade", examples=["db downgrade base --yes", "db downgrade 0001 --sql"])
def downgrade(
    cli: Cli,
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help="How far back; base: everything.", show_default=False)
    ],
    sql: Sql = False,
    yes: Yes = False,
) -> None:
    """Take revisions back.

    Data that only they have a place for is lost.
    """
    from etl_models import migrate

    target = _target(cli)
    if sql:
        _print_sql(migrate.downgrade_sql(_kind(target), revision))
        return
    cli.confirm(f"Downgrade {target.label} to {revision}? Data that has no place there is lost.", yes=yes)
    _must_exist(cli)
    from etl_models_cli.progress import migrating

    with migrating(cli) as progress:
        migration = migrate.downgrade(target, revision, progress=progress)
    _tell(cli, target, migration)


@command(app, "current", examples=["db current", "db current -o json"])
def current(cli: Cli) -> None:
    """Print the revision of the schema and the newest one."""
    from etl_models import migrate, revisions

    _must_exist(cli)
    found, head = migrate.current(_target(cli)), revisions.head()
    facts = {"current": found, "head": head, "is_head": found == head}
    remark = "" if found == head else f"  (newest: {head}; run: etl-models db upgrade)"
    cli.item(facts, lambda screen: [f"{screen.heading(found or 'none')}{remark}"])


@command(app, "check", examples=["db check"])
def check(cli: Cli) -> None:
    """Check that the schema is what this version needs.

    Exit code 8 when it is not the newest revision, 9 when it differs from the tables of this version.
    """
    from etl_models import migrate, revisions

    _must_exist(cli)
    migrate.check(_target(cli))
    facts = {"ok": True, "current": revisions.head()}
    cli.item(facts, lambda screen: [f"{screen.palette.state('ok')}: the schema is at {revisions.head()}"])


@command(app, "stamp", examples=["db stamp head"])
def stamp(
    cli: Cli,
    revision: Annotated[str, typer.Argument(metavar="REVISION", show_default=False)],
    sql: Sql = False,
) -> None:
    """Write down a revision without changing anything else.

    For schemas that were made or mended by hand.
    """
    from etl_models import migrate

    target = _target(cli)
    if sql:
        _print_sql(migrate.stamp_sql(_kind(target), revision))
        return
    _must_exist(cli)
    _tell(cli, target, migrate.stamp(target, revision))


@command(app, "history", examples=["db history"])
def history(cli: Cli) -> None:
    """List the revisions this version knows, the oldest first."""
    from etl_models import revisions
    from etl_models_cli.screen import Column, View

    rows = [{"revision": each.number, "title": each.title} for each in revisions.known()]
    view = View(
        (Column("REVISION", lambda item, _: item["revision"]), Column("TITLE", lambda item, _: item["title"])),
        ("revision", "title"),
    )
    cli.items(rows, view)


def _target(cli: Cli) -> Target:
    """The database that settings name; nothing is opened."""
    return cli.database.target


def _kind(target: Target) -> str:
    """What the SQL is written for: the scheme tells MariaDB from MySQL."""
    return f"{target.url.get_backend_name()}://"


def _must_exist(cli: Cli) -> None:
    """Looking at a SQLite file that is not there would make an empty one."""
    from etl_models.errors import DatabaseUnavailableError

    file = _target(cli).file
    if file is not None and not file.exists():
        raise DatabaseUnavailableError(f"there is no database at {file}; make it with: etl-models db upgrade")


def _print_sql(text: str) -> None:
    typer.echo(text.rstrip("\n"))


def _tell(cli: Cli, target: Target, migration: Migration) -> None:
    facts: dict[str, Any] = {"before": migration.before, "after": migration.after}
    if migration.before == migration.after:
        words = f"{target.label} is at {migration.after or 'none'} already"
    else:
        words = f"{target.label}: {migration.before or 'none'} -> {migration.after or 'none'}"
    cli.item(facts, lambda _: [words])
