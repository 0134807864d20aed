"""What the arguments ask for, read without a parser: needed when the parser itself refuses them."""

from __future__ import annotations

from collections.abc import Sequence

_JSON = {"json", "jsonl"}


def wants_json(arguments: Sequence[str]) -> bool:
    """Say whether errors shall be JSON."""
    return option_value(arguments, "-o", "--output") in _JSON


def option_value(arguments: Sequence[str], short: str, long: str) -> str | None:
    """Return the last value given to an option before ``--``, None when there is none."""
    found: str | None = None
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument in {short, long}:
            found = arguments[index + 1] if index + 1 < len(arguments) else found
        elif argument.startswith(f"{long}="):
            found = argument.partition("=")[2]
        elif argument.startswith(short) and not argument.startswith("--") and len(argument) > len(short):
            found = argument[len(short) :]
    return found
