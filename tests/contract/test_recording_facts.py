"""Samples, datasets and tags: kept exactly, kept once."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from etl_models.database import Database
from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.vocabulary import DataDirection
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.models.dataset import Dataset, DatasetUse
from etl_models.models.metric import MetricSample
from etl_models.operations.recording.dataset_names import parse_dataset
from etl_models.operations.recording.facts import record_datasets, record_facts, record_samples, tag_execution
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.values import Facts, Sample, Use
from tests.support.recording import Story, at, count

pytestmark = pytest.mark.contract

NUMBERS: dict[str, Any] = {
    "zero": 0.0,
    "one": 1,
    "tenths": 0.1 + 0.2,
    "negative": -842,
    "true": True,
    "largest": 1.7976931348623157e308,
    "smallest": -1.7976931348623157e308,
    "tiny": 5e-324,
    "tiny-negative": -5e-324,
    "normal": 2.2250738585072014e-308,
    "pi": math.pi,
    "two-to-53": 2**53,
    "two-to-53-minus": 2**53 - 1,
    "two-to-60": 2**60,
    "big-even": 2**63,
    "decimal": Decimal("12.5"),
    "half": np.float32(0.5),
    "int64": np.int64(7),
    "epsilon": 1 + 2**-52,
    "nan": math.nan,
    "inf": math.inf,
    "minus-inf": -math.inf,
    "np-nan": np.float64("nan"),
    "decimal-nan": Decimal("NaN"),
    "decimal-inf": Decimal("-Infinity"),
}


def samples(*numbers: tuple[str, Any], start: int = 1) -> list[Sample]:
    """Samples a microsecond apart."""
    return [
        measure(name, value, sequence=start + index, recorded_at=at(0) + timedelta(microseconds=start + index))
        for index, (name, value) in enumerate(numbers)
    ]


def _stored(session: Any) -> dict[str, tuple[float | None, Any]]:
    table = table_of(MetricSample)
    rows = session.execute(sa.select(table.c.name, table.c.value, table.c.special))
    return {row.name: (row.value, row.special) for row in rows}


def test_numbers_come_back_to_the_last_bit(executor: Any) -> None:
    """Every double is kept exactly on every database; NaN and the infinities are kept beside them."""
    story = Story(executor)
    started = story.start()
    assert executor.run(record_samples, started.execution_id, samples(*NUMBERS.items())) == len(NUMBERS)
    stored = executor.read(_stored)
    for name, number in NUMBERS.items():
        value, special = stored[name]
        wanted = float(number)
        if math.isfinite(wanted):
            assert value is not None
            assert (value.hex(), special) == (wanted.hex(), None), name
        else:
            assert (value, str(special)) == (None, {math.inf: "inf", -math.inf: "-inf"}.get(wanted, "nan")), name
    metrics = story.read(started.execution_id).metrics
    assert (metrics["nan"], metrics["inf"], metrics["minus-inf"], metrics["one"]) == ("nan", "inf", "-inf", 1)


def test_negative_zero_becomes_zero_everywhere(executor: Any) -> None:
    """SQLite keeps no sign of zero, so no database does."""
    started = Story(executor).start()
    executor.run(record_samples, started.execution_id, samples(("zero", -0.0)))
    value, _ = executor.read(_stored)["zero"]
    assert value is not None
    assert math.copysign(1, value) == 1


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, -(2**60) - 1, 10**300 + 1, np.int64(2**62 + 1)])
@pytest.mark.database("sqlite")
def test_an_integer_without_a_double_is_rounded_aloud(number: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The nearest double is recorded, and a warning tells both numbers; losing the sample would be worse."""
    with caplog.at_level(logging.WARNING, "etl_models.recorder"):
        (sample,) = samples(("rows", number))
    assert sample.value == float(number)
    assert f"{int(number)} has no exact counterpart" in caplog.text
    assert str(int(float(number))) in caplog.text


@pytest.mark.parametrize("value", ["1", None, 1j, b"1", [1], object(), np.array([1, 2]), 10**400, -(10**309)])
@pytest.mark.database("sqlite")
def test_what_is_no_number_is_refused(value: Any) -> None:
    """Text is not read as a number, and nothing is rounded to infinity."""
    with pytest.raises(InvalidInputError, match="metric rows"):
        samples(("rows", value))


def test_the_same_samples_again_are_not_doubled(executor: Any) -> None:
    """A unit that is run again finds its own samples, of the attempt and of a component."""
    story = Story(executor)
    started = story.start()
    component = story.start_component(started.execution_id, "extract")
    batch = samples(*(("rows", number) for number in range(2500)))
    for owner in (None, component.id):
        given = {"component_execution_id": owner}
        assert executor.run(record_samples, started.execution_id, batch, **given) == 2500
        assert executor.run(record_samples, started.execution_id, batch, **given) == 0
    assert count(executor, MetricSample) == 5000
    read = story.read(started.execution_id)
    assert read.metrics == {"rows": 2499}
    assert read.components[0].metrics == {"rows": 2499}


