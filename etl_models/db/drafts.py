"""How a draft of a user's migration is written: types of the toolkit by their names, the same on every database.

Alembic writes what the database of the moment calls a type. A draft shall run on the others as well, so what was read
from a database is written as the type of the toolkit that is stored like that, and a column whose type stays is named
with the type of its model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from etl_models.db.draft_checks import escaped, portable_text
from etl_models.db.exact import MAX_DIGITS, Double, Duration, FixedDecimal, LongBinary, TimeOfDay
from etl_models.db.types import LongText, SmartJSON, UTCDateTime

_MYSQL = ("mysql", "mariadb")
# A shorter TEXT or BLOB is not the same.
_MYSQL_NAMES = {LongText: "LONGTEXT", LongBinary: "LONGBLOB"}
_UUID_DIGITS = 32
_JSON_CHECK = "json_valid("

_WRITTEN: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
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
    """Write a type of the toolkit with its import, a check in words of no database; everything else as Alembic does."""
    if kind == "check" and not getattr(item, "_type_bound", False):
        name = f", name=op.f({str(item.name)!r})" if item.name else ""
        return f"sa.CheckConstraint({escaped(portable_text(item))!r}{name})"
    if kind != "type":
        return False
    written = _of_the_toolkit(item)
    if written is None and _is_reflected(item, autogenerating):
        written = _as_stored(item, autogenerating.dialect.name)
    if written is None:
        return _of_sqlalchemy(item, autogenerating) or False
    autogenerating.imports.add("import etl_models.db")
    return f"etl_models.db.{written}"


def _of_sqlalchemy(item: Any, autogenerating: Any) -> str | None:
    if isinstance(item, sa.Enum):
        # Which values are legal is a check constraint, so the draft needs no enum and outlives its members.
        return None if item.native_enum else f"sa.String(length={item.length})"
    if isinstance(item, sa.types.TypeDecorator) and isinstance(item.impl_instance, sa.String):
        return f"sa.String(length={item.impl_instance.length})"  # SQLModel's AutoString
    if not _is_reflected(item, autogenerating):
        return None
    if isinstance(item, sa.VARCHAR):
        return f"sa.String(length={item.length})"
    return "sa.Boolean()" if type(item).__name__ == "TINYINT" and item.display_width == 1 else None


def _of_the_toolkit(item: Any) -> str | None:
    for kind, write in _WRITTEN:
        if type(item) is kind:
            return write(item)
    if isinstance(item, sa.String) and getattr(item, "_variant_mapping", None):
        return f"key_string({item.length})"
    return None


def _as_stored(item: Any, database: str) -> str | None:
    """Name the type of the toolkit that is stored as ``item``, which was read from a database."""
    if isinstance(item, sa.VARCHAR) and database == "postgresql" and item.collation == "C":
        return f"key_string({item.length})"
    if isinstance(item, sa.CHAR):
        return "uuid_key()" if item.length == _UUID_DIGITS and database != "postgresql" else None
    if isinstance(item, sa.DateTime):
        return "UTCDateTime()" if database != "postgresql" or item.timezone else None
    if isinstance(item, sa.Numeric) and not isinstance(item, sa.Float):
        known = item.precision is not None and item.precision <= MAX_DIGITS and database != "sqlite"
        return f"FixedDecimal({item.precision}, {item.scale or 0})" if known else None
    return _by_kind(item, database)


def _by_kind(item: Any, database: str) -> str | None:
    if isinstance(item, sa.Integer):
        # SQLite's BIGINT may be a decimal or a span of time: there the draft says what Alembic says.
        is_big = type(item) is sa.INTEGER if database == "sqlite" else isinstance(item, sa.BigInteger)
        return "big_integer()" if is_big else None
    if isinstance(item, sa.Enum):
        return None
    kinds = ((sa.Double, "Double()"), (sa.Uuid, "uuid_key()"), (sa.JSON, "SmartJSON(checked=True)"))
    longs = ((sa.Time, "TimeOfDay()"), (sa.LargeBinary, "LongBinary()"), (sa.Text, "long_text()"))
    found = next((text for kind, text in (*kinds, *longs) if isinstance(item, kind)), None)
    by_name = {"LONGTEXT": "long_text()", "LONGBLOB": "LongBinary()", "BYTEA": "LongBinary()", "DOUBLE": "Double()"}
    return found or by_name.get(type(item).__name__)


def _is_reflected(item: Any, autogenerating: Any) -> bool:
    if not type(item).__module__.startswith("sqlalchemy."):
        return False
    given = autogenerating.metadata
    every = given if isinstance(given, list | tuple) else [given]
    return all(
        column.type is not item for metadata in every for table in metadata.tables.values() for column in table.columns
    )


def compare_type(context: Any, _inspected: Any, _column: Any, inspected_type: Any, model_type: Any) -> bool | None:
    """Say that a column has not changed where two names mean the same; None leaves the judgement to Alembic."""
    if isinstance(model_type, SmartJSON):
        checked = model_type.checked or context.dialect.name != "sqlite"
        if isinstance(inspected_type, SmartJSON):
            return not checked
        return checked and not isinstance(inspected_type, sa.JSON)
    if isinstance(inspected_type, SmartJSON):
        return True
    if isinstance(model_type, LongText | LongBinary | TimeOfDay | Double):
        return not _is_stored_as(inspected_type, model_type, context.dialect.name)
    return None


def _is_stored_as(inspected: Any, model: Any, database: str) -> bool:
    if database in _MYSQL and type(model) in _MYSQL_NAMES:
        return type(inspected).__name__ == _MYSQL_NAMES[type(model)]
    family = {LongText: sa.Text, LongBinary: sa.LargeBinary, TimeOfDay: sa.Time, Double: sa.Float}[type(model)]
    return isinstance(inspected, family)


def only_tables_of(metadata: sa.MetaData) -> Any:
    """Return an ``include_name`` that leaves alone every table that is not of ``metadata``.

    So a table that was taken out of the models is not dropped by a draft either: write that step by hand.
    """

    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in {table.name for table in metadata.tables.values()}

    return include_name


def tidying(metadata: sa.MetaData, also: Any = None) -> Any:
    """Return a ``process_revision_directives`` that makes drafts fit every database; ``also`` is the user's own."""

    def process(context: Any, revision: Any, directives: list[Any]) -> None:
        for directive in directives:
            for upgrades, downgrades in zip(directive.upgrade_ops_list, directive.downgrade_ops_list, strict=True):
                _tidy(upgrades, metadata)
                upgrades.reverse_into(downgrades)
                _leave_indexes_to_their_tables(downgrades)
        if also is not None:
            also(context, revision, directives)

    return process


