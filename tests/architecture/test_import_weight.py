"""Importing the library is cheap: what only some users need is loaded when they use it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.sources import ROOT

HEAVY = {"alembic", "typer", "fastapi", "rich", "yaml"}


def _loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statement."""
    program = (
        f"import sys, json\n{statement}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    """``import etl_models`` loads neither Alembic, Typer, FastAPI, Rich nor YAML, and no database layer either."""
    assert not _loaded_by("import etl_models") & {*HEAVY, "sqlalchemy", "sqlmodel", "pydantic"}


@pytest.mark.parametrize(
    "name", ["JobBase", "StrategyType", "Database", "Store", "AsyncStore", "Recorder", "AsyncRecorder"]
)
def test_using_a_public_name_loads_nothing_heavy(name: str) -> None:
    """The faces work without migrations, command line and definition files being loaded."""
    assert not _loaded_by(f"from etl_models import {name}") & HEAVY


def test_a_heavy_import_would_be_seen() -> None:
    """The probe itself works."""
    assert "yaml" in _loaded_by("import yaml")
