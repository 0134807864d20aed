"""Free text: refused, made storable, or made showable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.text import check_text, printable, safe_text
from etl_models.errors import InvalidInputError


def test_text_with_line_breaks_and_every_script_passes() -> None:
    """Free text may hold line breaks, tabs, any script and emoji."""
    text = "a\r\nb\tc é 日本 🚀 e\u0301"
    assert check_text(text, "description") == text


@pytest.mark.parametrize(("text", "reason"), [("a\x00", "NUL"), ("\udc80", "U\\+DC80"), ("x" * 10_001, "10001")])
def test_text_no_database_can_store_is_refused(text: str, reason: str) -> None:
    """NUL, lone surrogates and excessive length are refused with position or size."""
    with pytest.raises(InvalidInputError, match=reason):
        check_text(text, "description")


def test_recorded_text_is_made_storable_visibly() -> None:
    """What cannot be stored becomes U+FFFD; everything else stays."""
    assert safe_text("a\x00b\ud800c é") == "a\ufffdb\ufffdc é"


def test_long_recorded_text_keeps_its_end() -> None:
    """The end of a traceback says what happened, so the beginning is what goes, and the cut is named."""
    text = "a" * 20_000 + "ValueError: the end"
    cut = safe_text(text, limit=1_000)
    assert len(cut) <= 1_000
    assert cut.endswith("ValueError: the end")
    assert "characters left out" in cut


@given(st.text())
def test_printable_text_cannot_steer_a_terminal(text: str) -> None:
    """No control, bidi or surrogate character is left, and the result can be written as UTF-8."""
    shown = printable(text)
    assert not any(ord(character) < 32 or ord(character) == 127 for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2069\u200f")
    assert shown.encode("utf-8").decode("utf-8") == shown
