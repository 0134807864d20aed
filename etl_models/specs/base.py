"""``Spec``, the base of every payload: strict, frozen, and refusing with every reason at once.

Pydantic alone runs the checks *across* fields only when every field is right, and reports an unknown key without
saying which one was meant. A spec looks at the raw mapping first, lets Pydantic validate, and raises one
``pydantic.ValidationError`` that holds the findings of both. None of them holds the value it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, NamedTuple, NoReturn, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from etl_models.domain.jsonvalue import JsonValue
from etl_models.specs import budget
from etl_models.specs.positions import Path
from etl_models.specs.suggest import did_you_mean, quoted
from etl_models.specs.wording import kind_of, sentence

MAX_FINDINGS = 100
"""How many findings one spec reports; a file with more has one fault repeated, or is hostile."""

_FINDING = "definition"
_KEY = "[key]"  # how Pydantic marks that the key is wrong, not its value


class Finding(NamedTuple):
    """One thing wrong at ``loc``, relative to the spec that found it; ``at_key``: with the key, not its value."""

    loc: Path
    message: str
    at_key: bool = False

    def below(self, *steps: str | int) -> Finding:
        """Return the finding as the holder of the spec sees it."""
        return self._replace(loc=(*steps, *self.loc))


def custom_error(message: str, *, at_key: bool = False) -> PydanticCustomError:
    """Return the error that a field validator raises to refuse its value with our own words."""
    return PydanticCustomError(_FINDING, "{message}", {"message": message, "at_key": at_key})


def refuse(title: str, findings: Iterable[Finding]) -> NoReturn:
    """Raise one ``pydantic.ValidationError`` with ``findings``; inside a validator Pydantic adds the path to it."""
    errors: list[InitErrorDetails] = [
        {"type": custom_error(found.message, at_key=found.at_key), "loc": found.loc, "input": None}
        for found in islice(findings, MAX_FINDINGS)
    ]
    raise ValidationError.from_exception_data(title, errors, hide_input=True)


def findings_of(error: ValidationError) -> Iterator[Finding]:
    """Yield what ``error`` holds, in our words."""
    for detail in error.errors(include_url=False):
        loc = tuple(step for step in detail["loc"] if step != _KEY)
        at_key = len(loc) < len(detail["loc"])
        if detail["type"] == _FINDING:
            yield Finding(loc, detail["ctx"]["message"], at_key or detail["ctx"]["at_key"])
        elif detail["type"] == "union_tag_not_found" or detail["type"] == "union_tag_invalid":
            yield Finding((*loc, str(detail["ctx"]["discriminator"]).strip("'")), sentence(detail))
        else:
            yield Finding(loc, sentence(detail), at_key)


def peek(item: object, key: str) -> Any:
    """Read ``key`` of a raw mapping or of a spec; None where there is none."""
    return item.get(key) if isinstance(item, Mapping) else getattr(item, key, None)


class Spec(BaseModel):
    """A part of a definition file. ``None`` for an optional key means: not given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    spellings: ClassVar[Mapping[str, str]] = {}
    """Other spellings of keys, accepted and never written: ``{other: ours}``."""

    shorthand: ClassVar[str | None] = None
    """The key that a bare text in place of the mapping stands for."""

    @classmethod
    def findings(cls, data: Mapping[str, Any]) -> Iterator[Finding]:  # noqa: ARG003
        """Yield what is wrong across the keys of ``data``; it may hold anything, types are checked elsewhere."""
        yield from ()

    @classmethod
    def prepared(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Return ``data`` as Pydantic shall see it; called with our spellings only."""
        return data

    @classmethod
    def relocated(cls, loc: Path) -> Path:
        """Return the path of a value in the file for the path Pydantic gives it."""
        return loc

    def settled(self) -> Self:
        """Return the validated spec in its one canonical form."""
        return self

    def document(self) -> dict[str, JsonValue]:
        """Return the whole spec as JSON, defaults included; equal specs give equal documents."""
        return self.model_dump(mode="json")

    @model_validator(mode="wrap")
    @classmethod
    def _report_everything(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return handler(data)
        if budget.is_spent():
            refuse(cls.__name__, [Finding((), "was not checked: too many problems before it")])
        brief = cls.shorthand is not None and isinstance(data, str)
        given = {cls.shorthand: data} if brief else data
        if not isinstance(given, Mapping):
            wanted = f"the {cls.shorthand} or a mapping" if cls.shorthand else "a mapping"
            refuse(cls.__name__, [Finding((), f"must be {wanted} (key: value), not {kind_of(given)}")])
        spelt = _Spelt(cls, given)
        found = [spelt.as_given(each, brief=brief) for each in islice(cls.findings(spelt.data), MAX_FINDINGS)]
        try:
            spec = handler(cls.prepared(spelt.data))
        except ValidationError as error:
            relocated = (each._replace(loc=cls.relocated(each.loc)) for each in findings_of(error))
            found = [*(spelt.as_given(each, brief=brief) for each in relocated), *found]
        if found or spelt.findings:
            budget.report(len(found) + len(spelt.findings))
            refuse(cls.__name__, [*spelt.findings, *found])
        return spec.settled()


class _Spelt:
    """The keys of one raw mapping: known ones under our spelling, unknown ones as findings."""

    def __init__(self, spec: type[Spec], given: Mapping[Any, Any]) -> None:
        self.findings: list[Finding] = []
        self.data: dict[str, Any] = {}
        self._given_as: dict[str, str] = {}
        fields = spec.model_fields
        unknown: list[str] = []
        for key, value in given.items():
            ours = spec.spellings.get(key, key) if isinstance(key, str) else key
            if ours not in fields:
                unknown.append(key)
            elif ours in self.data:
                self._twice(key, self._given_as.get(ours, ours))
            elif value is not None or fields[ours].is_required():
                self.data[ours] = value
                if ours != key:
                    self._given_as[ours] = key
        self._refuse_unknown(unknown, list(fields), [name for name in fields if not fields[name].exclude])

    def as_given(self, finding: Finding, *, brief: bool) -> Finding:
        """Return ``finding`` with the spelling that the mapping used; ``brief``: there is no mapping, only a text."""
        if brief:
            return Finding((), finding.message)
        if not finding.loc:
            return finding
        first = self._given_as.get(str(finding.loc[0]), finding.loc[0])
        return finding._replace(loc=(first, *finding.loc[1:]))

    def _twice(self, key: str, other: str) -> None:
        message = f"{quoted(key)} is another spelling of {quoted(other)}, which is given too; keep one of them"
        self.findings.append(Finding((key,), message, at_key=True))

    def _refuse_unknown(self, keys: list[Any], known: list[str], advertised: list[str]) -> None:
        for key in keys[:MAX_FINDINGS]:
            if isinstance(key, str):
                meant = did_you_mean(key, (name for name in known if name not in self.data))
                hint = meant or did_you_mean(key, known) or f"; known keys: {', '.join(advertised)}"
                message = f"unknown key {quoted(key)}{hint}"
                self.findings.append(Finding((key,), message, at_key=True))
            else:
                self.findings.append(Finding((), f"keys must be text, not {kind_of(key)}", at_key=True))