def _tidy(upgrades: Any, metadata: sa.MetaData) -> None:
    for changes in upgrades.ops:
        if not hasattr(changes, "ops"):
            continue
        # MariaDB keeps an index as long as a foreign key needs it, and a column as long as a check speaks of it.
        changes.ops.sort(
            key=lambda step: (
                getattr(step, "constraint_type", None) not in ("foreignkey", "check")
                or type(step).__name__ != "DropConstraintOp"
            )
        )
        table = metadata.tables.get(f"{changes.schema}.{changes.table_name}" if changes.schema else changes.table_name)
        for step in changes.ops:
            if type(step).__name__ == "AlterColumnOp" and step.modify_type is None and table is not None:
                step.existing_type = table.c[step.column_name].type


def _leave_indexes_to_their_tables(operations: Any) -> None:
    """Drop no index of a table that is dropped: it goes along, and MariaDB keeps one that a foreign key needs."""
    dropped = {(step.schema, step.table_name) for step in operations.ops if type(step).__name__ == "DropTableOp"}
    for changes in [step for step in operations.ops if hasattr(step, "ops")]:
        if (changes.schema, changes.table_name) in dropped:
            changes.ops[:] = [step for step in changes.ops if type(step).__name__ != "DropIndexOp"]
            if not changes.ops:
                operations.ops.remove(changes)


@contextmanager
def seeing_json() -> Iterator[None]:
    """Tables read from a database meanwhile know their checked JSON columns, so that a copied table keeps the checks.

    SQLite's checks are part of the column; Alembic leaves checks without a name out when it copies a table.
    """
    event.listen(sa.Table, "column_reflect", _see_json)
    event.listen(sa.CheckConstraint, "after_parent_attach", _leave_out)
    try:
        yield
    finally:
        event.remove(sa.Table, "column_reflect", _see_json)
        event.remove(sa.CheckConstraint, "after_parent_attach", _leave_out)


def _see_json(inspector: sa.Inspector, table: sa.Table, column: Any) -> None:
    if column["name"] in _json_columns(inspector, table):
        column["type"] = SmartJSON(checked=True)


def _json_columns(inspector: sa.Inspector, table: sa.Table) -> set[str]:
    if inspector.dialect.name == "sqlite":
        checks = inspector.get_check_constraints(table.name, schema=table.schema)
        texts = [check["sqltext"] for check in checks if check["name"] is None]
    elif getattr(inspector.dialect, "is_mariadb", False):
        texts = _column_checks(inspector, table)
    else:
        return set()
    return {text.rpartition(_JSON_CHECK)[2].rstrip(") ").strip('"`') for text in texts if _JSON_CHECK in text}


def _column_checks(inspector: sa.Inspector, table: sa.Table) -> list[str]:
    query = sa.text(
        "SELECT check_clause FROM information_schema.check_constraints "
        "WHERE level = 'Column' AND table_name = :name AND constraint_schema = COALESCE(:schema, DATABASE())"
    )
    with inspector._operation_context() as connection:  # noqa: SLF001 - the connection the inspector is on
        return list(connection.execute(query, {"name": table.name, "schema": table.schema}).scalars())


def _leave_out(check: sa.CheckConstraint, table: Any) -> None:
    if isinstance(table, sa.Table) and check.name is None and _JSON_CHECK in str(check.sqltext):
        table.constraints.discard(check)
