"""Problems never show values: a definition file may hold a secret anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl_models.errors import DefinitionError
from etl_models.specs.loader import load

CANARY = "hunter2-s3cr3t"
GOOD = Path(__file__).parents[2] / "data" / "definitions" / "good"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path of a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The document with another value at ``path``."""
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return {k: replaced(v, tuple(rest), new) if k == key else v for k, v in value.items()}
    return [replaced(v, tuple(rest), new) if k == key else v for k, v in enumerate(value)]


def refusal(document: Any) -> DefinitionError | None:
    """The error that loading the document ends with, if any."""
    try:
        load(document, known_dataclasses=["shared/carrier"])
    except DefinitionError as error:
        return error
    return None


EXAMPLE = yaml.safe_load((GOOD / "flights.yaml").read_text())
# Names of things are quoted in messages about unknown ones; everything else is a value.
NAMES = {"name", "required", "depends_on", "inputs", "outputs", "component", "field", "fields", "namespace", "metrics"}


@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: [v], lambda v: {"x": v}, lambda v: f"{v}\0", lambda v: f"{v} " * 9000]
)
def test_a_secret_in_the_wrong_place_is_not_repeated(wrap: Any) -> None:
    """Put anywhere in the example, alone or inside something, a secret shows up in no problem."""
    seen = 0
    for path in places(EXAMPLE):
        if path and not set(path) & NAMES:
            error = refusal(replaced(EXAMPLE, path, wrap(CANARY)))
            seen += error is not None
            assert error is None or CANARY not in f"{error} {error.details} {error.__cause__}", path
    assert seen > 40


@pytest.mark.parametrize(
    "text",
    [
        f"password: '{CANARY}",
        f"password: {CANARY}: {CANARY}",
        f"jobs:\n  - password: [{CANARY}\n",
        f"password: !{{}} {CANARY}",
        f"a: &x {CANARY}\nb: *y\n",
        f"%{CANARY}\n---\na",
        f"@{CANARY}",
        f"\t{CANARY}: a",
    ],
)
def test_a_file_that_cannot_be_parsed_is_not_quoted(text: str, tmp_path: Path) -> None:
    """Syntax errors say where and what is wrong, without the line."""
    for form in ("yaml", "toml", "json"):
        file = tmp_path / f"x.{form}"
        file.write_text(text)
        with pytest.raises(DefinitionError) as raised:
            load(file)
        assert CANARY not in str(raised.value)


def test_names_in_messages_are_short_and_printable() -> None:
    """A name of a thousand characters, or one that would steer the terminal, is shown cut and escaped."""
    components = [{"name": "c", "component_type": "t", "depends_on": ["x" * 250, "a\u202eb"]}]
    with pytest.raises(DefinitionError) as raised:
        load({"jobs": [{"name": "j", "components": components, "k" * 300: 1, "\x1b[31m": 1}]})
    assert "\u202e" not in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert max(len(problem.message) for problem in raised.value.problems) < 300


@pytest.mark.parametrize("count", [1, 3])
def test_the_error_is_for_programs_too(count: int) -> None:
    """Details holds the same facts as JSON."""
    with pytest.raises(DefinitionError) as raised:
        load({"jobs": [{"name": index} for index in range(count)]})
    assert raised.value.details == {
        "problems": [
            {
                "message": "must be text, not a whole number; write it in quotes",
                "path": f"jobs[{index}].name",
                "file": None,
                "line": None,
                "column": None,
            }
            for index in range(count)
        ]
    }
