"""Colours: which words get one, and whether the stream takes any.

``NO_COLOR`` wins over ``FORCE_COLOR``, which wins over what the stream is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}

_STATES = {
    "succeeded": "green",
    "cached": "green",
    "active": "green",
    "created": "green",
    "restored": "green",
    "ok": "green",
    "running": "cyan",
    "updated": "cyan",
    "scheduled": "blue",
    "queued": "blue",
    "pending": "blue",
    "draft": "blue",
    "cancelling": "yellow",
    "cancelled": "yellow",
    "skipped": "yellow",
    "deprecated": "yellow",
    "warning": "yellow",
    "upstream_failed": "magenta",
    "lost": "magenta",
    "failed": "red",
    "timed_out": "red",
    "deleted": "red",
    "error": "red",
    "disabled": "dim",
    "unchanged": "dim",
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours text, or leaves it as it is."""

    enabled: bool

    def paint(self, text: str, style: str | None) -> str:
        """Return ``text`` in a style of this module; None and unknown styles change nothing."""
        code = _CODES.get(style or "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and code and text else text

    def bold(self, text: str) -> str:
        """Return ``text`` bold."""
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        """Return ``text`` dim."""
        return self.paint(text, "dim")

    def red(self, text: str) -> str:
        """Return ``text`` red."""
        return self.paint(text, "red")

    def state(self, text: str, name: str | None = None) -> str:
        """Return ``text`` in the colour of the state it names."""
        return self.paint(text, state_style(name or text))


def state_style(name: str) -> str | None:
    """Return the style of a state, a status or an action."""
    return _STATES.get(name)


def takes_colour(stream: TextIO | None) -> bool:
    """Say whether to colour what goes to ``stream``."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def stderr_palette(arguments: Sequence[str] = ()) -> Palette:
    """Return the palette for messages."""
    return Palette("--no-color" not in arguments and takes_colour(sys.stderr))
