"""Pages of definitions, in the order of their names, and histories, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.keyset import SortKey, after
from etl_models.db.patterns import matches
from etl_models.domain.clock import as_utc
from etl_models.domain.jsonvalue import JsonValue, canonical
from etl_models.domain.naming import MAX_NAME_LENGTH, check_name
from etl_models.domain.paging import Page, check_limit, decode_cursor, encode_cursor, fingerprint
from etl_models.domain.text import check_text, text_problem
from etl_models.domain.vocabulary import DefinitionStatus
from etl_models.errors import InvalidInputError
from etl_models.reads.definition import VersionRead
from etl_models.specs.suggest import did_you_mean, quoted

_MAX_WILDCARDS = 8
"""``*`` in one pattern; SQLite's matching takes exponential time in their number."""


class Rows(NamedTuple):
    """The rows of one page, and the cursor of the next."""

    rows: Sequence[sa.Row[Any]]
    next_cursor: str | None


def take_page(
    session: Session,
    query: sa.Select[Any],
    keys: Mapping[str, SortKey],
    *,
    asked: Mapping[str, JsonValue],
    limit: int,
    cursor: str | None,
) -> Rows:
    """Run ``query`` for one page, sorted by ``keys``; their names are those of the columns in the rows.

    ``asked`` is what the caller asked for: a cursor is good for the same question only. Raises
    :class:`InvalidInputError` for a limit or a cursor that cannot be.
    """
    check_limit(limit)
    question = fingerprint({"sort": list(keys), **asked})
    columns = list(keys.values())
    if cursor is not None:
        query = query.where(after(columns, sort_values(cursor, question, [key.kind for key in columns])))
    found = session.execute(query.order_by(*(key.order() for key in columns)).limit(limit + 1)).all()
    if len(found) <= limit:
        return Rows(found, None)
    last = found[limit - 1]._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Rows(found[:limit], cursor_at([last[name] for name in keys], question))


def cursor_at(values: Sequence[Any], question: str) -> str:
    """Return the cursor that continues after a row with these sort values."""
    return encode_cursor({"k": canonical(values, "sort values")}, question)


def sort_values(cursor: str, question: str, kinds: Sequence[type]) -> list[Any]:
    """Read the sort values from a cursor; they come from outside, so their number and types are checked."""
    values: Any = decode_cursor(cursor, question).get("k")
    try:
        return [_READERS[kind](value) for kind, value in zip(kinds, values, strict=True)]
    except (TypeError, ValueError, AttributeError):
        message = "cursor is damaged; take next_cursor of the page before as it is"
        raise InvalidInputError(message, field="cursor") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or text_problem(value):
        raise ValueError
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**31:
        raise ValueError
    return value


_READERS: Mapping[type, Callable[[Any], Any]] = {
    str: _text,
    int: _number,
    UUID: UUID,
    datetime: lambda value: as_utc(datetime.fromisoformat(value), "cursor"),
}


def name_condition(column: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a name contains ``pattern``, or is like it when it holds ``*`` or ``?``."""
    check_text(pattern, "name", limit=MAX_NAME_LENGTH)
    if pattern.count("*") > _MAX_WILDCARDS:
        raise InvalidInputError(f"name holds more than {_MAX_WILDCARDS} times '*'", field="name")
    return matches(column, pattern)


def definition_conditions(
    table: sa.Table,
    *,
    namespace: str | None,
    status: DefinitionStatus | str | None,
    name: str | None,
    include_deleted: bool,
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that lists of jobs and dataclasses share; columns a table lacks are not asked for."""
    conditions: list[sa.ColumnElement[bool]] = []
    if namespace is not None:
        conditions.append(table.c.namespace == check_name(namespace, "namespace"))
    if status is not None:
        conditions.append(table.c.status == check_status(status))
    if name is not None:
        conditions.append(name_condition(table.c.name, name))
    if not include_deleted:
        conditions.append(table.c.is_deleted.is_(False))
    return conditions


def check_status(status: DefinitionStatus | str) -> DefinitionStatus:
    """Return the status ``status`` names, or raise :class:`InvalidInputError` with those there are."""
    try:
        return DefinitionStatus(status)
    except ValueError:
        hint = did_you_mean(str(status), list(DefinitionStatus))
        raise InvalidInputError(
            f"{quoted(str(status))} is not a status{hint} (known: {', '.join(DefinitionStatus)})", field="status"
        ) from None


def version_page(
    session: Session, versions: sa.Table, owner: str, owner_id: UUID, *, limit: int, cursor: str | None
) -> Page[VersionRead]:
    """Return a page of the versions of one definition, newest first; ``owner`` is the column of its id."""
    query = sa.select(
        versions.c.version,
        versions.c.content_hash,
        versions.c.created_at,
        versions.c.created_by,
        versions.c.document,
    ).where(versions.c[owner] == owner_id)
    keys = {"version": SortKey(versions.c.version, int, descending=True)}
    asked = {"history": str(owner_id)}
    rows, next_cursor = take_page(session, query, keys, asked=asked, limit=limit, cursor=cursor)
    return Page[VersionRead](items=tuple(VersionRead(**row._asdict()) for row in rows), next_cursor=next_cursor)
