"""Positions: whatever the format, a path leads to the line and column where the value, or its key, really stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_models.specs.json_source import parse as parse_json
from etl_models.specs.positions import Lines, Path, Place, locate, show
from etl_models.specs.source import Parsed
from etl_models.specs.toml_source import parse as parse_toml
from etl_models.specs.yaml_source import parse as parse_yaml

_SCALARS = (
    st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e9, 1e9, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
    | st.sampled_from(["a.b", "#", "x # y", '"', "'", "[", "]]", "{", "=", ",", "\\", '\\"', "'''", '"""', "\n", "no"])
)
_KEYS = st.sampled_from(["name", "jobs", "a-b", "x_1", "1", "a.b", "two words", '"', "'", "=", "#", "[x]", "ä", ""])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=5)


def paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every path of a document with the value there."""
    yield path, value
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def offset(text: str, place: tuple[int, int]) -> int:
    """The offset of a line and column."""
    line, column = place
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1


def read_at(text: str, place: tuple[int, int]) -> Any:
    """The JSON value that begins at a line and column."""
    return json.JSONDecoder().raw_decode(text, offset(text, place))[0]


def check_json_like(text: str, parsed: Parsed, document: Any) -> None:
    """Scalars and keys are written as JSON writes them: reading at their place must give them back."""
    assert parsed.value == document
    root = parsed.places()
    for path, value in paths(document):
        if not isinstance(value, dict | list):
            assert read_at(text, locate(root, path)) == value
        if path and isinstance(path[-1], str):
            assert read_at(text, locate(root, path, at_key=True)) == path[-1]


@given(DOCUMENTS, st.sampled_from([None, 0, 1, 2, "\t"]))
def test_places_of_json_are_exact(document: dict[str, Any], indent: int | str | None) -> None:
    """Every value and key of a JSON file is found where it stands, however the file is laid out."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    check_json_like(text, parse_json(text)[0], document)


