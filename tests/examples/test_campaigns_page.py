"""What the campaigns example says of itself: its commands run as written, and it imports public names only."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "campaigns"
PAGE = (FOLDER / "README.md").read_text("utf-8")
PUBLIC = ("etl_models", "etl_models.db", "etl_models.db.fastapi")
SOURCES = sorted(FOLDER.rglob("*.py"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example: its database is made beside it."""
    ignored = shutil.ignore_patterns("*.db*", "__pycache__")
    return Path(shutil.copytree(FOLDER, tmp_path / "campaigns", ignore=ignored))


def surroundings() -> dict[str, str]:
    """The environment of an activated virtual environment."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_commands_run_as_written(folder: Path) -> None:
    """One after the other in one shell, from nothing to the API; what the page shows of the output is there."""
    lines = block("console").splitlines()
    *commands, serve = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    script = "\n".join(commands)
    result = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=300, check=False
    )
    output = (result.stdout + result.stderr).splitlines()
    assert [line for line in lines if not line.startswith("$ ") and line not in output] == [], result.stderr
    assert result.returncode == 0, result.stderr
    assert "failed: 3 of 4 rows" in result.stderr
    snippet = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("python")],
        cwd=folder,
        env={**surroundings(), "ETL_MODELS_DATABASE_URL": "sqlite:///campaigns.db"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert snippet.returncode == 0, snippet.stderr
    with closing(sqlite3.connect(folder / "campaigns.db")) as connection:
        assert {row[3] for row in connection.execute(block("sql"))} == {"succeeded"}
    assert answered(serve, folder) == 200


def answered(command: str, folder: Path) -> int:
    """Start the server, ask how it is, and stop it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    env = {**surroundings(), "ETL_MODELS_DATABASE_URL": "sqlite:///campaigns.db"}
    with subprocess.Popen(
        [*command.split(), "--port", str(port)], cwd=folder, env=env, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            return status_of(f"http://127.0.0.1:{port}/health", server)
        finally:
            server.terminate()
            server.communicate(timeout=60)


def status_of(url: str, server: subprocess.Popen[str]) -> int:
    """The status of the first answer."""
    for _ in range(600):
        assert server.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return int(response.status)
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_only_public_names_are_imported(source: Path) -> None:
    """From three packages, and there only what they export by name."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "etl_models":
            assert node.module in PUBLIC, f"{source.name}:{node.lineno} imports {node.module}"
            exported = importlib.import_module(node.module).__all__
            assert [alias.name for alias in node.names if alias.name not in exported] == []
        if isinstance(node, ast.Import):
            ours = [alias.name for alias in node.names if alias.name.split(".")[0] == "etl_models"]
            assert [name for name in ours if name not in PUBLIC] == []


def test_the_page_names_every_module() -> None:
    """A file that is worth reading is on the page."""
    modules = {path.name for path in (FOLDER / "campaigns").glob("*.py")} - {"__init__.py", "seed.py", "settings.py"}
    assert {name for name in modules if f"campaigns/{name}" not in PAGE} == set()
