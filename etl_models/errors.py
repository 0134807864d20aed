"""Every error etl-models raises on purpose: one root, facts as attributes.

::

    EtlModelsError                     exit code 1
    ├── ConfigurationError             3   settings that cannot work (unknown scheme, unreadable secret file)
    ├── InvalidInputError              3   a value the caller passed is not acceptable
    │   └── DefinitionError            3   a definition file has problems; carries all of them
    ├── NotFoundError                  4   the named thing does not exist
    ├── ConflictError                  5   what is stored contradicts the request
    │   ├── DuplicateError             5   a unique name or key is already taken
    │   └── TransitionError            5   the state machine forbids the transition
    ├── AccessDeniedError              6   not authenticated or not allowed
    ├── DatabaseUnavailableError       7   the database cannot be reached, or not in time
    ├── SchemaVersionError             8   a migration is needed, or the schema is newer than this library
    └── CheckFailedError               9   a requested check did not pass

The exit codes are those of the command line; the HTTP face maps the same classes to status codes.
Messages are safe to show: they never hold statement text, bound parameters or secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class EtlModelsError(Exception):
    """Root of every error this library raises on purpose.

    ``message`` is one or more plain sentences for a person; ``details`` holds the same facts for a program
    (JSON values only).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class ConfigurationError(EtlModelsError):
    """A setting is missing, malformed or contradicts another one."""

    exit_code = 3


class InvalidInputError(EtlModelsError):
    """A value is refused; the message says where, what and how to mend it."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition file.

    ``path`` is the path of the value inside the document (``jobs[0].components[1].depends_on[0]``), empty for
    the document itself; ``line`` and ``column`` count from 1 and are None where the source has no positions.
    """

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        where = f"{place}: " if place else ""
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class DefinitionError(InvalidInputError):
    """A definition is refused; ``problems`` holds every reason found, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            problems=[
                {
                    "message": problem.message,
                    "path": problem.path,
                    "file": problem.file,
                    "line": problem.line,
                    "column": problem.column,
                }
                for problem in self.problems
            ],
        )


class NotFoundError(EtlModelsError):
    """What was asked for by name or id does not exist (or is deleted)."""

    exit_code = 4


class ConflictError(EtlModelsError):
    """The request contradicts what is stored."""

    exit_code = 5


class DuplicateError(ConflictError):
    """A unique name or key is already taken."""


class TransitionError(ConflictError):
    """The state machine forbids this transition; nothing was changed."""


class AccessDeniedError(EtlModelsError):
    """The caller is not authenticated, or may not do this."""

    exit_code = 6


class DatabaseUnavailableError(EtlModelsError):
    """The database cannot be reached, is too busy, or did not answer in time."""

    exit_code = 7


class SchemaVersionError(EtlModelsError):
    """The database schema is older or newer than this library can work with."""

    exit_code = 8


class CheckFailedError(EtlModelsError):
    """A check that the caller asked for did not pass."""

    exit_code = 9
