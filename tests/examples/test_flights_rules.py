"""What the rules of the flights example do with real flights."""

from __future__ import annotations

import pandas as pd
import pytest

from definition import Definition
from etl_models.specs.rule import UniqueRule
from rules import RejectShareError, Rule, UnknownRuleError, apply_rules, compile_rules
from source import Source


def flight(year: Source, **changes: object) -> pd.DataFrame:
    """One real, faultless flight (the first of 2013), with some values changed."""
    return year.flights("2013-01-01").head(1).assign(**changes)


def broken(flights: pd.DataFrame, rules: tuple[Rule, ...]) -> set[str]:
    return {name for name, count in apply_rules(flights, rules).broken_by_rule.items() if count}


def test_a_faultless_flight_breaks_no_rule(year: Source, rules: tuple[Rule, ...]) -> None:
    """The first flight of 2013 is accepted without a warning."""
    verdict = apply_rules(flight(year), rules)
    assert (len(verdict.accepted), len(verdict.rejected), verdict.warned) == (1, 0, 0)
    assert verdict.main_rule == ("", 0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"dep_time": float("nan")}, "dep_time_missing"),
        ({"arr_time": float("nan")}, "arr_time_missing"),
        ({"air_time": float("nan")}, "air_time_missing"),
        ({"tailnum": None}, "tailnum_missing"),
        ({"arr_delay": 901.0}, "arr_delay_above_900"),
    ],
)
def test_each_rejecting_rule_rejects(
    year: Source, rules: tuple[Rule, ...], changes: dict[str, object], rule: str
) -> None:
    """One fault is enough to be rejected, and the row says which."""
    verdict = apply_rules(flight(year, **changes), rules)
    assert len(verdict.accepted) == 0
    assert verdict.rejected["rules"].tolist() == [rule]
    assert verdict.main_rule == (rule, 1)


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({"tailnum": "N00000"}, "tailnum_not_in_planes"),
        ({"dest": "SJU"}, "dest_not_in_airports"),
        ({"dep_time": 2400.0}, "dep_time_2400"),
        ({"dep_delay": 601.0}, "dep_delay_out_of_range"),
        ({"dep_delay": -31.0}, "dep_delay_out_of_range"),
        ({"tailnum": "D942DN"}, "tailnum_not_in_planes,tailnum_format_odd"),
        ({"tailnum": "n14228", "dest": "XXX"}, "tailnum_not_in_planes,dest_not_in_airports,tailnum_format_odd"),
    ],
)
def test_each_warning_rule_lets_the_row_pass(
    year: Source, rules: tuple[Rule, ...], changes: dict[str, object], warnings: str
) -> None:
    """A warned row is accepted and carries the names of the rules, in the order of the definition."""
    verdict = apply_rules(flight(year, **changes), rules)
    assert len(verdict.rejected) == 0
    assert verdict.warned == 1
    assert verdict.accepted["warnings"].tolist() == [warnings]


@pytest.mark.parametrize(
    "changes", [{"arr_delay": 900.0}, {"dep_delay": -30.0}, {"dep_delay": 600.0}, {"dep_time": 2359.0}]
)
def test_limits_are_inside(year: Source, rules: tuple[Rule, ...], changes: dict[str, object]) -> None:
    """A value that equals its limit breaks nothing."""
    assert broken(flight(year, **changes), rules) == set()


def test_a_missing_value_breaks_only_required_rules(year: Source, rules: tuple[Rule, ...]) -> None:
    """A flight that never left is not also blamed for its delays or the format of its tail number."""
    cancelled = flight(
        year, dep_time=float("nan"), dep_delay=float("nan"), arr_time=float("nan"), arr_delay=float("nan"),
        air_time=float("nan"), tailnum=None,
    )  # fmt: skip
    assert broken(cancelled, rules) == {"dep_time_missing", "arr_time_missing", "air_time_missing", "tailnum_missing"}
    assert apply_rules(cancelled, rules).rejected_by_first_rule == {"dep_time_missing": 1}


def test_a_day_without_flights_has_nothing_to_reject(year: Source, rules: tuple[Rule, ...]) -> None:
    """An empty day has a reject share of zero and passes."""
    verdict = apply_rules(year.flights("2013-01-01").head(0), rules)
    assert (verdict.total, verdict.warned, verdict.reject_share) == (0, 0, 0.0)
    verdict.require_share("2013-01-01", 0.2)


def test_too_many_rejects_fail_the_day_and_say_why(year: Source, rules: tuple[Rule, ...]) -> None:
    """The error of the February snowstorm names day, rejected, total, share, limit and the main rule."""
    verdict = apply_rules(year.flights("2013-02-08"), rules)
    with pytest.raises(RejectShareError) as caught:
        verdict.require_share("2013-02-08", 0.2)
    assert str(caught.value) == (
        "2013-02-08: 475 of 930 flights rejected, 51.1% (limit 20%); mostly dep_time_missing (472)"
    )
    error = caught.value
    assert (error.day, error.rejected, error.total, error.limit) == ("2013-02-08", 475, 930, 0.2)
    assert (error.main_rule, error.main_count) == ("dep_time_missing", 472)


def test_a_share_of_exactly_the_limit_passes(year: Source, rules: tuple[Rule, ...]) -> None:
    """Only a share above the limit fails the day."""
    verdict = apply_rules(year.flights("2013-02-08"), rules)
    verdict.require_share("2013-02-08", 475 / 930)
    with pytest.raises(RejectShareError):
        verdict.require_share("2013-02-08", 475 / 930 - 1e-9)


def test_the_definition_says_the_rules_of_the_example(definition: Definition) -> None:
    """The registered rules, compiled by the worker, are the five that reject and the five that warn."""
    severity = {name: rule.severity for name, rule in definition.validation_rules.items()}
    assert [name for name, word in severity.items() if word == "error"] == [
        "dep_time_missing", "arr_time_missing", "air_time_missing", "tailnum_missing", "arr_delay_above_900",
    ]  # fmt: skip
    assert [name for name, word in severity.items() if word == "warning"] == [
        "tailnum_not_in_planes", "dest_not_in_airports", "dep_time_2400", "dep_delay_out_of_range",
        "tailnum_format_odd",
    ]  # fmt: skip
    assert definition.max_reject_share == pytest.approx(0.2)


def test_a_changed_threshold_changes_what_runs(year: Source, definition: Definition) -> None:
    """The worker has no thresholds of its own: those of the definition decide."""
    changed = dict(definition.validation_rules)
    changed["arr_delay_above_900"] = changed["arr_delay_above_900"].model_copy(update={"max": 10})
    late = flight(year)
    assert late["arr_delay"].tolist() == [11.0]
    assert broken(late, compile_rules(changed, year.references)) == {"arr_delay_above_900"}


def test_a_rule_the_worker_cannot_check_is_refused(year: Source) -> None:
    """Such a rule is an error when the worker starts, never a rule silently left out."""
    unique = UniqueRule.model_validate({"type": "unique", "field": "tailnum"})
    with pytest.raises(UnknownRuleError, match="'once'"):
        compile_rules({"once": unique}, year.references)
