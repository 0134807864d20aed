"""Alembic's entry point. How migrations run is written in ``etl_models/migrate.py``; here is only how drafts look."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlmodel import AutoString

from etl_models import revisions
from etl_models.db.types import SmartJSON, UTCDateTime
from etl_models.migrate import run_environment

_OWN = {UTCDateTime: "instant()", SmartJSON: "json()", sa.Uuid: "uuid_key()"}


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our types with the helpers of ``script.py.mako``, so that old revisions depend on no code of today."""
    if kind != "type":
        return False
    if type(item) in _OWN:
        return _OWN[type(item)]
    if isinstance(item, sa.Text):
        return "long_text()"
    if isinstance(item, sa.String | AutoString):
        is_key = bool(getattr(item, "_variant_mapping", {}))
        return f"key({item.length})" if is_key else f"sa.String({item.length})"
    if isinstance(item, sa.BigInteger):
        return "big_integer()"
    return False


def number(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Give a draft the next number: the order of numbers is the order of application."""
    for directive in directives:
        directive.rev_id = f"{int(revisions.head()) + 1:04}"


run_environment(context, render_item=render_item, process_revision_directives=number)
