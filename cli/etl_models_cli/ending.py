"""How a command ends: exit codes, errors told in one place, signals and closed pipes. Never a traceback.

Who wants one sets ``ETL_MODELS_DEBUG`` or gives ``-v``. A reader that goes away (``| head``) has what it wanted, so
that is no error.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

UNEXPECTED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143

DEBUG_VARIABLE = "ETL_MODELS_DEBUG"

_HELP = "NoArgsIsHelpError"
"""What the parser raises for a group without a command: its message is the help."""


class ReaderGoneError(BaseException):
    """Nobody reads standard output any more."""


class Terminated(BaseException):
    """SIGTERM arrived; open transactions are rolled back on the way out."""


def catch_termination() -> None:
    """Let SIGTERM unwind the stack instead of killing the process on the spot."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)


def guarded(command: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run ``command`` and return an exit code; everything it raises is told on standard error."""
    try:
        return command()
    except ReaderGoneError:
        return 0
    except Terminated:
        _say("terminated")
        return TERMINATED
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else UNEXPECTED
    except Exception as error:  # noqa: BLE001  (the last line of defence: no traceback reaches a user)
        return tell(error, arguments)


def tell(error: Exception, arguments: Sequence[str]) -> int:
    """Report ``error`` on standard error, as JSON where JSON was asked for, and return its exit code."""
    from etl_models.errors import EtlModelsError
    from etl_models_cli.wanted import wants_json

    if debugging(arguments) and not isinstance(error, EtlModelsError) and not hasattr(error, "format_message"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    code, kind, message, details = _facts(error)
    if type(error).__name__ == _HELP:
        _write(message)
        return code
    if wants_json(arguments):
        import json

        _write(json.dumps({"error": {"type": kind, "message": message, "details": details}}, default=str))
    else:
        from etl_models_cli.style import stderr_palette

        usage = _usage(error)
        _write(f"{usage}{stderr_palette(arguments).red('error:')} {_shown(message)}")
    return code


def debugging(arguments: Sequence[str]) -> bool:
    """Say whether a traceback is wanted."""
    return bool(os.environ.get(DEBUG_VARIABLE)) or "-v" in arguments or "--verbose" in arguments or "-vv" in arguments


def _facts(error: Exception) -> tuple[int, str, str, dict[str, Any]]:
    from etl_models.errors import EtlModelsError

    if isinstance(error, EtlModelsError):
        return error.exit_code, type(error).__name__, error.message, error.details
    if hasattr(error, "format_message"):  # everything the parser raises, whichever release of it
        return int(getattr(error, "exit_code", USAGE)), "UsageError", _short_lines(str(error.format_message())), {}
    if type(error).__name__ == "Abort":
        return INTERRUPTED, "Interrupted", "interrupted", {}
    if isinstance(error, MemoryError):
        return UNEXPECTED, "MemoryError", "there is not enough memory", {}
    return UNEXPECTED, type(error).__name__, _unexpected(error), {}


def _short_lines(message: str) -> str:
    """The parser quotes what it was given, however long."""
    from etl_models.domain.text import short

    return "\n".join(short(line, 500) for line in message.split("\n"))


def _unexpected(error: Exception) -> str:
    """One line; an error of the database layer may quote statements and values, so only its kind is told."""
    from etl_models.domain.redaction import redact
    from etl_models.domain.text import short

    told = "" if type(error).__module__.startswith(("sqlalchemy", "psycopg", "pymysql", "sqlite3")) else str(error)
    first = short(redact(told.strip().partition("\n")[0]), 300)
    return f"unexpected {type(error).__name__}{f': {first}' if first else ''} (set {DEBUG_VARIABLE}=1 to see where)"


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return "Try 'etl-models --help' for help.\n\n" if hasattr(error, "format_message") else ""
    return f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\n\n"


def _shown(message: str) -> str:
    """Escape what could steer a terminal, line by line."""
    from etl_models.domain.text import printable

    return "\n".join(printable(line) for line in message.split("\n"))


def _say(word: str) -> None:
    _write(word)


def _write(text: str) -> None:
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # standard error is closed: nobody is there to be told
        return


def flush(code: int) -> int:
    """Write out what is buffered, quietly when nobody reads it; the interpreter would complain on its way out."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            code = code or UNEXPECTED
    return code
