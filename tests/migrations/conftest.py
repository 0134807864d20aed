"""Migrations with a revision that is not released: the real history and one made-up step after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl_models import revisions

EXTRA = '''"""A made-up step: a table, a column, an index, and a changed column, which SQLite can only do by copying."""

import sqlalchemy as sa
from alembic import op

from etl_models.db.steps import Steps

revision = "0002"
down_revision = "0001"


def upgrade():
    steps = Steps(op)
    steps.create_table("etl_note", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("text", sa.String(50)))
    steps.create_index("ix_etl_note_text", "etl_note", ["text"])
    steps.add_column("etl_job", sa.Column("owner", sa.String(50), nullable=True))
    with op.batch_alter_table("etl_job") as batch:
        batch.alter_column("content_hash", type_=sa.String(90), existing_nullable=False, existing_type=sa.String(80))


def downgrade():
    steps = Steps(op)
    with op.batch_alter_table("etl_job") as batch:
        batch.alter_column("content_hash", type_=sa.String(80), existing_nullable=False, existing_type=sa.String(90))
    steps.drop_column("etl_job", "owner")
    steps.drop_index("ix_etl_note_text", "etl_note")
    steps.drop_table("etl_note")
'''


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Gives the library a copy of its history, to which a call adds the revision 0002 with the given text."""
    folder = tmp_path / "migrations"
    shutil.copytree(revisions.script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revisions, "script_location", lambda: folder)

    def add(text: str) -> None:
        (folder / "versions" / "0002_extra.py").write_text(text)
        revisions.known.cache_clear()

    yield add
    revisions.known.cache_clear()


@pytest.fixture
def extra_revision(history: Callable[[str], None]) -> None:
    """The history ends with a made-up revision 0002."""
    history(EXTRA)
