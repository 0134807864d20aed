"""The import floors of pyproject.toml hold, and would notice when they did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sources import ROOT


def _lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "cli")))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages and their contracts, to plant mistakes in."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "etl_models", tmp_path / "etl_models", ignore=ignore)
    shutil.copytree(ROOT / "cli", tmp_path / "cli", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_floors_import_only_downwards() -> None:
    """Every contract of pyproject.toml is kept by the code as it is."""
    result = _lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "text", "contract"),
    [
        ("etl_models/stray.py", "", "Floors import only downwards"),
        ("etl_models/domain/planted.py", "import etl_models.db.types", "Floors import only downwards"),
        ("etl_models/db/planted.py", "import etl_models.models.job", "The data layer knows none of our tables"),
        ("etl_models/specs/planted.py", "import sqlalchemy", "Rules are pure"),
        ("etl_models/models/planted.py", "import alembic", "Only migrate imports alembic"),
        ("etl_models/db/planted.py", "def f():\n    import fastapi", "Only db.fastapi imports FastAPI"),
        ("etl_models/models/planted.py", "import etl_models_cli", "Nobody imports the command line"),
        ("etl_models/models/planted.py", "def f():\n    import typer", "The library knows no terminal"),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, file: str, text: str, contract: str) -> None:
    """A contract that cannot fail protects nothing: each one names the file planted against it."""
    (copy / file).write_text(text)
    result = _lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert any(line.startswith(contract) for line in broken), result.stdout
    assert Path(file).stem in result.stdout
