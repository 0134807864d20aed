"""What was loaded, and where it stands: some problems show only later, when a database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from etl_models.errors import DefinitionError, Problem
from etl_models.specs.base import Finding
from etl_models.specs.component import ComponentSpec
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.positions import Path, show
from etl_models.specs.reading import RawDocument
from etl_models.specs.shapes import Shape


@dataclass(frozen=True, slots=True)
class LaterProblem(Problem):
    """A problem of a spec whose source is not at hand; ``finding`` has its place, relative to the spec."""

    finding: Finding | None = None

    @classmethod
    def of(cls, finding: Finding) -> LaterProblem:
        """Return ``finding`` as a problem without file and line."""
        return cls(finding.message, path=show(finding.loc), finding=finding)


class Part(NamedTuple):
    """One loaded document: as it was read, what it is, and its spec."""

    raw: RawDocument
    shape: Shape
    spec: DefinitionDocument | ComponentSpec

    def problem(self, finding: Finding) -> Problem:
        """Return ``finding``, of this document, with file, line and column; a bare value is its own top."""
        length = len(self.shape.prefix)
        bare = length and finding.loc[:length] == self.shape.prefix
        return self.raw.problem(finding._replace(loc=finding.loc[length:]) if bare else finding)


@dataclass(frozen=True)
class Loaded:
    """``spec`` is a document (of all parts together) or a bare component."""

    spec: DefinitionDocument | ComponentSpec
    parts: Sequence[Part]

    @property
    def document(self) -> DefinitionDocument:
        """The document."""
        assert isinstance(self.spec, DefinitionDocument)
        return self.spec

    @property
    def component(self) -> ComponentSpec:
        """The bare component."""
        assert isinstance(self.spec, ComponentSpec)
        return self.spec

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Give the later problems of a DefinitionError that is raised inside their file, line and column."""
        try:
            yield
        except DefinitionError as error:
            raise DefinitionError([self._placed(problem) for problem in error.problems]) from None

    def _placed(self, problem: Problem) -> Problem:
        finding = problem.finding if isinstance(problem, LaterProblem) else None
        if finding is None:
            return problem
        if isinstance(self.spec, ComponentSpec):
            return self.parts[0].problem(finding)
        return self._in_its_part(finding) or problem

    def _in_its_part(self, finding: Finding) -> Problem | None:
        """Find the part whose list holds the definition; in the whole the lists of all parts follow each other."""
        match finding.loc:
            case (str(key), int(index), *rest):
                for part in self.parts:
                    count = len(getattr(part.spec, key))
                    if index < count:
                        return part.problem(finding._replace(loc=(key, index, *rest)))
                    index -= count
        return None


def below(finding: Finding, prefix: Path) -> Finding:
    """Return ``finding`` relative to what stands at ``prefix``, if it is there or below."""
    length = len(prefix)
    return finding._replace(loc=finding.loc[length:]) if finding.loc[:length] == prefix else finding
