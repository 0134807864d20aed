"""The entry point: from arguments to an exit code, whatever happens on the way.

Imports nothing heavy itself, so that an interrupt during start-up meets a handler and not a traceback.
"""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from etl_models_cli import ending

PROGRAM = "etl-models"


def main() -> NoReturn:
    """Run the command line of this process and exit."""
    # A short process makes hardly any garbage: searching for it would take a third of its time.
    gc.disable()
    ending.catch_termination()
    _write_unicode()
    code = ending.guarded(lambda: run(sys.argv[1:]), sys.argv[1:])
    code = ending.flush(code)
    gc.freeze()
    sys.exit(code)


def _write_unicode() -> None:
    """Data is UTF-8 wherever it goes; a terminal gets what it understands, and the rest escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors come out as exceptions."""
    from etl_models_cli.root import invoke

    return invoke(list(arguments), PROGRAM)
