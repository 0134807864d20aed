"""Load definitions from files, folders, standard input, dicts or specs, with every problem of all of them at once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import BinaryIO, Literal, overload

from pydantic import ValidationError

from etl_models.domain.naming import DEFAULT_NAMESPACE, Reference
from etl_models.errors import DefinitionError, Problem
from etl_models.specs.base import MAX_FINDINGS, Finding, Spec, findings_of, peek
from etl_models.specs.budget import limited
from etl_models.specs.component import ComponentSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.loaded import Loaded, Part
from etl_models.specs.reading import RawDocument, Reading, Source
from etl_models.specs.references import (
    Known,
    Origin,
    defined_elsewhere,
    refused_configurations,
    unknown_dataclasses,
)
from etl_models.specs.shapes import Kind, Shape, shape_of
from etl_models.specs.source import MAX_FILE_BYTES

MAX_PROBLEMS = 200

KnownDataclasses = Callable[[Reference], bool] | Iterable[Reference | str] | None
"""Which dataclasses exist outside the loaded files. None: any may, references are not checked."""


@overload
def load(
    source: Source | Sequence[Source],
    *,
    kind: Literal["document", "job", "dataclass"] = ...,
    known_dataclasses: KnownDataclasses = ...,
    max_bytes: int = ...,
    stdin: BinaryIO | None = ...,
) -> DefinitionDocument: ...
@overload
def load(
    source: Source | Sequence[Source],
    *,
    kind: Literal["component"],
    known_dataclasses: KnownDataclasses = ...,
    max_bytes: int = ...,
    stdin: BinaryIO | None = ...,
) -> ComponentSpec: ...
def load(
    source: Source | Sequence[Source],
    *,
    kind: Kind = "document",
    known_dataclasses: KnownDataclasses = None,
    max_bytes: int = MAX_FILE_BYTES,
    stdin: BinaryIO | None = None,
) -> DefinitionDocument | ComponentSpec:
    """Load one source, or several as if they were one document.

    A source is the path of a file or folder, ``-`` for standard input, a mapping, or a spec. ``kind`` says what is
    wanted: ``document`` takes documents, bare jobs and bare dataclasses; ``job`` and ``dataclass`` want at least
    one of their kind and return it in a document; ``component`` wants one bare component and returns its spec.
    Files above ``max_bytes`` are refused unread.

    Raises :class:`~etl_models.errors.DefinitionError` with every problem of every file.
    """
    return load_with_places(
        source, kind=kind, known_dataclasses=known_dataclasses, max_bytes=max_bytes, stdin=stdin
    ).spec


def load_with_places(
    source: Source | Sequence[Source],
    *,
    kind: Kind = "document",
    known_dataclasses: KnownDataclasses = None,
    max_bytes: int = MAX_FILE_BYTES,
    stdin: BinaryIO | None = None,
) -> Loaded:
    """As :func:`load`; what comes back can also say in which file and line a problem stands that is found later."""
    loading = _load(source, kind, max_bytes, stdin)
    loading.check_kind(kind)
    loading.check_references(known_dataclasses)
    loading.raise_problems()
    return Loaded(loading.components[0] if kind == "component" else loading.merged(), loading.parts())


@dataclass(frozen=True)
class ValidationSummary:
    """What valid files define: how many files were read and how many definitions of each kind they hold."""

    files: int
    dataclasses: int
    jobs: int
    components: int
    metrics: int
    component_types: int


def validate_paths(
    paths: Sequence[Source], *, max_bytes: int = MAX_FILE_BYTES, stdin: BinaryIO | None = None
) -> ValidationSummary:
    """Check files and folders against each other, without a database; bare components may be among them.

    A dataclass that none of them defines is a problem: whether a database knows it cannot be told here.
    Raises :class:`~etl_models.errors.DefinitionError` with every problem of every file.
    """
    loading = _load(paths, "document", max_bytes, stdin)
    loading.check_references(())
    loading.raise_problems()
    document = loading.merged()
    return ValidationSummary(
        files=loading.files,
        dataclasses=len(document.dataclasses),
        jobs=len(document.jobs),
        components=sum(len(job.components) for job in document.jobs) + len(loading.components),
        metrics=len(document.metrics),
        component_types=len(document.component_types),
    )


def _load(source: Source | Sequence[Source], kind: Kind, max_bytes: int, stdin: BinaryIO | None) -> _Loading:
    is_one = isinstance(source, str | os.PathLike | Mapping | Spec)
    reading = Reading(max_bytes=max_bytes, stdin=stdin)
    reading.take([source] if is_one else source)  # type: ignore[list-item, arg-type]
    loading = _Loading(reading.files)
    loading.problems.extend((-1, problem) for problem in reading.problems)
    with limited():
        for raw in reading.documents:
            loading.add(raw, kind)
    return loading


@dataclass
class _Loading:
    """The documents of one load, validated one by one and then against each other."""

    files: int
    documents: list[DefinitionDocument] = field(default_factory=list)
    components: list[ComponentSpec] = field(default_factory=list)
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    _shaped: list[tuple[RawDocument, Shape]] = field(default_factory=list)

    def add(self, raw: RawDocument, kind: Kind) -> None:
        """Validate one raw document by itself."""
        shape = shape_of(raw.value, kind)
        self._shaped.append((raw, shape))
        for problem in raw.problems:
            self.problems.append((raw.order, _with_file(problem, raw.file)))
        if shape.kind == "component" and peek(shape.document, "routes"):
            message = "routes can be read only inside a job; write depends_on on the downstream component"
            self._refuse(raw, shape, Finding(("routes",), message, at_key=True))
        try:
            if shape.kind == "component":
                self.components.append(ComponentSpec.model_validate(shape.document))
            else:
                self.documents.append(DefinitionDocument.model_validate(shape.document))
        except ValidationError as error:
            found = list(findings_of(error))
            for finding in found:
                self._refuse(raw, shape, finding)
            if len(found) >= MAX_FINDINGS:
                problem = Problem("there may be more problems; mend these and check again", file=raw.file)
                self.problems.append((raw.order, problem))

    def check_kind(self, kind: Kind) -> None:
        """Refuse bare definitions of another kind than ``kind``, and input without any of that kind."""
        for raw, shape in self._shaped:
            message = _misplaced(shape.kind, kind)
            if message is not None:
                self._refuse(raw, shape, Finding((), message))
        if self.problems:
            return
        raw, shape = self._shaped[0]
        if kind == "component" and len(self.components) != 1:
            self._refuse(raw, shape, Finding((), f"holds {len(self.components)} components; exactly one is wanted"))
        elif (kind == "job" and not self.merged().jobs) or (kind == "dataclass" and not self.merged().dataclasses):
            self._refuse(raw, shape, Finding((), f"defines no {kind}"))

    def check_references(self, known: KnownDataclasses) -> None:
        """Check the documents against each other."""
        wholes = [(raw, shape) for raw, shape in self._shaped if shape.kind != "component"]
        origins = [
            Origin(shape.document, lambda path, raw=raw, shape=shape: raw.where(_bare(path, shape)))  # type: ignore[misc]
            for raw, shape in wholes
        ]
        found = [defined_elsewhere(origins), refused_configurations(origins)]
        if known is not None:
            found.append(unknown_dataclasses(origins, _as_function(known)))
        with limited():
            for index, finding in chain.from_iterable(islice(each, MAX_PROBLEMS) for each in found):
                self._refuse(*wholes[index], finding)

    def merged(self) -> DefinitionDocument:
        """Return one document with the definitions of all; its namespace is theirs when they agree."""
        if len(self.documents) == 1:
            return self.documents[0]
        namespaces = {document.namespace for document in self.documents}
        return DefinitionDocument.model_construct(
            version=1,
            namespace=namespaces.pop() if len(namespaces) == 1 else DEFAULT_NAMESPACE,
            dataclasses=tuple(item for document in self.documents for item in document.dataclasses),
            jobs=tuple(item for document in self.documents for item in document.jobs),
            metrics=tuple(item for document in self.documents for item in document.metrics),
            component_types=tuple(item for document in self.documents for item in document.component_types),
        )

    def parts(self) -> list[Part]:
        """Return the valid documents (or the bare components) with their sources."""
        documents, components = iter(self.documents), iter(self.components)
        return [
            Part(raw, shape, next(components) if shape.kind == "component" else next(documents))
            for raw, shape in self._shaped
        ]

    def raise_problems(self) -> None:
        """Raise what was found, in the order of the files and of the lines in them."""
        if self.problems:
            raise DefinitionError(list(_sorted(self.problems)))

    def _refuse(self, raw: RawDocument, shape: Shape, finding: Finding) -> None:
        problem = raw.problem(finding._replace(loc=_bare(finding.loc, shape)))
        self.problems.append((raw.order, problem))


_MISPLACED: Mapping[tuple[Kind, Kind], str] = {
    ("component", "document"): "is a component by itself, which belongs to a job: put it under the job's components",
    ("component", "job"): "is a component, not a job",
    ("component", "dataclass"): "is a component, not a dataclass",
    ("dataclass", "job"): "is a dataclass, not a job",
    ("dataclass", "component"): "is a dataclass, not a component",
    ("job", "dataclass"): "is a job, not a dataclass",
    ("job", "component"): "is a job, not a component",
    ("document", "component"): "is not a component: it has no component_type at its top",
}


def _misplaced(found: Kind, wanted: Kind) -> str | None:
    return _MISPLACED.get((found, wanted))


def _bare(path: tuple[str | int, ...], shape: Shape) -> tuple[str | int, ...]:
    """Return a path in the document form of a bare value as a path in the file."""
    length = len(shape.prefix)
    return path[length:] if length and path[:length] == shape.prefix else path


def _as_function(known: Callable[[Reference], bool] | Iterable[Reference | str]) -> Known:
    if callable(known):
        return known
    names = {str(reference) for reference in known}
    return lambda reference: str(reference) in names


def _with_file(problem: Problem, file: str | None) -> Problem:
    return Problem(problem.message, problem.path, file, problem.line, problem.column)


def _sorted(problems: list[tuple[int, Problem]]) -> Iterator[Problem]:
    ordered = sorted(problems, key=lambda item: (item[0], item[1].line or math.inf, item[1].column or math.inf))
    distinct = list(dict.fromkeys(ordered))
    yield from (problem for _, problem in distinct[:MAX_PROBLEMS])
    if len(distinct) > MAX_PROBLEMS:
        yield Problem(f"and {len(distinct) - MAX_PROBLEMS} more problems")
