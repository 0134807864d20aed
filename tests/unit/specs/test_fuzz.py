"""Whatever the input, loading gives a document or a DefinitionError: no other exception, no hang, no silence."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_models.domain.text import printable
from etl_models.errors import DefinitionError
from etl_models.specs.loader import load, validate_paths
from etl_models.specs.source import parse

DATA = Path(__file__).parents[2] / "data" / "definitions"
SEEDS = sorted(file for file in DATA.rglob("*") if file.suffix in {".yaml", ".toml", ".json"})
REAL = Path(__file__).parents[4] / "shared" / "data" / "configs"

_SPLICES = [
    b"\t",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"  ",
    b"- ",
    b": ",
    b"#",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!str ",
    b"!x ",
    b"'",
    b'"',
    b'"""',
    b"'''",
    b"[",
    b"]",
    b"[[",
    b"{",
    b"}",
    b",",
    b"=",
    b".",
    b"|",
    b">",
    b"%",
    b"@",
    b"`",
    b"? ",
    b"---\n",
    b"...\n",
    b"null",
    b"true",
    b"1e999",
    b"NaN",
    b".nan",
    b"-0",
    b"0x",
    b"1" * 30,
    b"\\u0000",
    b"\\ud800",
    b"\xe2\x80\xae",
    b"\xf0\x9f\x98\x80",
]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """One to four cuts, doublings, flips and splices."""
    for _ in range(dice.randint(1, 4)):
        at, to = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
        to = min(to, at + 40)
        kind = dice.randint(0, 4)
        if kind == 0:
            data = data[:at] + data[to:]
        elif kind == 1:
            data = data[:to] + data[at:to] + data[to:]
        elif kind == 2:
            data = data[:at] + bytes([dice.randint(0, 255)]) + data[at + 1 :]
        elif kind == 3:
            data = data[:at] + dice.choice(_SPLICES) + data[at:]
        else:
            other = dice.randint(0, len(data))
            data = data[:at] + data[other : other + 30] + data[at:]
    return data


def refusal(source: Any, kind: Any = "document") -> DefinitionError | None:
    """The error that loading ends with, or None; any other exception fails the test, and so does a hang."""
    started = time.process_time()
    error = None
    try:
        load(source, kind=kind, known_dataclasses=())
    except DefinitionError as raised:
        error = raised
    assert time.process_time() - started < 20
    return error


def attempt(source: Any, kind: Any = "document") -> bool:
    """Load, check that every problem can be shown, and say whether the source was accepted."""
    error = refusal(source, kind)
    if error is None:
        return True
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert problem.line is None or problem.line >= 1
        assert problem.column is None or problem.column >= 1
        str(problem).encode()  # neither surrogates
        assert printable(str(problem)) == str(problem)  # nor control characters reach a terminal
    return False


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_mutations_of_definition_files(seed: Path, tmp_path: Path) -> None:
    """Files with a few bytes changed are refused with problems, or still mean something."""
    dice = random.Random(seed.name)
    file = tmp_path / seed.name
    outcomes = []
    for _ in range(250):
        file.write_bytes(mutated(seed.read_bytes(), dice))
        outcomes.append(attempt(file))
    assert False in outcomes


@pytest.mark.parametrize("form", ["yaml", "toml", "json"])
def test_one_format_read_as_another(form: str, tmp_path: Path) -> None:
    """A wrong suffix is an error like any other."""
    foreign = []
    for seed in SEEDS:
        file = tmp_path / f"{seed.stem}.{form}"
        file.write_bytes(seed.read_bytes())
        accepted = attempt(file)
        if seed.suffix != f".{form}":
            foreign.append(accepted)
    assert foreign
    assert form == "yaml" or not any(foreign)  # JSON is YAML as well


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["yaml", "toml", "json", "txt"]))
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, form: str) -> None:
    """Bytes that mean nothing are refused."""
    file = tmp_path_factory.getbasetemp() / f"random.{form}"
    file.write_bytes(data)
    assert attempt(file) is attempt(file), "the same file is judged alike twice"


_PIECES = st.sampled_from([piece.decode("utf-8", "ignore") for piece in _SPLICES] + ["name", "jobs", "a", "1", " "])


@settings(max_examples=1000, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join), st.sampled_from(["yaml", "toml", "json"]))
def test_random_syntax(tmp_path_factory: pytest.TempPathFactory, text: str, form: str) -> None:
    """Signs of the three formats in any order are refused, or mean something."""
    file = tmp_path_factory.getbasetemp() / f"syntax.{form}"
    file.write_bytes(text.encode())
    assert attempt(file) is attempt(file), "the same file is judged alike twice"


_keys = st.sampled_from(
    [
        "version",
        "namespace",
        "jobs",
        "name",
        "components",
        "component_type",
        "comp_type",
        "configuration",
        "payload",
        "depends_on",
        "component",
        "in_port",
        "inputs",
        "outputs",
        "metrics",
        "layout",
        "x",
        "x_coord",
        "routes",
        "to",
        "tags",
        "schedule",
        "trigger_type",
        "trigger_args",
        "timezone",
        "hour",
        "dataclasses",
        "schema_definition",
        "validation_rules",
        "type",
        "field",
        "fields",
        "min",
        "max",
        "values",
        "callable",
        "properties",
        "required",
        "$ref",
        "status",
    ]
) | st.text(max_size=3)
_wild = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | _keys
    | st.binary(max_size=2)
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_keys | st.integers() | st.none(), inner, max_size=5)
        | st.tuples(inner)
    ),
    max_leaves=25,
)


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(_keys, _wild, max_size=5), st.sampled_from(["document", "job", "dataclass", "component"]))
def test_random_values(value: dict[str, Any], kind: Any) -> None:
    """Mappings of our keys with anything below them are refused with paths, or mean something."""
    assert attempt(value, kind) is attempt(value, kind), "the same value is judged alike twice"


def test_values_that_hold_themselves() -> None:
    """A Python value can be endless; it is refused at the depth limit."""
    endless: dict[str, Any] = {"name": "a", "component_type": "t"}
    endless["configuration"] = endless
    endless["depends_on"] = [endless]
    with pytest.raises(DefinitionError):
        load({"name": "j", "components": [endless]})
    schema: dict[str, Any] = {"properties": {}}
    schema["properties"]["a"] = schema
    with pytest.raises(DefinitionError):
        load({"name": "d", "schema_definition": schema})


def _real_files() -> Iterator[Path]:
    yield from sorted(file for file in REAL.rglob("*") if file.suffix in {".yaml", ".yml"})


@pytest.mark.skipif(not REAL.is_dir(), reason="the collection of real configurations is not part of the repository")
def test_real_configurations_of_other_tools(tmp_path: Path) -> None:
    """Files of dbt, Dagster, Meltano, Kestra and others parse, are refused as definitions, and survive mutation."""
    files = list(_real_files())
    assert files
    for file in files:
        assert parse(file.read_text(), "yaml")
        with pytest.raises(DefinitionError):
            validate_paths([file])
        dice = random.Random(file.name)
        for _ in range(20):
            broken = tmp_path / "broken.yaml"
            broken.write_bytes(mutated(file.read_bytes(), dice))
            assert not attempt(broken)
