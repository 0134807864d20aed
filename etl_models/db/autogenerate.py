"""Migrations of a user's own tables: one call in Alembic's ``env.py`` makes drafts clean on every database.

::

    from alembic import context
    from etl_models.db import run_migrations
    from myproject.models import Base

    run_migrations(context, Base.metadata)

Types of the toolkit are written as what they are, with the import they need; SQLite's tables are changed by copying
them; other programs' tables in the same database (etl-models' own among them) are left alone; one process migrates at
a time. Alembic itself is never imported here: ``env.py`` brings it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from etl_models.db.engine import build_engine
from etl_models.db.exact import Double, Duration, FixedDecimal, LongBinary, TimeOfDay
from etl_models.db.target import Target
from etl_models.db.types import LongText, SmartJSON, UTCDateTime
from etl_models.errors import ConfigurationError

WAIT = 60.0
"""Seconds to wait for another process that migrates the same database."""


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
        **options,
    }
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
    with context.begin_transaction():
        context.run_migrations()


def _nowhere() -> str:
    raise ConfigurationError("no database is named: pass url to run_migrations, or set sqlalchemy.url in alembic.ini")


def only_tables_of(metadata: sa.MetaData) -> Any:
    """Return an ``include_name`` that leaves alone every table that is not of ``metadata``.

    So a table that was taken out of the models is not dropped by a draft either: write that step by hand.
    """

    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in {table.name for table in metadata.tables.values()}

    return include_name


_WRITTEN: tuple[tuple[type[Any], Any], ...] = (
    (UTCDateTime, lambda _: "UTCDateTime()"),
    (SmartJSON, lambda kind: f"SmartJSON(checked={kind.checked})"),
    (Double, lambda _: "Double()"),
    (Duration, lambda _: "Duration()"),
    (FixedDecimal, lambda kind: f"FixedDecimal({kind.precision}, {kind.scale})"),
    (TimeOfDay, lambda _: "TimeOfDay()"),
    (LongBinary, lambda _: "LongBinary()"),
    (LongText, lambda _: "long_text()"),
    (sa.Uuid, lambda _: "uuid_key()"),
    (sa.BigInteger, lambda _: "big_integer()"),
)


def render_item(kind: str, item: Any, autogenerating: Any) -> str | bool:
    """Write a type of the toolkit with its import; everything else as Alembic does."""
    if kind != "type":
        return False
    if isinstance(item, sa.Enum):
        # Which values are legal is a check constraint, so the draft needs no enum and outlives its members.
        return f"sa.String(length={item.length})" if not item.native_enum else False
    for kind_of_type, write in _WRITTEN:
        if type(item) is kind_of_type:
            return _ours(write(item), autogenerating)
    if isinstance(item, sa.String) and getattr(item, "_variant_mapping", None):
        return _ours(f"key_string({item.length})", autogenerating)
    if isinstance(item, sa.types.TypeDecorator) and isinstance(item.impl_instance, sa.String):
        return f"sa.String(length={item.impl_instance.length})"  # SQLModel's AutoString
    return False


def _ours(text: str, autogenerating: Any) -> str:
    autogenerating.imports.add("import etl_models.db")
    return f"etl_models.db.{text}"


def compare_type(context: Any, _inspected: Any, _column: Any, inspected_type: Any, model_type: Any) -> bool | None:
    """Say that a column has not changed where two names mean the same; None leaves the judgement to Alembic."""
    if isinstance(model_type, SmartJSON):
        stored = {"sqlite": sa.Text if model_type.checked else sa.JSON}.get(context.dialect.name)
        # MariaDB keeps JSON as LONGTEXT with a check, and says so.
        texts = sa.JSON if stored is None else stored
        is_same = isinstance(inspected_type, texts) or (
            context.dialect.name in ("mysql", "mariadb") and isinstance(inspected_type, sa.Text)
        )
        return False if is_same else None
    if isinstance(model_type, LongText | LongBinary | TimeOfDay | Double):
        family = {LongText: sa.Text, LongBinary: sa.LargeBinary, TimeOfDay: sa.Time, Double: sa.Float}[type(model_type)]
        return False if isinstance(inspected_type, family) else None
    return None
