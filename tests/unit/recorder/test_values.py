"""What workers hand over, before it goes anywhere: dataset names, tags, parameters, errors, numbers."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.redaction import MASK
from etl_models.errors import InvalidInputError
from etl_models.operations.recording.cleaning import (
    check_job,
    check_parameters,
    check_tags,
    recorded_name,
    recorded_text,
)
from etl_models.operations.recording.dataset_names import parse_dataset
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.values import Failure
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.tolerance import tolerant_parameters

NOW = datetime(2013, 1, 1, tzinfo=UTC)

DATASETS = [
    ("s3://bucket/path/key.csv", "s3://bucket", "path/key.csv"),
    ("s3a://bucket/key", "s3://bucket", "key"),
    ("S3://Bucket/Key", "s3://Bucket", "Key"),
    ("gs://bucket/key", "gs://bucket", "key"),
    ("abfss://container@account.dfs.core.windows.net/key", "abfss://account.dfs.core.windows.net", "key"),
    ("hdfs://node:8020/user/hive/t1", "hdfs://node:8020", "/user/hive/t1"),
    ("file:///data/flights.csv", "file", "/data/flights.csv"),
    ("file://localhost/data/flights.csv", "file", "/data/flights.csv"),
    ("file://server/share/x", "file://server", "/share/x"),
    ("/data/flights.csv", "file", "/data/flights.csv"),
    ("postgresql://db.example.com/shop.public.orders", "postgres://db.example.com:5432", "shop.public.orders"),
    ("postgresql+psycopg://u:p@DB:5433/shop.public.orders", "postgres://db:5433", "shop.public.orders"),
    ("mysql://db/shop.orders", "mysql://db:3306", "shop.orders"),
    ("https://example.com/a/b.csv?token=x#y", "https://example.com", "/a/b.csv"),
    ("bigquery:///project.dataset.table", "bigquery", "project.dataset.table"),
    ("warehouse/raw_flight", "warehouse", "raw_flight"),
    ("shop/orders/2026-01-05.csv", "shop", "orders/2026-01-05.csv"),
    ("orders", "default", "orders"),
    ("cafe\u0301/x", "café", "x"),
    ("s3://AKIAIOSFODNN7EXAMPLE:secret@bucket/key?X-Amz-Signature=abc", "s3://bucket", "key"),
]


@pytest.mark.parametrize(("reference", "namespace", "name"), DATASETS)
def test_datasets_are_named_after_their_source(reference: str, namespace: str, name: str) -> None:
    """As OpenLineage names them, so that lineage from other tools meets ours."""
    assert parse_dataset(reference) == (namespace, name)


def test_paths_are_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative one counts from the current directory."""
    monkeypatch.chdir(tmp_path)
    assert parse_dataset(Path("/data/x.csv")) == ("file", "/data/x.csv")
    assert parse_dataset(Path("x/../y.csv")) == ("file", f"{tmp_path.resolve().as_posix()}/y.csv")


@pytest.mark.parametrize(
    "reference", ["", "a/", "s3://bucket", "s3://bucket/", "x" * 501, "a\nb", "s3://b/\x00", " ", 5, None, b"x", "a/ "]
)
def test_what_cannot_be_a_dataset_is_refused(reference: Any) -> None:
    """Nothing left for the name, too long, or characters that names may not hold."""
    with pytest.raises(InvalidInputError):
        parse_dataset(reference)


@given(st.text(max_size=700))
def test_any_text_is_a_dataset_or_refused(text: str) -> None:
    """Never anything else; what is accepted fits the columns."""
    try:
        found = parse_dataset(text)
    except InvalidInputError:
        return
    assert 1 <= len(found.namespace) <= 255
    assert 1 <= len(found.name) <= 500


class Team(Enum):
    """Tag values may be enumerations."""

    OPS = "ops"


def test_tags_are_read_in_every_shape() -> None:
    """Mappings, lists and single words; scalars are written as text."""
    assert check_tags(None) == check_tags({}) == check_tags([]) == {}
    assert check_tags("daily") == {"daily": ""}
    assert check_tags(["daily", {"team": "ops", "size": 3}]) == {"daily": "", "team": "ops", "size": "3"}
    known = uuid.UUID(int=7)
    given_ = {"a": True, "b": None, "c": 1.5, "d": Team.OPS, "e": date(2013, 1, 1), "f": known, "g": Decimal("0.1")}
    assert check_tags(given_) == {
        "a": "true", "b": "", "c": "1.5", "d": "ops", "e": "2013-01-01", "f": str(known), "g": "0.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "tags", [5, [5], {5: "x"}, {"a=b": "x"}, {"a": "\n"}, {"a": object()}, {"": "x"}, {"a": "x" * 256}]
)
def test_what_cannot_be_a_tag_is_refused(tags: Any) -> None:
    """With an error of ours."""
    with pytest.raises(InvalidInputError):
        check_tags(tags)


