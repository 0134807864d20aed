"""JSON values: what every database can keep, and nothing else."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.hashing import content_hash
from etl_models.domain.jsonvalue import MAX_DEPTH, canonical, dumps
from etl_models.domain.vocabulary import StrategyType
from etl_models.errors import InvalidInputError


def test_what_workers_pass_becomes_json() -> None:
    """Dates, ids, paths, enums, sets and numpy scalars become text, numbers and arrays."""
    value = {
        "day": date(2013, 2, 8),
        "at": datetime(2013, 2, 8, tzinfo=UTC),
        "took": timedelta(seconds=90),
        "id": UUID(int=1),
        "path": PurePosixPath("a/b"),
        "price": Decimal("1.10"),
        "how": StrategyType.BULK,
        "names": ("b", "a"),
        "known": {"x"},
        "rows": np.int64(7),
        "share": np.float64(0.5),
        StrategyType.ROW: True,
    }
    assert canonical(value, "parameters") == {
        "day": "2013-02-08",
        "at": "2013-02-08T00:00:00+00:00",
        "took": "PT90S",
        "id": "00000000-0000-0000-0000-000000000001",
        "path": "a/b",
        "price": "1.10",
        "how": "bulk",
        "names": ["b", "a"],
        "known": ["x"],
        "rows": 7,
        "share": 0.5,
        "row": True,
    }


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [1, float("nan")]}, r"parameters\.a\[1\] is nan"),
        ({"a": float("-inf")}, r"parameters\.a is -inf"),
        ({"a": "x\x00"}, r"parameters\.a holds a NUL"),
        ({"a\ud800": 1}, r"a key of parameters holds the lone surrogate"),
        ({1: 2}, "keys must be text"),
        ({"a": b"bytes"}, r"parameters\.a is of type bytes"),
        ({"a": object()}, r"parameters\.a is of type object"),
        ({"a": 2**64}, "beyond 64 bits"),
        (_nested(MAX_DEPTH + 1), "more than 20 levels"),
        (["x" * 1_100_000], "at most"),
    ],
)
def test_values_some_database_would_lose_are_refused_with_their_path(value: Any, reason: str) -> None:
    """NaN, unstorable text, foreign objects, depth and size are refused, saying where."""
    with pytest.raises(InvalidInputError, match=reason):
        canonical(value, "parameters")


def test_the_deepest_allowed_value_passes() -> None:
    """The limit itself is allowed."""
    assert canonical(_nested(MAX_DEPTH), "x") == _nested(MAX_DEPTH)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text("abcé", max_size=3), children, max_size=4)
    ),
    max_leaves=20,
)


@given(_json)
def test_canonical_json_is_equal_stable_and_hashable(value: Any) -> None:
    """Equal in, equal out; canonical again changes nothing; the hash does not depend on the order of keys."""
    once = canonical(value, "x")
    assert once == value
    assert dumps(canonical(once, "x")) == dumps(once)
    assert json.loads(dumps(once)) == once
    shuffled = dict(reversed(list(value.items()))) if isinstance(value, dict) else value
    assert content_hash(canonical(shuffled, "x")) == content_hash(once)
