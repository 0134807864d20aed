"""Many rows at once: plain dictionaries, validated, through Core in chunks of executemany.

Instances would cost five times as much, and a statement with many VALUES ten times. Rows of versioned models get
their history too. What is written here is not seen by instances the session already holds: refresh those.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from etl_models.db.chunks import CHUNK, in_chunks
from etl_models.db.errors import DuplicateError, InvalidDataError, StaleDataError
from etl_models.db.filters import Condition
from etl_models.db.given import values_of
from etl_models.db.mixins import TenantScopedMixin
from etl_models.db.serialization import with_columns_of_composites
from etl_models.db.tenancy import check_tenant, current_tenant, require_tenant, sees_every_tenant
from etl_models.db.upsert import unique_keys, upsert
from etl_models.db.validation import validated_field, validated_row
from etl_models.db.versioning import ChangeKind, VersioningMixin, entry, record, snapshot

ROWS_PER_STATEMENT = 5000
Row = Mapping[str, Any]
_OWN = "_etl_"


def insert_rows(session: Session, model: type[SQLModel], rows: Iterable[Row]) -> int:
    """Insert new rows and return how many. Raises pydantic.ValidationError before anything of its chunk is sent."""
    session.flush()
    connection, count = _connection(session, model), 0
    for chunk in in_chunks(_given(model, rows), ROWS_PER_STATEMENT):
        new = [_new_row(model, row) for row in chunk]
        count += len(new)
        if issubclass(model, VersioningMixin) and _numbering(model) is not None:
            session.add_all([model.model_validate(row) for row in chunk])  # the history needs the numbers
            session.flush()
            continue
        for group in _alike(_columns(model, row) for row in new):
            connection.execute(sa.insert(_table(model)), group)
        if issubclass(model, VersioningMixin):
            record(connection, model, [_created(model, row) for row in new])
    return count


def update_rows(session: Session, model: type[SQLModel], rows: Iterable[Row], conditions: Sequence[Condition]) -> int:
    """Change rows found by their primary key, each only in the fields it names; return how many were found.

    A row that brings its ``version`` is changed only if that is still it: StaleDataError otherwise.
    """
    session.flush()
    count, conditions = 0, [*conditions, *_owner(model)]
    for chunk in _chunks(model, rows):
        changes = [_change(model, row) for row in chunk]
        keys = [_key(model, change) for change in changes]
        with _recorded(session, model, keys):
            groups = _alike(changes) if len(set(keys)) == len(keys) else _in_turn(changes)
            count += sum(_update(session, model, group, conditions) for group in groups)
    return count


def upsert_rows(session: Session, model: type[SQLModel], rows: Iterable[Row], match: Collection[str]) -> int:
    """Insert rows, or change those that have the same values of ``match``, in the fields a row names; return how many.

    The primary key of a row that is there never changes; of several rows with the same key the last one counts. Raises
    InvalidDataError when ``match`` is not a unique key of the table, DuplicateError when another unique key is taken.
    """
    _check_match(model, match)
    session.flush()
    count = 0
    for chunk in _chunks(model, rows):
        named = chunk
        if _numbering(model) in match:
            named = [row for row in chunk if not _is_unnumbered(model, row, match)]
            insert_rows(session, model, (row for row in chunk if _is_unnumbered(model, row, match)))
        _upsert(session, model, named, [_new_row(model, row) for row in named], match)
        count += len(chunk)
    return count


def upsert_row(session: Session, model: type[SQLModel], row: Row, match: Collection[str]) -> dict[str, Any] | None:
    """Do so with one row and return what it has in ``match``; None for one that the database has yet to number."""
    _check_match(model, match)
    (row,) = _given(model, [row])
    if _is_unnumbered(model, row, match):
        return None
    session.flush()
    new = _new_row(model, row)
    _upsert(session, model, [row], [new], match)
    return {name: new[name] for name in match}


def matching(model: type[SQLModel], match: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``match``, with the tenant where the key is unique within one."""
    if not issubclass(model, TenantScopedMixin) or "tenant_id" in match or _is_unique(model, match):
        return match
    return ("tenant_id", *match)


# ---------------------------------------------------------------------------------------------------- rows and columns


def _connection(session: Session, model: type[SQLModel]) -> sa.Connection:
    return session.connection(bind_arguments={"mapper": sa.inspect(model)})


def _chunks(model: type[SQLModel], rows: Iterable[Row]) -> Iterator[list[Row]]:
    return in_chunks(_given(model, rows), CHUNK if issubclass(model, VersioningMixin) else ROWS_PER_STATEMENT)


def _given(model: type[SQLModel], rows: Iterable[Any]) -> Iterator[Row]:
    if not sa.inspect(model).composites:
        return map(values_of, rows)
    return (with_columns_of_composites(model, values_of(row)) for row in rows)


def _owner(model: type[SQLModel]) -> list[Condition]:
    """The condition that keeps statements past the guard of the session to the rows of the present tenant."""
    if not issubclass(model, TenantScopedMixin) or sees_every_tenant():
        return []
    return [_table(model).c.tenant_id == require_tenant()]


