"""What a user installs: the wheel built from the sdist, used where no checkout is near.

Nothing is downloaded: the build runs without isolation, and the empty environment borrows our installed dependencies.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from etl_models._version import __version__
from tests.support.sources import ROOT

pytestmark = [pytest.mark.packaging, pytest.mark.xdist_group("packaging")]


def _run(argv: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Run it with nothing of ours in its environment; its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ETL_MODELS", "COV"))}
    result = subprocess.run(argv, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{argv}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    return distributions / f"etl_models-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="session")
def sdist(distributions: Path) -> Path:
    """The source distribution."""
    return distributions / f"etl_models-{__version__}.tar.gz"


@pytest.fixture(scope="session")
def contents(wheel: Path) -> list[str]:
    """The files of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs folder of a new environment that holds the wheel and sees our dependencies, but not the checkout."""
    home = tmp_path_factory.mktemp("environment")
    _run([sys.executable, "-m", "venv", "--without-pip", home], cwd=home)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        programs / "python",
        "--disable-pip-version-check",
    ]
    _run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], cwd=home)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    installed = Path(_run([programs / "python", "-c", code], cwd=home).strip())
    # A folder named in a .pth file joins the path without its own .pth files: an editable checkout stays out.
    (installed / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_a_wheel_installs_two_packages_and_nothing_else(contents: list[str]) -> None:
    """A top-level ``cli`` or ``migrations`` would collide with packages of users."""
    tops = {name.split("/")[0] for name in contents}
    assert tops == {"etl_models", "etl_models_cli", f"etl_models-{__version__}.dist-info"}


def test_a_wheel_says_that_it_is_typed(contents: list[str]) -> None:
    """Both packages carry the marker without which type checkers see only Any."""
    assert {"etl_models/py.typed", "etl_models_cli/py.typed"} <= set(contents)


def test_a_wheel_carries_every_migration(contents: list[str]) -> None:
    """The migrations of the checkout lie inside the package, where ``db upgrade`` looks for them."""
    expected = {
        f"etl_models/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "migrations").rglob("*")
        if path.suffix in {".py", ".mako"}
    }
    assert any("/versions/" in name for name in expected)
    assert expected <= set(contents)


def test_a_wheel_carries_no_leftovers(contents: list[str]) -> None:
    """No caches, databases or tests are installed."""
    assert [
        name for name in contents if "__pycache__" in name or name.endswith((".pyc", ".db")) or "/tests/" in name
    ] == []


def test_the_metadata_says_what_a_user_needs(wheel: Path) -> None:
    """Python floor, command, licence and extras are those of pyproject.toml."""
    with zipfile.ZipFile(wheel) as archive:
        folder = f"etl_models-{__version__}.dist-info"
        metadata = archive.read(f"{folder}/METADATA").decode()
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "etl-models = etl_models_cli.app:main" in entry_points


def test_a_source_distribution_holds_what_its_tests_need(sdist: Path) -> None:
    """Whoever packages the library for a system can build and test from the sdist alone."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "LICENSE", "README.md", "Makefile", "requirements.lock", "tests/conftest.py"}
    assert wanted <= names
    assert [name for name in names if name.startswith((".venv", ".demo", ".git/")) or "__pycache__" in name] == []


def test_the_installed_library_is_not_the_checkout(environment: Path, tmp_path: Path) -> None:
    """The packages come from the environment, know their version, and bring no module with a common name."""
    code = (
        "import importlib.util, etl_models, etl_models_cli;"
        "print(etl_models.__version__, etl_models.__file__, etl_models_cli.__file__);"
        "assert importlib.util.find_spec('cli') is None and importlib.util.find_spec('migrations') is None"
    )
    version, *files = _run([environment / "python", "-c", code], cwd=tmp_path).split()
    assert version == __version__
    assert all(Path(file).is_relative_to(environment.parent) for file in files)


def test_the_command_makes_a_database_outside_a_checkout(environment: Path, tmp_path: Path) -> None:
    """``etl-models db upgrade`` finds its migrations in the installed package and brings a new file to head."""
    file = tmp_path / "store.db"
    _run([environment / "etl-models", "db", "upgrade"], cwd=tmp_path, ETL_MODELS_DATABASE_URL=f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
    assert {"etl_job", "etl_component", "etl_dataclass", "etl_execution", "etl_attempt"} <= tables
