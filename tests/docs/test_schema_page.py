"""The schema page tells the truth."""

import importlib.util
from pathlib import Path
from types import ModuleType

from etl_models.db.bases import metadata

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_schema", DOCS / "generate_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_page_is_fresh() -> None:
    """docs/schema.md is what the models say now; `make docs` writes it again."""
    assert (DOCS / "schema.md").read_text(encoding="utf-8") == _generator().page()


def test_every_table_is_on_the_page() -> None:
    """No table is left out of the page."""
    page = (DOCS / "schema.md").read_text(encoding="utf-8")
    assert [name for name in metadata.tables if f"### `{name}`" not in page] == []
