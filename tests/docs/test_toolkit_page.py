"""The page about the toolkit is a program: its snippets run, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import etl_models.db
from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "toolkit.md"
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_snippet_runs(tmp_path: Path) -> None:
    """From the first to the last, in one program, warnings being errors."""
    text = PAGE.read_text("utf-8")
    # Blank lines instead of the text between, so that a traceback names lines of the page.
    program, position = "", 0
    for found in SNIPPET.finditer(text):
        program += "\n" * text.count("\n", position, found.start(1)) + found.group(1)
        position = found.end(1)
    assert "class Campaign(FullModel, table=True):" in program
    (tmp_path / "toolkit_page.py").write_text(program, "utf-8")
    result = subprocess.run(
        [sys.executable, "-W", "error", "toolkit_page.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_page_speaks_of_the_public_names() -> None:
    """Every base, mixin and repository that is exported is on the page."""
    text = PAGE.read_text("utf-8")
    wanted = [
        name for name in etl_models.db.__all__ if name.endswith(("Base", "Model", "Mixin", "Repository", "Error"))
    ]
    assert [name for name in wanted if name not in text and name not in {"BaseRepository", "CreatedMixin"}] == []
