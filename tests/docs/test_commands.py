"""What the pages tell a newcomer to type works as it is written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
ACTIVATE = ". .venv/bin/activate"


def _commands(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page with the output that stands below each."""
    found: list[tuple[str, str]] = []
    for block in CONSOLE.findall((ROOT / page).read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that looks like a clone to the commands."""
    ignored = shutil.ignore_patterns("__pycache__", "totals")
    shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "examples" / "quickstart", ignore=ignored)
    command = tmp_path / "bin" / "etl-models"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m etl_models_cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def _shell(script: str, place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a newcomer's shell would, with our own commands on the path."""
    path = os.pathsep.join([str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    source = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ETL_MODELS")}
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=place,
        env={**plain, "PATH": path, "PYTHONPATH": source, "COLUMNS": "110", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_quickstart_runs_as_written(place: Path) -> None:
    """Every command of the quickstart ends as the page says, one after the other."""
    commands = [command for command, _ in _commands("docs/quickstart.md") if command != ACTIVATE]
    assert len(commands) > 12
    done = _shell("\n".join(commands), place)
    assert done.returncode == 0, done.stderr
    assert "nothing has changed" in done.stderr + done.stdout
    assert "FileNotFoundError" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_readme_shows_what_registering_prints(place: Path) -> None:
    """The output of register-job in the README is the real one."""
    shown = [(command, output) for command, output in _commands("README.md") if "register-job" in command]
    assert len(shown) == 2
    for command, output in shown:
        done = _shell(f"exec 2>&1\n{command}", place, ETL_MODELS_DATABASE_URL="sqlite:///store.db")
        assert done.returncode == 0, done.stdout
        printed = [line.rstrip() for line in done.stdout.splitlines() if not line.startswith("created the database")]
        assert printed == [line.rstrip() for line in output.splitlines()]


def test_the_worker_of_the_readme_runs(place: Path) -> None:
    """The Python of the README can be copied into a file and run beside its definitions."""
    snippet = PYTHON.findall((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    shutil.copytree(ROOT / "examples" / "flights" / "definitions", place / "definitions")
    (place / "worker.py").write_text(f"{snippet}\nprint(len(failed.items))\n", encoding="utf-8")
    done = _shell("python worker.py && etl-models --database-url sqlite:///etl.db executions list", place)
    assert done.returncode == 0, done.stderr
    assert "2013-01-01" in done.stdout
    assert "succeeded" in done.stdout


def test_the_tables_of_the_readme_work(place: Path) -> None:
    """So can the snippet about tables of one's own."""
    _, snippet = PYTHON.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    (place / "tables.py").write_text(f"{snippet}\nprint([row.budget for row in found.items], found.total)\n", "utf-8")
    done = _shell("python tables.py", place)
    assert (done.stdout, done.stderr) == ("[1000] 1\n", "")


def test_every_link_of_the_pages_leads_somewhere() -> None:
    """Relative links point to files that exist."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("examples/*/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
