"""One definition file as text: read within limits, decoded, and parsed by the format it has.

Files come from people and from strangers. A size is checked before a byte is parsed, only regular files are
opened, and each parser stops at the limits below, so that no input costs more than a second or much memory.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import BinaryIO, NoReturn

from etl_models.domain.jsonvalue import JsonValue
from etl_models.errors import Problem
from etl_models.specs.positions import Lines, Place

MAX_FILE_BYTES = 1_048_576
MAX_DEPTH = 32
"""Levels of nesting in a file; a definition needs at most 24."""

MAX_NODES = 150_000
"""Keys and values in one file, after aliases are followed; a catalogue of 2,000 jobs has about 120,000."""

MAX_DIGITS = 4_000

FORMATS: dict[str, str] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
STDIN = "<stdin>"


class SourceError(Exception):
    """A file cannot be read at all; it never leaves this package."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def problem(self, file: str | None) -> Problem:
        """Return the error as a problem of ``file``."""
        return Problem(self.message, file=file, line=self.line, column=self.column)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One document of a file: its value, where each part of it stands, and what the parser already refused.

    ``places`` is a function because positions are wanted only when something is wrong.
    """

    value: JsonValue
    places: Callable[[], Place]
    problems: list[Problem] = field(default_factory=list)


def read_file(path: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes; never waits on a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot be read: {_reason(error)}") from None
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SourceError("is not a regular file")
        return read_stream(stream, limit)


def read_stream(stream: BinaryIO, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return what ``stream`` holds, reading at most one byte more than ``limit``."""
    try:
        data = stream.read(limit + 1)
    except OSError as error:
        raise SourceError(f"cannot be read: {_reason(error)}") from None
    if len(data) > limit:
        raise SourceError(f"is larger than {limit} bytes, the limit for a definition file")
    return data


def _reason(error: Exception) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "the name is not a valid path"


def decode(data: bytes) -> str:
    """Return ``data`` as text: UTF-8, with or without a byte order mark, without NUL characters."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise SourceError("is not UTF-8 but UTF-16 or UTF-32; save it as UTF-8", 1, 1)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_at(data[: error.start].decode("utf-8"), f"is not UTF-8: byte 0x{data[error.start]:02X}")
    nul = text.find("\0")
    if nul >= 0:
        _refuse_at(text[:nul], "holds a NUL character")
    return text


def _refuse_at(before: str, message: str) -> NoReturn:
    raise SourceError(message, *Lines(before).at(len(before)))


_TOML_LINE = re.compile(r"""\s*(?:\[|(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*[\w"'-]+)*\s*=)""")
_JSON_START = re.compile(r'\s*\{\s*["}]')


def sniff(text: str) -> str:
    """Guess the format of a text that has no file name."""
    if _JSON_START.match(text):
        return "json"
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return "toml" if _TOML_LINE.match(line) else "yaml"
    return "yaml"


def parse(text: str, form: str) -> list[Parsed]:
    """Return the documents of ``text``; ``form`` is ``yaml``, ``toml`` or ``json``. Raises :class:`SourceError`."""
    # PyYAML and tomllib are loaded only when a file of their format is met.
    parser: Callable[[str], list[Parsed]] = import_module(f"etl_models.specs.{form}_source").parse
    return parser(text)