def toml_value(value: Any, multiline: bool) -> str:
    """An inline TOML value; only arrays may be broken over lines."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_key(key)} = {toml_value(item, False)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        separator = ", # a comment\n   " if multiline else ", "
        return "[" + separator.join(toml_value(item, multiline) for item in value) + (",\n]" if value else "]")
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(key: str) -> str:
    """A quoted key."""
    return json.dumps(key, ensure_ascii=False)


def toml_tables(table: dict[str, Any], prefix: str, multiline: bool) -> Iterator[str]:
    """A table with its subtables under headers, as people write them."""
    later = {}
    for key, value in table.items():
        if value and (isinstance(value, dict) or (isinstance(value, list) and all(isinstance(x, dict) for x in value))):
            later[key] = value
        else:
            yield f"{toml_key(key)} = {toml_value(value, multiline)}"
    for key, value in later.items():
        name = f"{prefix}{toml_key(key)}"
        for item in [value] if isinstance(value, dict) else value:
            yield f"  [{name}] # a table" if isinstance(value, dict) else f"[[ {name} ]]"
            yield from toml_tables(item, f"{name} . ", multiline)


@given(DOCUMENTS, st.booleans(), st.booleans())
def test_places_of_toml_are_exact(document: dict[str, Any], multiline: bool, inline: bool) -> None:
    """Every value and key of a TOML file is found, inline, in tables and in arrays of tables."""
    lines = (
        (f"{toml_key(key)}={toml_value(value, multiline)}" for key, value in document.items())
        if inline
        else toml_tables(document, "", multiline)
    )
    text = "\n".join(lines) + "\n"
    check_json_like(text, parse_toml(text)[0], document)


def yaml_places(node: yaml.Node, path: Path = ()) -> Iterator[tuple[Path, tuple[int, int], tuple[int, int] | None]]:
    """Places as PyYAML's own node tree has them: path, place of the value, place of the key."""
    assert node.start_mark is not None
    yield path, (node.start_mark.line + 1, node.start_mark.column + 1), None
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from yaml_places(item, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            inner = list(yaml_places(item, (*path, key.value)))
            yield (*inner[0][:2], (key.start_mark.line + 1, key.start_mark.column + 1))
            yield from inner[1:]


@given(DOCUMENTS, st.sampled_from([True, False, None]), st.sampled_from(["'", '"', None]), st.sampled_from([20, 80]))
def test_places_of_yaml_are_exact(document: dict[str, Any], flow: bool | None, style: str | None, width: int) -> None:
    """Every value and key of a YAML file stands where PyYAML's own composer says."""
    text = yaml.safe_dump(
        document, default_flow_style=flow, default_style=style, width=width, allow_unicode=True, sort_keys=False
    )
    parsed = parse_yaml(text)[0]
    if style is None:
        assert parsed.value == document
    root = parsed.places()
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    assert tree is not None
    for path, place, key in yaml_places(tree):
        assert locate(root, path) == place
        assert key is None or locate(root, path, at_key=True) == key


@pytest.mark.parametrize(
    ("text", "path", "value", "key"),
    [
        ("a.b.c = 1\n", ("a", "b", "c"), (1, 9), (1, 5)),
        ("a . 'b' = 1\n", ("a", "b"), (1, 11), (1, 5)),
        ("[a]\nb.c = 1\n[a.d]\ne = 2\n", ("a", "d", "e"), (4, 5), (4, 1)),
        ("[a.b]\nc = 1\n[a]\nd = 2\n", ("a", "d"), (4, 5), (4, 1)),
        ("[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[[a]]\n[[a.b]]\nc = 3\n", ("a", 0, "b", 1, "c"), (5, 5), (5, 1)),
        ("[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[[a]]\n[[a.b]]\nc = 3\n", ("a", 1, "b", 0, "c"), (8, 5), (8, 1)),
        ("[[a]]\nx = 1\n[a.b.c]\nd = 2013-01-01 10:00:00 # when\n", ("a", 0, "b", "c", "d"), (4, 5), (4, 1)),
        ("a = '''\nx = 1\n'''\nb = 2\n", ("b",), (4, 5), (4, 1)),
        ('a = """\\"""]"""\nb = [ [1], [2, # x\n 3] ]\n', ("b", 1, 1), (3, 2), (3, 2)),
        ("a = ''''x''''\nb = 1", ("b",), (2, 5), (2, 1)),
        ("a = {}\nb = []\nc = 1", ("c",), (3, 5), (3, 1)),
        ("a = { b.c = { d = [ {}, { e = 1 } ] } }", ("a", "b", "c", "d", 1, "e"), (1, 31), (1, 27)),
    ],
)
def test_places_of_toml_constructs(text: str, path: Path, value: tuple[int, int], key: tuple[int, int]) -> None:
    """Dotted keys, headers in any order, dates, multi-line strings and nested arrays are followed."""
    root = parse_toml(text)[0].places()
    assert locate(root, path) == value
    assert locate(root, path, at_key=True) == key


def test_a_path_the_file_does_not_hold_leads_to_what_is_around_it() -> None:
    """A missing key is reported where the mapping begins that lacks it."""
    root = parse_yaml("jobs:\n  - name: a\n    tags: [x]\n")[0].places()
    assert locate(root, ("jobs", 0, "components", 3)) == (2, 5)
    assert locate(root, ("jobs", 0, "tags", 0, "deeper"), at_key=True) == (3, 12)
    assert locate(Place(1, 1), ("a",)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("jobs", 0, "components", 1, "depends_on", 0), "jobs[0].components[1].depends_on[0]"),
        ((0, "a"), "[0].a"),
        (("a b", "c.d", "$ref", "é", ""), '["a b"]["c.d"].$ref["é"][""]'),
        (("x\x1b[31m",), '["x\\x1b[31m"]'),
        (("k" * 100,), "k" * 59 + "…"),
    ],
)
def test_paths_are_written_as_people_read_them(path: Path, text: str) -> None:
    """Plain keys after dots, others in quotes, nothing that could steer a terminal, nothing endless."""
    assert show(path) == text


@settings(max_examples=50)
@given(st.text("ab\n", max_size=30))
def test_lines_and_columns_count_from_one(text: str) -> None:
    """An offset is on the line after the line ends before it."""
    lines = Lines(text)
    for at in range(len(text) + 1):
        before = text[:at]
        assert lines.at(at) == (before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1)
