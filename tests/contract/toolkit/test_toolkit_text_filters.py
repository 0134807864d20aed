"""Text is looked for as Python would, whatever it holds: no character of it is a wildcard, an escape or SQL."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl_models.db.errors import InvalidFilterError
from etl_models.db.filters import AnyOf, Not, Search, Where
from tests.support.toolkit import Rows, opened
from tests.support.toolkit_models import Sample

pytestmark = pytest.mark.contract

# Letters of both cases, and everything that means something to LIKE, GLOB, escapes or SQL.
ALPHABET = "aAbB%_*?[]^!\\/'\"-;.:()\n "
TEXT = st.text(ALPHABET, max_size=6)
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
STORED = [
    "",
    "aB",
    "Ab",
    "a%b",
    "a_b",
    "a*b?",
    "[ab]",
    "a\\b",
    "a/b",
    "a!b",
    "it's",
    '"a"',
    "a\nb",
    "--;",
    "[^a]",
    "A(b)",
]


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """Rows of odd text; on the blocking face only, the statements are the same on both."""
    with opened(database_url, "sync", Sample.__table__) as made:
        made.repository(Sample).bulk_create({"text": text} for text in STORED)
        made.commit()
        yield made


def _pattern(pattern: str) -> Callable[[str], bool]:
    whole = pattern if "*" in pattern or "?" in pattern else f"*{pattern}*"
    expression = re.compile(fnmatch.translate(re.sub(r"\[", "[[]", whole)))
    return lambda text: expression.match(text) is not None


MEANING: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "eq": lambda value: lambda text: text == value,
    "contains": lambda value: lambda text: value in text,
    "startswith": lambda value: lambda text: text.startswith(value),
    "endswith": lambda value: lambda text: text.endswith(value),
    "icontains": lambda value: lambda text: value.lower() in text.lower(),
    "istartswith": lambda value: lambda text: text.lower().startswith(value.lower()),
    "iendswith": lambda value: lambda text: text.lower().endswith(value.lower()),
    "iexact": lambda value: lambda text: text.lower() == value.lower(),
    "matches": _pattern,
}


def test_text_is_found_as_python_finds_it(rows: Rows) -> None:
    """Every operator on text chooses the rows that the same question in Python chooses."""
    samples = rows.repository(Sample)

    @EXAMPLES
    @given(st.sampled_from(sorted(MEANING)), TEXT | st.sampled_from(STORED))
    def check(operator: str, value: str) -> None:
        means = MEANING[operator](value)
        expected = sorted(text for text in STORED if means(text))
        assert sorted(row.text for row in samples.find_all(**{f"text__{operator}": value})) == expected
        kept = sorted(set(STORED) - set(expected))
        assert sorted(row.text for row in samples.find_all(Not(Where("text", operator, value)))) == kept

    check()


def test_every_word_is_found_as_python_finds_it(rows: Rows) -> None:
    """A search finds the rows that hold each word, and combines with other filters."""
    samples = rows.repository(Sample)

    @EXAMPLES
    @given(st.lists(TEXT, max_size=3).map(" ".join))
    def check(words: str) -> None:
        expected = sorted(text for text in STORED if all(word.lower() in text.lower() for word in words.split()))
        found = samples.search_by(words, fields="text", limit=100)
        assert sorted(row.text for row in found.items) == expected
        assert samples.count(AnyOf(Search(words, ("text",)))) == len(expected)

    check()


def test_any_text_is_searched_or_refused(rows: Rows) -> None:
    """Whatever text is searched for, also in fields made up, rows are found or InvalidFilterError is raised."""
    samples = rows.repository(Sample)

    @EXAMPLES
    @given(
        st.text(max_size=40), st.lists(st.sampled_from(sorted(Sample.model_fields)) | st.text(max_size=9), max_size=2)
    )
    def check(text: str, names: list[str]) -> None:
        for ask in (
            lambda: samples.search_by(text, fields=names),
            lambda: samples.page(cursor=text),
            lambda: samples.get_by_id(text),
            lambda: samples.find_all(order_by=text),
            lambda: samples.find_all(load=[text]),
            lambda: samples.count(**{text: text}),
        ):
            try:
                ask()
            except InvalidFilterError:
                continue

    check()
    assert samples.count() == len(STORED)
