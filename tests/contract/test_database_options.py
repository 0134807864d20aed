"""A URL whose options cannot work is a mistake in the configuration; and a log that nobody can open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models.database import AsyncDatabase, Database
from etl_models.errors import ConfigurationError
from tests.support.databases import Backend
from tests.support.processes import scratch_folder, server_account
from tests.support.sources import ROOT

pytestmark = pytest.mark.contract

WRONG = {
    "postgresql": (
        "nonsense=1",
        "sslmode=bogus",
        "connect_timeout=soon",
        "options=-cnonsense=1",
        "client_encoding=zzz",
        "keepalives=x",
        "prepare_threshold=x",
    ),
    "mariadb": ("nonsense=1", "charset=zzz", "connect_timeout=soon", "ssl_ca=/nowhere/at.all", "init_command=SELEC"),
    "sqlite": ("nonsense=1", "timeout=soon", "mode=ro", "detect_types=x"),
}


@pytest.mark.filterwarnings("error")
def test_options_that_cannot_work_are_a_configuration_error(
    migrated_url: str, backend: Backend, face: str, blocking: Callable[[Any], Any]
) -> None:
    """Each is told by name, at once, without a warning and without the password."""
    for option in WRONG[backend.name]:
        with pytest.raises(ConfigurationError) as caught:
            _use(f"{migrated_url}?{option}", face, blocking)
        assert option.partition("=")[0] in caught.value.message
        assert "etl-secret" not in caught.value.message


def _use(url: str, face: str, blocking: Callable[[Any], Any]) -> None:
    with blocking(AsyncDatabase(url)) if face == "async" else Database(url) as database:
        database.read(lambda session: session.scalar(sa.text("SELECT 1")))


@pytest.mark.database("postgresql")
def test_a_threshold_in_the_url_is_a_number_for_the_driver(migrated_url: str) -> None:
    """``prepare_threshold`` of psycopg works from a URL."""
    with Database(f"{migrated_url}?prepare_threshold=2") as database:
        driver = database.read(lambda session: session.connection().connection.driver_connection)
        assert driver is not None
        assert driver.prepare_threshold == 2


def test_the_command_line_ends_with_three(migrated_url: str, backend: Backend, tmp_path: Path) -> None:
    """Such a URL is a mistake of whoever set it: exit code 3, one line on standard error."""
    url = f"{migrated_url}?{WRONG[backend.name][0]}"
    for command in (("jobs", "list"), ("db", "current"), ("db", "upgrade")):
        result = subprocess.run(
            [sys.executable, "-m", "etl_models_cli", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'cli'}", "ETL_MODELS_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stdout) == (3, ""), result.stderr
        assert "nonsense" in result.stderr
        assert "Traceback" not in result.stderr
        assert "SAWarning" not in result.stderr
        assert "etl-secret" not in result.stderr


@pytest.fixture
def locked() -> Iterator[Path]:
    """A database in write-ahead mode, in a folder whose files an ordinary user can only read."""
    account = server_account("nobody")
    top = scratch_folder(account)
    folder = top / "folder"
    folder.mkdir()
    file = folder / "etl.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE any_table (id INTEGER)")
    connection.close()
    file.chmod(0o444)
    folder.chmod(0o555)
    yield file
    folder.chmod(0o755)
    shutil.rmtree(top)


def _problem(file: Path, project_root: Path) -> str:
    """What a health check of an ordinary user says of the file: as root nothing is forbidden."""
    account = server_account("nobody")
    become = f"import os; os.setuid({account.uid})\n" if account else ""
    look = f"print(DatabaseManager('sqlite:///{file}').health_check().error)\n"
    code = f"from etl_models.db import DatabaseManager\n{become}{look}"
    result = subprocess.run([sys.executable, "-c", code], cwd=project_root, capture_output=True, text=True, check=True)
    return result.stdout


@pytest.mark.database("sqlite")
def test_a_log_that_cannot_be_opened_is_told(locked: Path, project_root: Path, backend: Backend) -> None:
    """A file whose write-ahead log has no place says why it cannot be read, and what to do."""
    assert backend.name == "sqlite"
    problem = _problem(locked, project_root)
    assert "it keeps a write-ahead log" in problem
    assert "journal_mode=DELETE" in problem


@pytest.mark.database("sqlite")
def test_a_folder_that_cannot_be_looked_into_is_told(locked: Path, project_root: Path, backend: Backend) -> None:
    """A file behind a private folder is not missing; the error says that there is no permission."""
    assert backend.name == "sqlite"
    locked.parent.chmod(0o000)
    assert "cannot open the database" in (problem := _problem(locked, project_root))
    assert "Permission denied" in problem