def _table(model: type[SQLModel]) -> sa.Table:
    table = sa.inspect(model).local_table
    assert isinstance(table, sa.Table)
    return table


@cache
def _attributes(model: type[SQLModel]) -> dict[str, sa.Column[Any]]:
    return {attribute.key: attribute.columns[0] for attribute in sa.inspect(model).column_attrs}


@cache
def _renamed(model: type[SQLModel]) -> bool:
    return any(name != column.key for name, column in _attributes(model).items())


@cache
def _key_names(model: type[SQLModel]) -> tuple[str, ...]:
    mapper = sa.inspect(model)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


def _is_key(model: type[SQLModel], name: str) -> bool:
    return name in _key_names(model)


@cache
def _numbering(model: type[SQLModel]) -> str | None:
    """The key that the database numbers itself, if any."""
    names = _key_names(model)
    return names[0] if len(names) == 1 and _table(model).autoincrement_column is not None else None


@cache
def _counter(model: type[SQLModel]) -> str | None:
    column = sa.inspect(model).version_id_col
    return None if column is None else column.key


def _new_row(model: type[SQLModel], row: Row) -> dict[str, Any]:
    new = validated_row(model, row)
    if issubclass(model, TenantScopedMixin):
        check_tenant(model, new["tenant_id"])
    number = _numbering(model)
    if number is not None and new[number] is None:
        del new[number]
    return new


def _columns(model: type[SQLModel], row: dict[str, Any]) -> dict[str, Any]:
    if not _renamed(model):
        return row
    attributes = _attributes(model)
    return {attributes[name].key: value for name, value in row.items()}


def _key(model: type[SQLModel], row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _key_names(model))


