"""``doctor`` and ``version``: is everything in order, and what is it made of."""

from __future__ import annotations

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli

app = group("health", "The health of the store and of this installation.")


@command(app, "doctor", examples=["doctor", "doctor -o json"])
def doctor(cli: Cli) -> None:
    """Look whether everything is in order.

    The database, its schema, drivers and versions; exit code 9 when something is broken. Warnings are told and break
    nothing.
    """
    from etl_models.errors import CheckFailedError
    from etl_models_cli.examination import examine
    from etl_models_cli.screen import Column, View
    from etl_models_cli.style import state_style

    findings = list(examine(cli))
    view = View(
        (
            Column("", lambda item, _: item["verdict"], style=lambda item: state_style(item["verdict"])),
            Column("CHECK", lambda item, _: item["check"]),
            Column("FOUND", lambda item, _: item["found"], flexible=True),
        ),
        ("check", "verdict", "found"),
    )
    cli.items(findings, view)
    broken = [finding["check"] for finding in findings if finding["verdict"] == "error"]
    if broken:
        raise CheckFailedError(f"not in order: {', '.join(broken)}", checks=broken)


@command(app, "version", examples=["version", "version -o json"])
def version(cli: Cli) -> None:
    """Print the version of etl-models.

    With -v, and in data, those of what it stands on too.
    """
    from etl_models_cli.examination import versions

    found = versions()
    shown = found if cli.verbose else {"etl-models": found["etl-models"]}
    cli.item(found, lambda _: [f"{name} {number or 'not installed'}" for name, number in shown.items()])
