"""Names: what is refused, and how references are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.naming import Reference, check_name, name_problem, parse_reference
from etl_models.errors import InvalidInputError


@pytest.mark.parametrize(
    "name", ["load-flights", "a", "é", "日本語", "🚀 launch", "a.b:c(d)", "O'Brien; DROP TABLE", "x" * 255]
)
def test_ordinary_names_pass_unchanged(name: str) -> None:
    """A name made of visible characters is returned as it is."""
    assert check_name(name, "name") == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "must not be empty"),
        (" a", "white space"),
        ("a ", "white space"),
        ("a\u00a0", "white space"),
        ("x" * 256, "256 characters"),
        ("a\x00b", "U+0000"),
        ("a\nb", "U+000A"),
        ("\x1b[31mred", "U+001B"),
        ("a\u202eb", "U+202E"),
        ("a\ud800b", "U+D800"),
        ("a\u200bb", "U+200B"),
        ("a/b", "'/'"),
        ("e\u0301", "NFC"),
    ],
)
def test_names_databases_would_tell_apart_differently_are_refused(name: str, reason: str) -> None:
    """What one database could hold for equal and another not, or nobody can see, is refused with its reason."""
    with pytest.raises(InvalidInputError, match="name") as caught:
        check_name(name, "name")
    assert reason in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert str(caught.value).encode()  # the message itself can always be written


def test_a_name_of_another_type_is_refused() -> None:
    """Numbers are not names, however convenient."""
    with pytest.raises(InvalidInputError, match="must be text, not int"):
        check_name(3, "name")


def test_a_reference_without_a_namespace_is_in_the_default_one() -> None:
    """``name`` and ``namespace/name`` are both read."""
    assert parse_reference("load") == Reference("default", "load")
    assert parse_reference("flights/load") == Reference("flights", "load")
    assert str(Reference("flights", "load")) == "flights/load"


@pytest.mark.parametrize("text", ["/a", "a/", "a/b/c", "", "/"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    """Both parts of a reference must be names."""
    with pytest.raises(InvalidInputError):
        parse_reference(text)


@given(st.text(max_size=300))
def test_any_text_is_either_a_name_or_has_a_reason(text: str) -> None:
    """No text makes the check fail in another way, and accepted names survive UTF-8."""
    if name_problem(text) is None:
        assert text.encode("utf-8").decode("utf-8") == text
        assert text == text.strip()
    else:
        with pytest.raises(InvalidInputError):
            check_name(text, "name")
