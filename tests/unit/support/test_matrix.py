"""The database matrix itself: every database is clean, and a missing one is neither silent nor, in CI, forgiven."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_models.database import Database
from etl_models.errors import DatabaseUnavailableError, SchemaVersionError
from etl_models.models.tag import Tag
from tests.support.databases import Backend
from tests.support.sources import ROOT

_A_TEST = "def test_reaches_it(backend):\n    assert backend.name\n"


def _pytest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test over the matrix where no PostgreSQL can be found."""
    (folder / "test_one.py").write_text(_A_TEST)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ETL_", "PYTEST", "COV")) and name != "CI"
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.matrix", "-p", "no:cacheprovider", "-rs", str(folder)],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "ETL_PG_BIN": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_database_is_named_at_the_end(tmp_path: Path) -> None:
    """A laptop without PostgreSQL may run the tests, but is told in capitals what they said nothing about."""
    result = _pytest(tmp_path, ETL_MODELS_TEST_DATABASES="sqlite,postgresql")
    assert result.returncode == 0
    assert "DATABASES NOT TESTED: mariadb, postgresql" in result.stdout
    assert "set ETL_PG_BIN" in result.stdout
    assert "1 passed, 1 skipped" in result.stdout


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"ETL_MODELS_REQUIRE_DATABASES": "postgresql"}])
def test_a_missing_database_fails_where_it_is_required(tmp_path: Path, variables: dict[str, str]) -> None:
    """In CI a database that is not there is an error, never a skip."""
    result = _pytest(tmp_path, ETL_MODELS_TEST_DATABASES="sqlite,postgresql", **variables)
    assert result.returncode == 1
    assert "1 passed, 1 error" in result.stdout


@pytest.mark.parametrize(
    ("required", "chosen", "complaint"),
    [("postgresql", "sqlite", "required but not chosen: postgresql"), ("sqlite", "oracle,sqlite", "names oracle")],
)
def test_a_choice_that_cannot_be_meant_ends_the_run(tmp_path: Path, required: str, chosen: str, complaint: str) -> None:
    """A misspelt database must not turn into tests that quietly do not run."""
    result = _pytest(tmp_path, ETL_MODELS_TEST_DATABASES=chosen, ETL_MODELS_REQUIRE_DATABASES=required)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert complaint in result.stdout + result.stderr


def _tables(database: Database) -> set[str]:
    return set(database.read(lambda session: sa.inspect(session.connection()).get_table_names()))


def test_an_empty_database_has_no_table(database_url: str) -> None:
    """Tests of the first migration begin with nothing: not even SQLite's file is there."""
    with Database(database_url) as database, pytest.raises((DatabaseUnavailableError, SchemaVersionError)):
        database.read(lambda session: session.execute(sa.select(Tag)))


def test_rows_of_one_test_are_not_seen_by_the_next(backend: Backend) -> None:
    """A database at head holds only what migrations put there, though its server is used again."""
    with backend.migrated() as url, Database(url) as database:
        database.run(lambda session: session.add(Tag(key="left-behind")))
    with backend.migrated() as url, Database(url) as database:
        assert database.read(lambda session: session.scalar(sa.select(sa.func.count()).select_from(Tag))) == 0


def test_a_test_may_break_its_database(backend: Backend) -> None:
    """Dropping a table harms no other test."""
    with backend.migrated() as url, Database(url) as database:
        before = _tables(database)
        database.run(lambda session: session.execute(sa.text("DROP TABLE etl_job_tag")))
        assert _tables(database) == before - {"etl_job_tag"}
    with backend.migrated() as url, Database(url) as database:
        assert _tables(database) == before


def test_two_databases_of_one_test_are_different_ones(
    migrated_url: str, new_migrated_url: Callable[[], str], new_database_url: Callable[[], str]
) -> None:
    """A test that copies from one store to another asks for further databases."""
    assert len({migrated_url, new_migrated_url(), new_migrated_url(), new_database_url()}) == 4
