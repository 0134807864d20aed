"""What plain YAML scalars mean: the core schema of YAML 1.2, and no surprises of YAML 1.1."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from etl_models.specs import yaml_source
from etl_models.specs.source import SourceError
from etl_models.specs.yaml_source import parse


def value_of(text: str) -> Any:
    """The value of the only document of a text."""
    [parsed] = parse(text)
    assert parsed.problems == []
    return parsed.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (word, word)
            for word in ("no", "No", "NO", "yes", "on", "On", "off", "y", "n", "tRue", "nUll", "none", "NaN")
        ),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *((word, None) for word in ("null", "Null", "NULL", "~", "")),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("-7", -7),
        ("9999999999999999999999", 9999999999999999999999),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("0xZ", "0xZ"),
        ("-0x1", "-0x1"),
        ("007", "007"),
        ("017", "017"),
        ("01", "01"),
        ("00", "00"),
        ("-01", "-01"),
        ("1_000", "1_000"),
        ("1,5", "1,5"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("190:20:30.15", "190:20:30.15"),
        ("2013-01-01", "2013-01-01"),
        ("2013-01-01T10:00:00Z", "2013-01-01T10:00:00Z"),
        ("2001-12-14 21:59:43", "2001-12-14 21:59:43"),
        ("1.5", 1.5),
        ("-.5", -0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
        ("01.5", "01.5"),
        (".", "."),
        ("+", "+"),
        ("..", ".."),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("-.", "-."),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.Inf", math.inf),
        ("-.nan", "-.nan"),
        ("=", "="),
        ("<<", "<<"),
        ("!!str 1", "1"),
        ("!!int '7'", 7),
        ("!!float 1", 1.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("! 1", "1"),
        ("'true'", "true"),
        ('"1"', "1"),
        ("|\n    1\n", "1\n"),
        (">-\n    null\n", "null"),
        ("''", ""),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    """Words, dates and times stay text, leading zeros stay, quoted scalars are always text."""
    found = value_of(f"- {text}\n")[0]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number_that_its_field_refuses() -> None:
    """``.nan`` is read, so that the field can say why it cannot be stored."""
    assert math.isnan(value_of("- .nan")[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- !!int x", "does not fit its tag '!!int'"),
        ("- !!int true", "does not fit its tag '!!int'"),
        ("- !!bool yes", "does not fit its tag '!!bool'"),
        ("- !!null x", "does not fit its tag '!!null'"),
        ("- !!map [1]", "has the tag '!!map'"),
        ("- !!binary aGk=", "has the tag '!!binary'"),
        ("- !!timestamp 2013-01-01", "has the tag '!!timestamp'"),
        ("- !!set {a, b}", "has the tag '!!set'"),
        ("- !!omap [a: 1]", "has the tag '!!omap'"),
        ("- !!python/name:os.system x", "has the tag '!!python/name:os.system'"),
        ("- !custom {a: 1}", "has the tag '!custom'"),
        ("- !<tag:example.com,2000:x> a", "has the tag 'tag:example.com,2000:x'"),
        ("- *nowhere", "the alias 'nowhere' has no anchor before it"),
        ("- &a [*a]", "the alias 'a' stands inside its own anchor"),
        ("- &a {b: {c: *a}}", "the alias 'a' stands inside its own anchor"),
        ("? [a]\n: 1", "keys must be text, not a list"),
        ("? {a: 1}\n: 1", "keys must be text, not a mapping"),
    ],
)
def test_what_is_no_plain_data_is_refused(text: str, said: str) -> None:
    """Tags of other types, aliases without end and keys that are no text name the place they stand at."""
    with pytest.raises(SourceError) as raised:
        parse(f"# first line\n{text}\n")
    assert said in raised.value.message
    assert raised.value.line == 2


def test_an_alias_stands_for_its_newest_anchor() -> None:
    """An anchor may be used again; anchors end with their document."""
    assert value_of("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}
    with pytest.raises(SourceError, match="no anchor"):
        parse("a: &x 1\n---\nb: *x\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", {"x": 1, "y": 3}),
        ("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}", {"x": 1, "y": 3}),
        ("a: &a {x: 1}\nb: {<<: [*a, {x: 2, z: 3}]}", {"x": 1, "z": 3}),
        ("a: &a {x: 1}\nb: {<<: {<<: *a, y: 2}}", {"x": 1, "y": 2}),
        ("b: {<<: []}", {}),
        ("b: {'<<': 1}", {"<<": 1}),
    ],
)
def test_merge_keys_fill_in_what_is_not_said(text: str, value: Any) -> None:
    """``<<`` takes a mapping or a list of mappings; in quotes it is a key like any other."""
    assert value_of(text)["b"] == value


@pytest.mark.parametrize("text", ["<<: 1", "<<: [a]", "<<: {a: 1}\n<<: [1]"])
def test_merge_keys_take_mappings_only(text: str) -> None:
    """Anything else is a problem at the key."""
    [parsed] = parse(text)
    assert [problem.message for problem in parsed.problems] == [
        "the merge key '<<' takes a mapping or a list of mappings"
    ]


def test_of_a_key_given_twice_the_first_value_stays() -> None:
    """All repetitions are problems; the rest of the document is checked with the first."""
    [parsed] = parse("a: 1\nb: 2\na: 3\n'a': 4\n")
    assert parsed.value == {"a": 1, "b": 2}
    assert [(problem.line, problem.column) for problem in parsed.problems] == [(3, 1), (4, 1)]


def test_empty_documents_hold_nothing() -> None:
    """Between document marks there may be nothing; a text without any document gives none."""
    assert parse("# only this\n") == []
    assert [parsed.value for parsed in parse("---\n---\n...\n")] == [None, None]


def test_without_libyaml_everything_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml its own parser serves, with the same values, places and refusals."""
    monkeypatch.setattr(yaml_source, "_Loader", yaml.BaseLoader)
    parsed = parse("a: &x [1, no, 'x']\nb: {<<: {c: 1}, d: *x}\n")[0]
    assert parsed.value == {"a": [1, "no", "x"], "b": {"c": 1, "d": [1, "no", "x"]}}
    for text, said in (("a:\n\t- b", "tabs"), ("a: \x01", "U+0001"), ("a: !!set {}", "tag"), ("[" * 99, "nested")):
        with pytest.raises(SourceError, match=said.replace("+", r"\+")):
            parse(text)
