"""JSON in definitions: numbers, nesting and sizes come back as they were, so that nothing seems changed later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_models.errors import DefinitionError
from etl_models.store import Store
from tests.support.definitions import Document

pytestmark = pytest.mark.contract

NUMBERS: list[Any] = [
    0,
    -0.0,
    1,
    1.0,
    -1,
    0.1,
    1 / 3,
    1e-7,
    5e-324,
    1.7976931348623157e308,
    1e15,
    1e16,
    1e20,
    1e21,
    123456789012345680000.0,
    2**53 - 1,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    float(2**53),
    float(2**63),
    float(2**64),
    True,
    False,
    None,
]


def job_with(configuration: Any) -> Document:
    """A job of one component with this configuration."""
    component = {"name": "c", "component_type": "t", "configuration": configuration}
    return {"namespace": "values", "jobs": [{"name": "job", "components": [component]}]}


def test_numbers_are_what_they_were(store: Store) -> None:
    """Every number is read back equal, and registering it again, or its export, changes nothing."""
    document = job_with({"numbers": NUMBERS})
    store.catalog.apply(document)
    found = store.catalog.components.get("c", job="values/job").configuration["numbers"]
    assert found == NUMBERS
    assert [type(value) for value in found if isinstance(value, bool) or value is None] == [bool, bool, type(None)]
    assert not store.catalog.apply(document).changed
    assert not store.catalog.apply(store.catalog.jobs.export("values/job")).changed
    for version in store.catalog.jobs.history("values/job").items:
        assert version.document["components"][0]["configuration"]["numbers"] == NUMBERS


def test_the_hash_is_the_same_on_every_database(store: Store) -> None:
    """It is of the document alone. If it changes with a release, every job seems changed after an upgrade."""
    store.catalog.apply({"namespace": "values", "jobs": [{"name": "job", "tags": ["a", {"b": "é"}]}]})
    assert store.catalog.jobs.get("values/job").content_hash == (
        "sha256:93144081c19b03b86cec163b6834d82373fe6b5c1f335c7bb04c27eb9c381c31"
    )


def test_the_order_of_lists_counts_and_that_of_keys_does_not(store: Store) -> None:
    """Keys are read back sorted; a list in another order is another configuration."""
    store.catalog.apply(job_with({"b": 1, "a": {"z": [3, 1, 2], "y": {}}, "é": [], "aa": ""}))
    assert not store.catalog.apply(job_with({"aa": "", "é": [], "a": {"y": {}, "z": [3, 1, 2]}, "b": 1})).changed
    found = store.catalog.components.get("c", job="values/job").configuration
    assert json.dumps(found) == json.dumps({"a": {"y": {}, "z": [3, 1, 2]}, "aa": "", "b": 1, "é": []})
    assert store.catalog.apply(job_with({"b": 1, "a": {"z": [1, 2, 3], "y": {}}, "é": [], "aa": ""})).changed


def test_deep_and_large_values_are_kept_up_to_the_limit(store: Store) -> None:
    """16 levels and hundreds of kilobytes come back; a job beyond 1 MB is refused with its path."""
    deep: Any = "bottom"
    for _ in range(15):
        deep = {"d": deep}
    large = job_with({"deep": deep, "text": "é" * 200_000})
    store.catalog.apply(large)
    found = store.catalog.components.get("c", job="values/job").configuration
    assert found == {"deep": deep, "text": "é" * 200_000}
    assert not store.catalog.apply(large).changed
    too_large = large["jobs"][0]
    too_large["components"] = [
        {"name": f"c{number}", "component_type": "t", "configuration": {"text": "x" * 400_000}} for number in range(3)
    ]
    with pytest.raises(DefinitionError, match=r"jobs\[0\]: is \d+ bytes of JSON; at most 1048576 are allowed"):
        store.catalog.apply(large)