def test_parameters_hold_no_secrets_in_keys_or_values() -> None:
    """By the name of a key, by the shape of a text, at any depth."""
    found = check_parameters({"password": "x", "a": [{"dsn": "mysql://u:pw1@h/d"}], "token=abcdef": 1, "rows": 3})
    assert found == {"password": MASK, "a": [{"dsn": f"mysql://u:{MASK}@h/d"}], f"token={MASK}": 1, "rows": 3}


class Rude:
    """An object whose methods raise."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __str__ = __iter__ = __len__ = __float__ = __repr__


def test_parameters_survive_what_json_cannot_hold(caplog: pytest.LogCaptureFixture) -> None:
    """What can be kept is kept, the rest is described, and the mistake is told once."""
    ledger = Ledger(strict=False)
    deep: Any = "end"
    for _ in range(30):
        deep = [deep]
    given_ = {
        "nan": float("nan"), "nul": "a\x00b", "object": Rude(), "bytes": b"secret", "big": 2**70, "deep": deep,
        "list": [float("inf"), {1, 2}], 5: "number as key", "fine": "x",
    }  # fmt: skip
    with caplog.at_level(logging.WARNING, "etl_models.recorder"):
        found = tolerant_parameters(ledger, given_)
    assert found["nan"] == "nan"
    assert found["nul"] == "a\N{REPLACEMENT CHARACTER}b"
    assert (found["object"], found["bytes"]) == ("<Rude>", "<bytes>")
    assert (found["big"], found["fine"], found["5"]) == (str(2**70), "x", "number as key")
    assert found["list"] == ["inf", [1, 2]]
    assert "nested too deep" in repr(found["deep"])
    assert (ledger.dropped, len(caplog.records)) == (1, 1)


@pytest.mark.parametrize("given_", [5, "text", [1], Rude(), {"x": "y" * 3_000_000}, {"x": list(range(200_000))}])
def test_parameters_that_are_none_become_few_or_none(given_: Any) -> None:
    """Whatever it is, the execution is recorded."""
    found = tolerant_parameters(Ledger(strict=False), given_)
    assert isinstance(found, dict)
    with pytest.raises(Exception):  # noqa: B017 - whatever the check raised
        tolerant_parameters(Ledger(strict=True), given_)


def test_recorded_text_keeps_its_end_without_half_a_secret() -> None:
    """Masked before it is cut, also where only a part of a very long text is looked at."""
    text = "password=" + "s" * 1000 + "\n" + "x" * 300_000 + "\nlast line"
    for start in range(0, 3000, 97):
        kept = recorded_text(text[start:], "error") or ""
        assert len(kept) <= 16_384
        assert kept.endswith("last line")
        assert "ss" not in kept
    assert recorded_text(None, "error") is None
    assert recorded_text("token=abc", "error") == f"token={MASK}"


def test_failures_are_clean_whoever_makes_them() -> None:
    """There is no way to a failure that holds a secret or what databases cannot store."""
    failure = Failure("E" * 300, "password=hunter2 \x00", "postgresql://u:hunter2@h/d")
    assert len(failure.type or "") <= 255
    assert (failure.message, failure.traceback) == (f"password={MASK} \ufffd", f"postgresql://u:{MASK}@h/d")
    assert "hunter2" not in repr(failure)


def test_names_hold_no_secrets() -> None:
    """Masked before they are judged, so that neither the name nor the error shows one."""
    assert recorded_name("load password=hunter2", "name") == f"load password={MASK}"
    for text in ("password=hunter2\n", "x" * 300 + " password=hunter2", "password=hunter2 " + "x" * 300):
        with pytest.raises(InvalidInputError) as caught:
            recorded_name(text, "name")
        assert "hunter2" not in caught.value.message
    with pytest.raises(InvalidInputError) as caught:
        check_job("postgresql://etl:hunter2@db/etl")
    assert "hunter2" not in caught.value.message


class Odd(float):
    """A float with a will of its own."""

    def __float__(self) -> float:
        return 3.0


@pytest.mark.parametrize("value", [Rude(), "1", None, [], 1j])
def test_what_is_no_number_is_no_sample(value: Any) -> None:
    """Even when its own methods raise."""
    with pytest.raises((InvalidInputError, RuntimeError)):
        measure("rows", value, sequence=1, recorded_at=NOW)
    assert measure("rows", Odd(2), sequence=1, recorded_at=NOW).value == 3.0
