"""Which flights are refused and which are only remarked on.

The rules themselves are written in ``definitions/dataclasses.yaml`` (the ``validation_rules`` of ``raw_flight``);
this module compiles them into checks of a whole table at a time. A rule of severity ``error`` rejects the row, any
other severity lets it pass with a warning. As in JSON Schema, a missing value breaks only a ``required`` rule.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import pandas as pd

from etl_models.domain.vocabulary import Severity
from etl_models.specs.rule import CustomRule, FormatRule, RangeRule, RequiredRule, RuleSpec
from source import References

Check = Callable[[pd.DataFrame], pd.Series]
"""Takes flights, returns one boolean per row: True where the rule is broken."""


@dataclass(frozen=True)
class Rule:
    """One compiled rule: its name in the definition, what breaking it means, and how to find the rows that do."""

    name: str
    rejects: bool
    broken: Check


class UnknownRuleError(Exception):
    """The definition has a rule that this worker cannot check; better not to start than to leave it out."""


class RejectShareError(Exception):
    """Too many flights of a day were rejected; the facts are attributes, the message is for the history."""

    def __init__(self, day: str, verdict: Verdict, limit: float) -> None:
        self.day = day
        self.rejected = len(verdict.rejected)
        self.total = verdict.total
        self.share = verdict.reject_share
        self.limit = limit
        self.main_rule, self.main_count = verdict.main_rule
        super().__init__(
            f"{day}: {self.rejected} of {self.total} flights rejected, {self.share:.1%} (limit {limit:.0%}); "
            f"mostly {self.main_rule} ({self.main_count})"
        )


@dataclass(frozen=True)
class Verdict:
    """What the rules said about the flights of a day.

    ``accepted`` has the added column ``warnings``, ``rejected`` the added column ``rules``: names of broken rules,
    separated by commas. ``broken_by_rule`` counts the rows that broke each rule, whatever else they broke.
    ``rejected_by_first_rule`` counts each rejected row once, for the first rejecting rule it broke.
    """

    accepted: pd.DataFrame
    rejected: pd.DataFrame
    broken_by_rule: Mapping[str, int]
    rejected_by_first_rule: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many flights were checked."""
        return len(self.accepted) + len(self.rejected)

    @property
    def warned(self) -> int:
        """How many accepted flights carry a warning."""
        return int((self.accepted["warnings"] != "").sum())

    @property
    def reject_share(self) -> float:
        """Rejected flights divided by all; 0.0 for a day without flights."""
        return len(self.rejected) / self.total if self.total else 0.0

    @property
    def main_rule(self) -> tuple[str, int]:
        """The rule that rejected most rows, and how many; ``("", 0)`` when none did."""
        return max(self.rejected_by_first_rule.items(), key=lambda item: item[1], default=("", 0))

    def require_share(self, day: str, limit: float) -> None:
        """Raise RejectShareError when more than ``limit`` of the flights (0.2 is 20 %) were rejected."""
        if self.reject_share > limit:
            raise RejectShareError(day, self, limit)


def compile_rules(validation_rules: Mapping[str, RuleSpec], references: References) -> tuple[Rule, ...]:
    """Turn the ``validation_rules`` of a dataclass into checks, in the order of the definition.

    Raises:
        UnknownRuleError: a rule of a kind that this worker cannot check.

    """
    return tuple(
        Rule(name, rule.severity is Severity.ERROR, _check(name, rule, references))
        for name, rule in validation_rules.items()
    )


def apply_rules(flights: pd.DataFrame, rules: Sequence[Rule]) -> Verdict:
    """Check every flight against every rule; no row is lost: each is either accepted or rejected."""
    broken = {rule.name: rule.broken(flights) for rule in rules}
    rejecting = [rule.name for rule in rules if rule.rejects]
    reasons = _names(flights, {name: broken[name] for name in rejecting})
    warnings = _names(flights, {name: mask for name, mask in broken.items() if name not in rejecting})
    bad = reasons != ""
    first = reasons[bad].str.split(",").str[0].value_counts()
    return Verdict(
        accepted=flights[~bad].assign(warnings=warnings[~bad]),
        rejected=flights[bad].assign(rules=reasons[bad]),
        broken_by_rule={name: int(mask.sum()) for name, mask in broken.items()},
        rejected_by_first_rule={str(name): int(count) for name, count in first.items()},
    )


def _names(flights: pd.DataFrame, broken: Mapping[str, pd.Series]) -> pd.Series:
    """For every row the names of the rules it broke, separated by commas; most rows broke none."""
    names = pd.Series("", index=flights.index, dtype=object)
    for name, mask in broken.items():
        if mask.any():
            names[mask] += f",{name}"
    return names.str.removeprefix(",")


# ------------------------------------------------------------------------------------------ one check per kind of rule


def _check(name: str, rule: RuleSpec, references: References) -> Check:
    match rule:
        case RequiredRule(field=str(field)):
            return lambda flights: flights[field].isna()
        case RangeRule(field=str(field), min=low, max=high):
            return lambda flights: _outside(flights[field], low, high)
        case FormatRule(field=str(field), pattern=pattern):
            return lambda flights: _unlike(flights[field], pattern)
        case CustomRule(callable=place):
            holds = _function(place)
            return lambda flights: ~holds(flights, references)
        case _:
            raise UnknownRuleError(f"rule {name!r}: this worker cannot check such a rule (type {rule.type})")


def _outside(values: pd.Series, low: float | None, high: float | None) -> pd.Series:
    # Comparing with a missing value is False, so a missing value breaks no limit.
    return (values < (-inf if low is None else low)) | (values > (inf if high is None else high))


def _unlike(values: pd.Series, pattern: str) -> pd.Series:
    return values.notna() & ~values.astype(str).str.contains(pattern, regex=True)


def _function(place: str) -> Callable[[pd.DataFrame, References], pd.Series]:
    """Import what a custom rule names, ``module:function``; it returns True for the rows that keep the rule."""
    module, _, function = place.partition(":")
    found: Callable[[pd.DataFrame, References], pd.Series] = getattr(importlib.import_module(module), function)
    return found


# -------------------------------------------------------------------- what the definition names as a custom callable


def tailnum_in_planes(flights: pd.DataFrame, references: References) -> pd.Series:
    """True where the aircraft is registered, or no tail number is given."""
    return flights["tailnum"].isna() | flights["tailnum"].isin(references.planes.index)


def dest_in_airports(flights: pd.DataFrame, references: References) -> pd.Series:
    """True where the destination is a known airport."""
    return flights["dest"].isin(references.airports.index)
