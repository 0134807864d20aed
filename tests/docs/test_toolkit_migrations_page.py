"""The page about migrations is a walk: its files are written and its commands run, in order, on every database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "toolkit-migrations.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w/.]+\.py)`")
FROM_UPGRADE = "from `def upgrade` on:"


def steps(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, content, the paragraph above) of each block that is a file or commands."""
    end = 0
    for found in BLOCK.finditer(text):
        above = text[end : found.start()].strip().rpartition("\n\n")[2]
        end = found.end()
        if found[1] in ("python", "console"):
            yield found[1], found[2], above


def write(folder: Path, content: str, above: str) -> None:
    """Write a block to the file that the paragraph above names last; a revision keeps its head."""
    file = folder / FILE.findall(above)[-1]
    if FROM_UPGRADE in above:
        assert "def upgrade" in file.read_text(), "a draft is there to be edited"
        content = file.read_text().partition("def upgrade")[0] + content
    file.write_text(content, "utf-8")


def run(folder: Path, commands: str, url: str) -> str:
    """Run the commands in a shell."""
    script = "\n".join(line.removeprefix("$ ") for line in commands.splitlines() if line.startswith("$ "))
    script = re.sub(r"^export SHOP_URL=.*$", "", script, flags=re.MULTILINE)
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    source = os.pathsep.join([str(folder), str(ROOT), str(ROOT / "cli")])
    result = subprocess.run(
        ["sh", "-exc", script],
        cwd=folder,
        env={"PATH": path, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1", "SHOP_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.contract
def test_the_page_runs_as_written(database_url: str, tmp_path: Path) -> None:
    """Every file and command of the page does what the page says, on each database."""
    for name, module in (("alembic", "alembic"), ("etl-models", "etl_models_cli"), ("python", "")):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {f"-m {module}" if module else ""} "$@"\n', "utf-8")
        command.chmod(0o755)
    printed = ""
    for kind, content, above in steps(PAGE.read_text("utf-8")):
        if kind == "python":
            write(tmp_path, content, above)
        else:
            printed += run(tmp_path, content, database_url)
    page = PAGE.read_text("utf-8")
    assert printed.count("No new upgrade operations detected.") == len(
        re.findall(r"^\$ alembic.* check$", page, re.MULTILINE)
    )
    assert "0007 (head)" in printed
    assert "CREATE TABLE product" in (tmp_path / "first.sql").read_text()
    drafted = (tmp_path / "migrations" / "versions" / "0005_keys.py").read_text()
    (shown,) = [found[2] for found in BLOCK.finditer(page) if found[1] == "text"]
    assert [line for line in shown.splitlines() if line not in drafted] == []
