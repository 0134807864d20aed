"""A user's migrations: drafts are clean, importable and complete, on every database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from etl_models.db.target import Target
from tests.support.sources import ROOT

pytestmark = pytest.mark.contract

ENVIRONMENT = """
from alembic import context
from etl_models.db import run_migrations
from shop import Base
run_migrations(context, Base.metadata, version_table="shop_version")
"""
FIRST = """
import enum, uuid
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Optional
from sqlmodel import Field, Relationship
from etl_models.db import Base, FullAuditModel, SlugMixin, TenantScopedMixin, TimestampedBase

class Status(enum.StrEnum):
    NEW = "new"
    SOLD = "sold"

class Customer(TenantScopedMixin, TimestampedBase, table=True):
    email: str = Field(max_length=100, unique=True)

class Product(SlugMixin, FullAuditModel, table=True):
    name: str = Field(max_length=100, index=True)
    status: Status = Status.NEW
    price: Decimal = Field(default=Decimal(0), max_digits=12, decimal_places=2)
    weight: float = 0.0
    stock: int = 0
    description: str = ""
    picture: bytes = b""
    day: Optional[date] = None
    opens: Optional[time] = None
    lasts: Optional[timedelta] = None
    facts: dict[str, Any] = Field(default_factory=dict)
    customer_id: Optional[int] = Field(default=None, foreign_key="customer.id")
"""
SECOND = FIRST.replace("    stock: int = 0\n", "").replace(
    "    weight: float = 0.0\n",
    "    weight: float | None = None\n    colour: str | None = Field(default=None, max_length=20, index=True)\n",
)


class Project:
    """A folder with models and Alembic, as a user has it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.alembic("init", "migrations")
        (folder / "migrations" / "env.py").write_text(ENVIRONMENT)
        ini = folder / "alembic.ini"
        lines = [
            line if not line.startswith("sqlalchemy.url") else f"sqlalchemy.url = {url}"
            for line in ini.read_text().splitlines()
        ]
        ini.write_text("\n".join(lines))

    def alembic(self, *arguments: str) -> str:
        """Run the command; it has to succeed, without a warning."""
        result = subprocess.run(
            [sys.executable, "-W", "error::sqlalchemy.exc.SAWarning", "-m", "alembic", *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": f"{ROOT}:{self.folder}", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def draft(self, models: str, title: str) -> str:
        """Write a revision for these models and apply it; returns its text."""
        (self.folder / "shop.py").write_text(models)
        known = set(self.folder.glob("migrations/versions/*.py"))
        self.alembic("revision", "--autogenerate", "-m", title)
        (made,) = set(self.folder.glob("migrations/versions/*.py")) - known
        self.alembic("upgrade", "head")
        return made.read_text()


def _body(revision: str) -> str:
    return revision.partition("def upgrade")[2]


def test_drafts_are_clean_and_complete(database_url: str, tmp_path: Path) -> None:
    """A first draft makes the tables, a second of the same models is empty, a changed model gives the change only."""
    project = Project(tmp_path, Target.parse(database_url).url.render_as_string(hide_password=False))
    first = project.draft(FIRST, "first")
    assert "sqlmodel" not in first
    assert "AutoString" not in first
    assert "product_history" in first
    assert "No new upgrade operations" in project.alembic("check")
    second = _body(project.draft(SECOND, "second"))
    assert "drop_column('stock')" in second
    assert "ix_product_colour" in second
    assert "alter_column('weight'" in second
    assert second.count("add_column") == 2  # once up, once down
    project.alembic("check")
    project.alembic("downgrade", "base")
    project.alembic("upgrade", "head")
    project.alembic("check")
