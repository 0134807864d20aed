"""The page about the command line tells the truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from etl_models_cli.root import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_cli", DOCS / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_about_the_command_line_is_fresh() -> None:
    """docs/cli.md is what the commands say now; `make docs` writes it again."""
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == _generator().page()


def test_every_command_is_on_the_page() -> None:
    """No command is left out."""
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert [name for part in COMMANDS.values() for name in part if f"### `{name}`" not in page] == []
