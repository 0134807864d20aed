"""What a contributor gets from ``alembic revision --autogenerate``, and what the light side of revisions knows."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from etl_models import migrate, revisions
from etl_models.db.bases import MYSQL_OPTIONS, metadata
from etl_models.db.types import SmartJSON, UTCDateTime, big_integer, key_string, long_text, uuid_key
from etl_models.revisions import Revision


@pytest.fixture
def new_table() -> Iterator[sa.Table]:
    """A model that no revision knows yet, with a column of every kind."""
    table = sa.Table(
        "etl_draft",
        metadata,
        sa.Column("id", uuid_key(), primary_key=True),
        sa.Column("number", big_integer(), nullable=False),
        sa.Column("name", key_string(100), nullable=False, unique=True),
        sa.Column("short", sa.String(20)),
        sa.Column("text", long_text()),
        sa.Column("document", SmartJSON()),
        sa.Column("made_at", UTCDateTime(), index=True),
        sa.Column("ratio", sa.Double()),
        **dict[str, Any](MYSQL_OPTIONS),
    )
    yield table
    metadata.remove(table)


@pytest.mark.usefixtures("history", "new_table")
def test_a_draft_fits_every_database(
    new_database_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project_root: Path
) -> None:
    """A draft made from the models, on SQLite, migrates each database without drift, and back."""
    source, target = f"sqlite:///{tmp_path}/draft.db", new_database_url()
    migrate.upgrade(source)
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", source)
    config = Config(toml_file=str(project_root / "pyproject.toml"))
    config.set_main_option("script_location", str(revisions.script_location()))
    command.revision(config, "add draft", autogenerate=True)
    revisions.known.cache_clear()
    assert revisions.known() == (Revision("0001", "initial"), Revision("0002", "add draft"))
    text = (revisions.script_location() / "versions" / "0002_add_draft.py").read_text()
    assert "steps.create_table('etl_draft'" in text
    migrate.upgrade(target)
    migrate.check(target)
    migrate.downgrade(target, "0001")


def test_revisions_are_known_by_their_files(project_root: Path) -> None:
    """The number in a file's name is the revision written inside, and each follows the one before."""
    versions = project_root / "migrations" / "versions"
    assert revisions.known() == revisions.read_revisions(versions)
    before = "None"
    for path, revision in zip(sorted(versions.glob("*.py")), revisions.known(), strict=True):
        text = path.read_text()
        assert f'revision = "{revision.number}"' in text
        assert f"down_revision = {before}" in text
        before = f'"{revision.number}"'


def test_a_unit_on_a_schema_at_head_loads_no_alembic(project_root: Path, tmp_path: Path) -> None:
    """The everyday path knows the newest revision from file names and pays for no migration tool."""
    url = f"sqlite:///{tmp_path}/etl.db"
    migrate.upgrade(url)
    code = (
        "import sys; from etl_models.database import Database\n"
        f"with Database({url!r}) as database: print(database.run(lambda session: 7), 'alembic' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["7", "False"]


def test_drafts_are_written_where_the_library_looks(project_root: Path) -> None:
    """The folder alembic's own command writes to is the one the library reads."""
    settings = tomllib.loads((project_root / "pyproject.toml").read_text())["tool"]["alembic"]
    assert settings["script_location"] == "%(here)s/migrations"
    assert revisions.script_location() == project_root / "migrations"
