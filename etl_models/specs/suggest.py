"""``did you mean``: the nearest known word to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from etl_models.domain.text import printable, short
from etl_models.specs.budget import may_suggest

# Comparing is quadratic in the length of a word; hostile input must not buy seconds with it.
_MAX_WORD = 80
_MAX_CANDIDATES = 300
_MAX_LENGTH_DIFFERENCE = 4


def quoted(word: str) -> str:
    """Quote a name for a message: shortened, with control characters escaped."""
    return f"'{printable(short(word))}'"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the candidate nearest to ``word``, or the empty string."""
    found = nearest(word, candidates)
    return f"; did you mean {quoted(found)}?" if found is not None else ""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate nearest to ``word``; None when there is none near enough."""
    if len(word) > _MAX_WORD or not may_suggest():
        return None
    near = (candidate for candidate in candidates if abs(len(candidate) - len(word)) <= _MAX_LENGTH_DIFFERENCE)
    by_lower = {candidate.lower(): candidate for candidate in islice(near, _MAX_CANDIDATES)}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
