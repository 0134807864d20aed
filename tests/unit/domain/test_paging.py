"""Cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.paging import check_limit, decode_cursor, encode_cursor, fingerprint
from etl_models.errors import InvalidInputError


def test_a_cursor_gives_its_position_back_to_its_own_query_only() -> None:
    """Another query's cursor is an error, not a wrong page."""
    mine, other = fingerprint({"job": "a"}), fingerprint({"job": "b"})
    cursor = encode_cursor({"at": "2013-01-01", "id": "x"}, mine)
    assert decode_cursor(cursor, mine) == {"at": "2013-01-01", "id": "x"}
    with pytest.raises(InvalidInputError, match="other filters"):
        decode_cursor(cursor, other)


@given(st.text(max_size=60))
def test_a_damaged_cursor_is_refused(text: str) -> None:
    """No text crashes the decoder."""
    with pytest.raises(InvalidInputError, match="cursor"):
        decode_cursor(text, "q")


@pytest.mark.parametrize("limit", [0, -1, 1001, True, 1.5, "5", None])
def test_a_limit_out_of_range_is_refused(limit: object) -> None:
    """Limits are whole numbers from 1 to 1000."""
    with pytest.raises(InvalidInputError, match="limit"):
        check_limit(limit)
