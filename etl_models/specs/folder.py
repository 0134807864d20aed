"""Which files a path stands for: itself, or every definition file below a folder, sorted."""

from __future__ import annotations

import os
from collections.abc import Iterator

from etl_models.specs.source import FORMATS, SourceError

MAX_FILES = 10_000


def definition_files(path: str) -> Iterator[str]:
    """Yield ``path``, or the definition files below it when it is a folder; hidden files and folders are left out.

    Raises :class:`SourceError` for a folder that leads back into itself, one without definition files, and one
    with more than ``MAX_FILES`` of them.
    """
    if not os.path.isdir(path):  # noqa: PTH112  (what people type, kept as they typed it for messages)
        yield path
        return
    count = 0
    for count, file in enumerate(_below(path, ()), start=1):
        if count > MAX_FILES:
            raise SourceError(f"holds more than {MAX_FILES} definition files")
        yield file
    if count == 0:
        raise SourceError(f"holds no definition files ({', '.join('*' + suffix for suffix in FORMATS)})")


def _below(folder: str, parents: tuple[tuple[int, int], ...]) -> Iterator[str]:
    status = os.stat(folder)  # noqa: PTH116
    here = (status.st_dev, status.st_ino)
    if here in parents:
        raise SourceError("is a folder that leads back into itself")
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _below(entry.path, (*parents, here))
            elif os.path.splitext(entry.name)[1].lower() in FORMATS:  # noqa: PTH122
                yield entry.path