def _alike(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows in groups that name the same columns: one statement serves one group."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    yield from groups.values()


def _in_turn(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield them so without changing their order, which matters when a key comes several times."""
    for _, group in groupby(rows, tuple):
        yield list(group)


def _by_names(
    given: Sequence[Row], new: Sequence[dict[str, Any]], *, in_turn: bool
) -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    """Yield rows that name the same fields and have the same columns, and those names."""
    kinds = [(tuple(row), len(full)) for row, full in zip(given, new, strict=True)]
    if in_turn:
        for (names, _), group in groupby(zip(kinds, new, strict=True), itemgetter(0)):
            yield names, [full for _, full in group]
        return
    groups: dict[tuple[tuple[str, ...], int], list[dict[str, Any]]] = {}
    for kind, full in zip(kinds, new, strict=True):
        groups.setdefault(kind, []).append(full)
    for (names, _), alike in groups.items():
        yield names, alike


# ------------------------------------------------------------------------------------------------------------- updates


def _change(model: type[SQLModel], row: Row) -> dict[str, Any]:
    if missing := [name for name in _key_names(model) if row.get(name) is None]:
        raise InvalidDataError(
            f"{model.__name__}: a row to update needs its {', '.join(missing)}", model=model.__name__
        )
    if unknown := sorted(map(str, row.keys() - model.model_fields.keys())):
        raise InvalidDataError(
            f"{model.__name__} has no field {', '.join(unknown)}",
            model=model.__name__,
            problems=[{"field": name, "reason": "there is no such field"} for name in unknown],
        )
    change = {name: validated_field(model, name, value) for name, value in row.items()}
    if issubclass(model, TenantScopedMixin) and "tenant_id" in change:
        check_tenant(model, change["tenant_id"])
    return change


def _update(
    session: Session, model: type[SQLModel], changes: Sequence[Mapping[str, Any]], conditions: Sequence[Condition]
) -> int:
    table, attributes, counter = _table(model), _attributes(model), _counter(model)
    names = [name for name in changes[0] if not _is_key(model, name) and attributes[name].key != counter]
    is_checked = any(attributes[name].key == counter for name in changes[0])
    if not names:
        return 0
    found = [attributes[name] == sa.bindparam(f"{_OWN}{name}") for name in _key_names(model)]
    if counter is not None and is_checked:
        found.append(table.c[counter] == sa.bindparam(f"{_OWN}{counter}"))
    values: dict[str, Any] = {attributes[name].key: sa.bindparam(f"{_OWN}{name}") for name in names}
    if counter is not None:
        values[counter] = table.c[counter] + 1
    statement = sa.update(table).where(*found, *conditions).values(values)
    result = _connection(session, model).execute(
        statement, [{f"{_OWN}{name}": value for name, value in change.items()} for change in changes]
    )
    if is_checked and result.rowcount != len(changes):
        raise StaleDataError(model.__name__)
    return int(result.rowcount)


# ------------------------------------------------------------------------------------------------------------- upserts


def _check_match(model: type[SQLModel], match: Collection[str]) -> None:
    attributes = _attributes(model)
    if unknown := [name for name in match if name not in attributes]:
        raise InvalidDataError(f"{model.__name__} has no field {', '.join(unknown)}", model=model.__name__)
    if not _is_unique(model, match):
        raise InvalidDataError(
            f"{model.__name__}: an upsert needs a unique key, and {', '.join(match)} is none", model=model.__name__
        )


def _is_unique(model: type[SQLModel], names: Collection[str]) -> bool:
    attributes = _attributes(model)
    return frozenset(attributes[name].key for name in names if name in attributes) in unique_keys(_table(model))


def _is_unnumbered(model: type[SQLModel], row: Row, match: Collection[str]) -> bool:
    number = _numbering(model)
    return number is not None and number in match and row.get(number) is None


def _upsert(
    session: Session, model: type[SQLModel], given: Sequence[Row], new: list[dict[str, Any]], match: Collection[str]
) -> None:
    """Send validated rows, each of which changes the fields that were given of it."""
    attributes = _attributes(model)
    keys = [tuple(row[name] for name in match) for row in new]
    if any(None in key for key in keys):
        raise InvalidDataError(
            f"{model.__name__}: an upsert needs a value for {', '.join(match)}: empty ones never match",
            model=model.__name__,
        )
    _check_owner(session, model, match, keys)
    connection = _connection(session, model)
    with _recorded(session, model, keys, match):
        for names, group in _by_names(given, new, in_turn=len(set(keys)) < len(keys)):
            update = [attributes[name].key for name in names if name not in match and not _is_key(model, name)]
            columns = [attributes[name].key for name in match]
            statement = upsert(connection.dialect.name, _table(model), columns, update, bump=_counter(model))
            connection.execute(statement, [_columns(model, row) for row in group])
    _check_swallowed(session, model, match, keys)


def _check_owner(
    session: Session, model: type[SQLModel], match: Collection[str], keys: Sequence[tuple[Any, ...]]
) -> None:
    """Refuse to touch rows of another tenant: their keys are taken."""
    tenant = current_tenant()
    if not issubclass(model, TenantScopedMixin) or tenant is None or "tenant_id" in match:
        return
    columns, table = [_attributes(model)[name] for name in match], _table(model)
    for chunk in in_chunks(keys):
        query = sa.select(sa.literal(1)).where(_among(columns, chunk), table.c.tenant_id != tenant).limit(1)
        if _connection(session, model).execute(query).first():
            raise DuplicateError(f"another {model.__name__} already has this {', '.join(match)}", model=model.__name__)


def _check_swallowed(
    session: Session, model: type[SQLModel], match: Collection[str], keys: Sequence[tuple[Any, ...]]
) -> None:
    """Where any unique key leads to the update (MySQL), find the rows that met another one than ``match``."""
    wanted = frozenset(_attributes(model)[name].key for name in match)
    connection = _connection(session, model)
    if connection.dialect.name not in ("mysql", "mariadb") or unique_keys(_table(model)) == [wanted]:
        return
    columns = [_attributes(model)[name] for name in match]
    for chunk in in_chunks(set(keys)):
        query = sa.select(sa.func.count()).select_from(_table(model)).where(_among(columns, chunk))
        if connection.execute(query).scalar_one() < len(chunk):
            raise DuplicateError(f"another {model.__name__} already has one of these keys", model=model.__name__)


def _among(columns: Sequence[sa.Column[Any]], keys: Sequence[tuple[Any, ...]]) -> sa.ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return sa.or_(*(sa.and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))


# ------------------------------------------------------------------------------------------------------------- history


class _recorded:  # noqa: N801  (used like a function)
    """Adds to the history what the block changes of the rows with these values of ``match``, the key by default."""

    def __init__(
        self,
        session: Session,
        model: type[SQLModel],
        keys: Sequence[tuple[Any, ...]],
        match: Collection[str] | None = None,
    ) -> None:
        self._session, self._model, self._keys = session, model, keys
        self._columns = [_attributes(model)[name] for name in (match or _key_names(model))]
        self._applies = issubclass(model, VersioningMixin)
        self._before: dict[tuple[Any, ...], Row] = {}

    def __enter__(self) -> None:
        if self._applies:
            self._before = self._states()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._applies or kind is not None:
            return
        entries = []
        for key, state in self._states().items():
            before = self._before.get(key)
            if before is None:
                entries.append(_created(self._model, state))
            elif before["version"] != state["version"]:
                states = snapshot(self._model, before), snapshot(self._model, state)
                entries.append(_entry(self._model, ChangeKind.UPDATED, *states, state))
        record(_connection(self._session, self._model), self._model, entries)

    def _states(self) -> dict[tuple[Any, ...], Row]:
        attributes = _attributes(self._model)
        query = sa.select(*(column.label(name) for name, column in attributes.items()))
        connection = _connection(self._session, self._model)
        return {
            _key(self._model, dict(row)): dict(row)
            for chunk in in_chunks(self._keys)
            for row in connection.execute(query.where(_among(self._columns, chunk))).mappings()
        }


def _created(model: type[SQLModel], row: Row) -> dict[str, Any]:
    return _entry(model, ChangeKind.CREATED, None, snapshot(model, row), row)


def _entry(model: type[SQLModel], kind: ChangeKind, before: Row | None, after: Row, key: Row) -> dict[str, Any]:
    return entry(model, kind, key["version"], before=before, after=after, key=key)
