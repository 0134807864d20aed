"""Which flights are refused and which are only remarked on.

The rules themselves are written in ``definitions/dataclasses.yaml`` (the ``validation_rules`` of ``raw_flight``);
this module compiles them into checks of a whole table at a time. A rule of severity ``error`` rejects the row, any
other severity lets it pass with a warning. As in JSON Schema, a missing value breaks only a ``required`` rule.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from source import References

Check = Callable[[pd.DataFrame], pd.Series]
"""Takes flights, returns one boolean per row: True where the rule is broken."""


@dataclass(frozen=True)
class Rule:
    """One compiled rule: its name in the definition, what breaking it means, and how to find the rows that do."""

    name: str
    rejects: bool
    broken: Check


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


def compile_rules(validation_rules: Mapping[str, Mapping[str, Any]], references: References) -> tuple[Rule, ...]:
    """Turn the ``validation_rules`` of a dataclass into checks, in the order of the definition.

    Raises:
        KeyError: a rule has a type that this worker does not know, or lacks a key that its type needs.

    """
    return tuple(
        Rule(
            name=name,
            rejects=rule.get("severity", "error") == "error",
            broken=partial(_CHECKS[rule["type"]], rule, references),
        )
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
        names[mask] += f",{name}"
    return names.str.removeprefix(",")


# ----------------------------------------------------------------------------------------- one check per type of rule


def _required(rule: Mapping[str, Any], _: References, flights: pd.DataFrame) -> pd.Series:
    return flights[rule["field"]].isna()


def _range(rule: Mapping[str, Any], _: References, flights: pd.DataFrame) -> pd.Series:
    values = flights[rule["field"]]
    # Comparing with a missing value is False, so a missing value breaks no limit.
    below = values < rule.get("min", float("-inf"))
    above = values > rule.get("max", float("inf"))
    return below | above


def _format(rule: Mapping[str, Any], _: References, flights: pd.DataFrame) -> pd.Series:
    values = flights[rule["field"]]
    return values.notna() & ~values.astype(str).str.contains(rule["pattern"], regex=True)


def _custom(rule: Mapping[str, Any], references: References, flights: pd.DataFrame) -> pd.Series:
    module, _, function = rule["callable"].partition(":")
    holds: pd.Series = getattr(importlib.import_module(module), function)(flights, references)
    return ~holds


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], References, pd.DataFrame], pd.Series]] = {
    "required": _required,
    "range": _range,
    "format": _format,
    "custom": _custom,
}


# -------------------------------------------------------------------- what the definition names as a custom callable


def tailnum_in_planes(flights: pd.DataFrame, references: References) -> pd.Series:
    """True where the aircraft is registered, or no tail number is given."""
    return flights["tailnum"].isna() | flights["tailnum"].isin(references.planes.index)


def dest_in_airports(flights: pd.DataFrame, references: References) -> pd.Series:
    """True where the destination is a known airport."""
    return flights["dest"].isin(references.airports.index)
