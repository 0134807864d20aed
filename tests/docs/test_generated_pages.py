"""Generated pages tell the truth."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from etl_models.db.bases import metadata

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _generator(page: str) -> dict[str, Any]:
    return runpy.run_path(str(DOCS / f"generate_{page}.py"))


@pytest.mark.parametrize("page", ["cli", "configuration", "schema"])
def test_a_generated_page_is_fresh(page: str) -> None:
    """The page is what the code says now; `make docs` writes it again."""
    assert (DOCS / f"{page}.md").read_text(encoding="utf-8") == _generator(page)["page"]()


def test_every_table_is_on_the_schema_page() -> None:
    """No table is left out of the page."""
    page = (DOCS / "schema.md").read_text(encoding="utf-8")
    assert [name for name in metadata.tables if f"### `{name}`" not in page] == []