def test_the_newest_sample_is_the_one_with_the_largest_sequence(executor: Any) -> None:
    """Whatever order they arrive in."""
    story = Story(executor)
    started = story.start()
    for start, value in ((20, 2), (30, 3), (10, 1)):
        executor.run(record_samples, started.execution_id, samples(("rows", value), start=start))
    assert story.read(started.execution_id).metrics == {"rows": 3}


def test_samples_of_a_component_of_another_attempt_are_refused(executor: Any) -> None:
    """A number belongs where it was measured."""
    story = Story(executor)
    one, two = story.start(), story.start()
    component = story.start_component(two.execution_id, "extract")
    with pytest.raises(NotFoundError):
        executor.run(record_samples, one.execution_id, samples(("rows", 1)), component_execution_id=component.id)
    with pytest.raises(NotFoundError):
        executor.run(record_samples, uuid7(), samples(("rows", 1)))


# ------------------------------------------------------------------------------------------------------------- datasets


def uses(*names: str, direction: DataDirection = DataDirection.INPUT) -> list[Use]:
    """Uses of datasets."""
    return [Use(parse_dataset(name), direction) for name in names]


def test_datasets_are_noted_once_and_shared(executor: Any) -> None:
    """The same dataset in two executions is one dataset; noted twice in one place it is one use."""
    story = Story(executor)
    one, two = story.start(), story.start()
    component = story.start_component(one.execution_id, "extract")
    for _ in range(2):
        for execution, owner in ((one, None), (one, component.id), (two, None)):
            given = {"occurred_at": at(5), "component_execution_id": owner}
            executor.run(record_datasets, execution.execution_id, uses("s3://b/a", "w/t", "s3://b/a"), **given)
    executor.run(record_datasets, one.execution_id, uses("w/t", direction=DataDirection.OUTPUT), occurred_at=at(6))
    assert (count(executor, Dataset), count(executor, DatasetUse)) == (2, 7)
    read = story.read(one.execution_id)
    assert {(use.namespace, use.name, use.component) for use in read.inputs} == {
        ("s3://b", "a", None),
        ("s3://b", "a", "extract"),
        ("w", "t", None),
        ("w", "t", "extract"),
    }
    assert [(use.namespace, use.name, use.component) for use in read.outputs] == [("w", "t", None)]


def test_two_units_that_need_the_same_new_datasets_get_them(migrated_url: str) -> None:
    """Made at once, in opposite orders: one of each, and nobody fails."""
    workers, rounds = 4, 10
    gate = threading.Barrier(workers)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with Database(migrated_url) as database:
                started = Story(database).start()
                for round_ in range(rounds):
                    names = [f"race/{round_}-{index}" for index in range(5)]
                    gate.wait(30)
                    chosen = uses(*(reversed(names) if number % 2 else names))
                    database.run(record_datasets, started.execution_id, chosen, occurred_at=at(1))
        except BaseException as error:  # noqa: BLE001 - reported by the test
            problems.append(error)
            gate.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with Database(migrated_url) as database:
        assert count(database, Dataset) == rounds * 5
        assert count(database, DatasetUse) == rounds * 5 * workers


# ----------------------------------------------------------------------------------------------------------------- tags


def test_a_tag_has_one_value_the_last(executor: Any) -> None:
    """Tags add up; a key that is there gets the new value."""
    story = Story(executor)
    started = story.start(tags={"team": "ops", "daily": None})
    executor.run(tag_execution, started.execution_id, {"team": "data", "day": "monday"})
    executor.run(tag_execution, started.execution_id, "late")
    executor.run(tag_execution, started.execution_id, ["late", {"daily": "yes"}])
    assert story.read(started.execution_id).tags == {"daily": "yes", "day": "monday", "late": None, "team": "data"}


def test_tag_keys_differ_by_case_and_accent(executor: Any) -> None:
    """Keys are compared byte by byte on every database."""
    started = Story(executor).start(tags={"Team": "1", "team": "2", "téam": "3"})
    executor.run(tag_execution, started.execution_id, {"TEAM": "4", "team": "5"})
    tags = Story(executor).read(started.execution_id).tags
    assert tags == {"TEAM": "4", "Team": "1", "team": "5", "téam": "3"}


def test_all_facts_go_in_one_unit(executor: Any) -> None:
    """Samples, datasets and tags together, and all of them or none."""
    story = Story(executor)
    started = story.start()
    facts = Facts(tuple(samples(("rows", 1))), tuple(uses("w/t")), {"a": "b"})
    executor.run(record_facts, started.execution_id, facts, occurred_at=at(3))
    read = story.read(started.execution_id)
    assert (read.metrics, len(read.inputs), read.tags) == ({"rows": 1}, 1, {"a": "b"})
    broken = Facts(tuple(samples(("more", 1))), (), {"k": "v" * 300})
    refused: Callable[[], Any] = lambda: executor.run(record_facts, started.execution_id, broken, occurred_at=at(4))  # noqa: E731
    if executor.target.dialect.name == "sqlite":
        return  # it has no limit of lengths; what could be too long is refused before it gets here
    with pytest.raises(InvalidInputError):
        refused()
    assert story.read(started.execution_id).metrics == {"rows": 1}
