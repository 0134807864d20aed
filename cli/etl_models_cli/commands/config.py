"""``config``: what the settings are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl_models_cli.command import command, group
from etl_models_cli.context import Cli

app = group("config", "Settings: flags over environment over etl-models.toml over defaults.")


@command(app, "show", examples=["config show"])
def show(cli: Cli) -> None:
    """Print the settings as they are in this folder; secrets are masked."""
    from etl_models_cli.screen import plain

    document = {name: dict(_masked(section)) for name, section in cli.settings}
    pairs = [(f"{name}.{key}", plain(str(value))) for name, part in document.items() for key, value in part.items()]
    cli.item(document, lambda screen: screen.fields(pairs, indent=""))


def _masked(section: Any) -> Iterator[tuple[str, Any]]:
    from etl_models.domain.redaction import MASK

    for key, value in section:
        if key == "url":
            yield key, section.safe_url
        else:
            yield key, MASK if hasattr(value, "get_secret_value") else value
