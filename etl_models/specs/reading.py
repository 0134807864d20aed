"""From sources (paths, ``-``, dicts, specs) to raw documents; what cannot be read becomes a problem, not an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, TypeAlias

from etl_models.domain.text import printable
from etl_models.errors import Problem
from etl_models.specs.base import Finding, Spec
from etl_models.specs.folder import definition_files
from etl_models.specs.positions import Path, Place, locate, show
from etl_models.specs.source import FORMATS, STDIN, SourceError, decode, parse, read_file, read_stream, sniff

Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Spec

MAX_TOTAL_BYTES = 64 * 1_048_576


@dataclass(frozen=True)
class RawDocument:
    """One document as parsed: its value, the file it came from, and its problems so far.

    ``order`` numbers the documents of one load; ``places`` is None where there are no positions.
    """

    value: Any
    file: str | None = None
    order: int = 0
    places: Callable[[], Place] | None = None
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def _root(self) -> Place | None:
        return self.places() if self.places is not None else None

    def problem(self, finding: Finding) -> Problem:
        """Return ``finding`` with file, line and column."""
        line, column = self._position(finding.loc, at_key=finding.at_key)
        return Problem(finding.message, show(finding.loc), self.file, line, column)

    def where(self, path: Path) -> str:
        """Name the place of ``path`` for a message about another document."""
        line, _ = self._position(path)
        return ":".join(str(part) for part in (self.file, line) if part is not None) or "another definition"

    def _position(self, path: Path, *, at_key: bool = False) -> tuple[int | None, int | None]:
        return locate(self._root, path, at_key=at_key) if self._root is not None else (None, None)


class Reading:
    """Everything that one load reads: ``documents`` and the ``problems`` of what could not be read."""

    def __init__(self, *, max_bytes: int, stdin: BinaryIO | None) -> None:
        self.documents: list[RawDocument] = []
        self.problems: list[Problem] = []
        self.files = 0
        self._max_bytes = max_bytes
        self._bytes_left = MAX_TOTAL_BYTES
        self._stdin = stdin

    def take(self, sources: Sequence[Source]) -> None:
        """Read ``sources`` in their order."""
        for source in sources:
            if isinstance(source, Mapping | Spec):
                self.documents.append(RawDocument(source, order=len(self.documents)))
            elif os.fspath(source) == "-":
                self._file(STDIN, lambda: read_stream(self._stdin or sys.stdin.buffer, self._max_bytes))
            else:
                self._path(os.fspath(source))

    def _path(self, path: str) -> None:
        for file in self._definition_files(path):
            self._file(file, lambda file=file: read_file(file, self._max_bytes))  # type: ignore[misc]

    def _definition_files(self, path: str) -> Iterator[str]:
        try:
            yield from definition_files(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "the name is not a valid path"
            self._refuse(SourceError(f"cannot be read: {reason}"), path)
        except SourceError as error:
            self._refuse(error, path)

    def _file(self, file: str, read: Callable[[], bytes]) -> None:
        self.files += 1
        try:
            data = read()
            self._account(len(data))
            text = decode(data)
            form = FORMATS.get(os.path.splitext(file)[1].lower()) or sniff(text)  # noqa: PTH122
            self._documents(file, text, form)
        except SourceError as error:
            self._refuse(error, file)

    def _account(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise SourceError(f"is one file too many: all files together hold more than {MAX_TOTAL_BYTES} bytes")

    def _documents(self, file: str, text: str, form: str) -> None:
        found = [parsed for parsed in parse(text, form) if parsed.value not in (None, {}) or parsed.problems]
        if not found:
            raise SourceError("is empty: it defines nothing", 1, 1)
        for parsed in found:
            raw = RawDocument(parsed.value, printable(file), len(self.documents), parsed.places, parsed.problems)
            self.documents.append(raw)

    def _refuse(self, error: SourceError, file: str) -> None:
        self.problems.append(error.problem(printable(file)))
