"""Migrations of a user's own tables: one call in Alembic's ``env.py`` makes drafts clean on every database.

::

    from alembic import context
    from etl_models.db import run_migrations
    from myproject.models import Base

    run_migrations(context, Base.metadata)

Types of the toolkit are written as what they are, with the import they need, and check constraints are compared too
(:mod:`~etl_models.db.drafts`, :mod:`~etl_models.db.draft_checks`); SQLite's tables are changed by copying them; other
programs' tables in the same database (etl-models' own among them) are left alone; one process migrates at a time.
Alembic is imported by functions only: ``env.py`` has brought it. ``docs/toolkit-migrations.md`` walks through it all.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from etl_models.db import draft_checks
from etl_models.db.drafts import compare_type, only_tables_of, render_item, seeing_json, tidying
from etl_models.db.engine import build_engine
from etl_models.db.target import Target
from etl_models.errors import ConfigurationError

WAIT = 60.0
"""Seconds to wait for another process that migrates the same database."""

# Alembic 1.19.0 compares checks too, by name only.
_PLUGINS = ["alembic.autogenerate.*", "~alembic.autogenerate.checkconstraint_byname"]


def run_migrations(
    context: Any,
    metadata: sa.MetaData,
    *,
    url: str | None = None,
    version_table: str = "alembic_version",
    **options: Any,
) -> None:
    """Run what the command line asked for; ``context`` is ``alembic.context``.

    The database is ``url``, else a connection in ``config.attributes["connection"]``, else ``sqlalchemy.url`` of
    ``alembic.ini``. Two projects in one database need a ``version_table`` each. ``options`` go to
    ``context.configure``. Raises ConfigurationError when no database is named.
    """
    settings = {
        "target_metadata": metadata,
        "version_table": version_table,
        "render_as_batch": True,
        "render_item": render_item,
        "compare_type": compare_type,
        "include_name": only_tables_of(metadata),
        draft_checks.MARK: True,
        "autogenerate_plugins": _PLUGINS,
        **options,
        "process_revision_directives": tidying(metadata, options.get("process_revision_directives")),
    }
    draft_checks.register()
    given = context.config.attributes.get("connection")
    if url is None and given is not None:
        _run(context, given, settings)
        return
    target = Target.parse(url or context.config.get_main_option("sqlalchemy.url") or _nowhere())
    if context.is_offline_mode():
        context.configure(url=target.url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **settings)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = build_engine(target)
    try:
        with engine.connect() as connection, target.dialect.migrating(connection, wait=WAIT):
            _run(context, connection, settings)
    finally:
        engine.dispose()


def _run(context: Any, connection: sa.Connection, settings: dict[str, Any]) -> None:
    context.configure(connection=connection, **settings)
    with seeing_json(), context.begin_transaction():
        context.run_migrations()


def _nowhere() -> str:
    raise ConfigurationError("no database is named: pass url to run_migrations, or set sqlalchemy.url in alembic.ini")
