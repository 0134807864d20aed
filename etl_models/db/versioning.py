"""Version history: a table ``<table>_history`` beside each versioned one, with every state its rows ever had.

Each flush adds a row per change in the same transaction: who, when, what before and after. Rows of the history have
no foreign key, so they outlive what they tell of. Repositories record bulk changes as well; Core statements written
by hand go past it.
"""

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import event
from sqlalchemy.orm import Mapper, Session, object_session
from sqlmodel import SQLModel

from etl_models.db.bases import MYSQL_OPTIONS
from etl_models.db.column_types import bare
from etl_models.db.errors import InvalidDataError, NotFoundError, RepositoryError
from etl_models.db.mixins import RowVersionMixin, TenantScopedMixin
from etl_models.db.serialization import column_fields, decode_value, encode_value
from etl_models.db.tenancy import is_visible, require_tenant, sees_every_tenant
from etl_models.db.types import SmartJSON, UTCDateTime, big_integer, key_string, one_of, str_enum
from etl_models.db.validation import as_row, is_bare, set_fields, validated_field
from etl_models.domain.actor import current_actor
from etl_models.domain.clock import utcnow
from etl_models.domain.jsonvalue import canonical

SUFFIX = "_history"
# Not in Table.info, which Alembic writes into its drafts.
_histories: weakref.WeakKeyDictionary[Any, sa.Table] = weakref.WeakKeyDictionary()
_BEFORE = "etl_models_before"


class ChangeKind(StrEnum):
    """What happened to a row."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a history. ``before`` is None for a creation, ``after`` for a deletion; values are JSON."""

    version: int
    kind: ChangeKind
    changed_at: datetime
    changed_by: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that differ."""
        before, after = self.before or {}, self.after or {}
        return tuple(sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)))


class VersioningMixin(RowVersionMixin):
    """``version`` and the full history of a row: :meth:`history`, :meth:`as_of`, :meth:`revert_to`.

    The methods use the session the row is in; with an asynchronous one call them in ``session.run_sync``, or use those
    of the repository. They raise RepositoryError for a row that is in no session.
    """

    def history(self) -> list[Change]:
        """Every change of this row, the oldest first."""
        return changes(_session_of(self), type(self), _identity(self))

    def as_of(self, moment: datetime) -> Self | None:
        """This row as it was at ``moment``, in no session; None when it did not exist then."""
        state: Self | None = state_at(_session_of(self), type(self), _identity(self), moment)
        return state

    def revert_to(self, version: int) -> Self:
        """Give the row the values of an older version, as a new version; flushed. Raises NotFoundError without it."""
        session = _session_of(self)
        restore(self, state_of_version(session, type(self), _identity(self), version))
        session.flush()
        return self


def history_table(model: type[Any]) -> sa.Table:
    """Return the table of the history of ``model``; select from it as from any other."""
    return _histories[sa.inspect(model).local_table]


def changes(session: Session, model: type[Any], identity: Sequence[Any]) -> list[Change]:
    """Return the history of the row with that primary key, the oldest first; also of a deleted one."""
    table = history_table(model)
    _check_tenant(model)
    rows = session.connection().execute(
        sa.select(table).where(*_is_of(table, model, identity)).order_by(table.c.history_id)
    )
    return [
        Change(row.version, ChangeKind(row.kind), row.changed_at, row.changed_by, row.before, row.after)
        for row in rows
        if _is_seen(model, row.before) and _is_seen(model, row.after)
    ]


def state_at(session: Session, model: type[Any], identity: Sequence[Any], moment: datetime) -> Any:
    """Return the row as it was at ``moment``, as a new instance in no session; None when it did not exist.

    Fields that are gone since are left out, new ones have their defaults. Raises InvalidDataError for a naive moment.
    """
    if moment.utcoffset() is None:
        raise InvalidDataError("a moment needs an offset: pass an aware datetime", model=model.__name__)
    found = _state(session, model, identity, history_table(model).c.changed_at <= moment)
    return None if found is None else _revived(model, found)


def state_of_version(session: Session, model: type[Any], identity: Sequence[Any], version: int) -> Mapping[str, Any]:
    """Return the fields of a version as JSON. Raises NotFoundError when there is none of it."""
    found = _state(session, model, identity, history_table(model).c.version == version)
    if found is None:
        raise NotFoundError(f"version {version} of {model.__name__}", identity=_shown(identity))
    return found


def _state(
    session: Session, model: type[Any], identity: Sequence[Any], condition: sa.ColumnElement[bool]
) -> Mapping[str, Any] | None:
    """Return the last state that fits; None where there is none, the row was deleted, or is another tenant's."""
    _check_tenant(model)
    table = history_table(model)
    query = sa.select(table.c.after).where(*_is_of(table, model, identity), condition)
    found: Mapping[str, Any] | None = (
        session.connection().execute(query.order_by(table.c.history_id.desc()).limit(1)).scalar()
    )
    return found if _is_seen(model, found) else None


def restore(row: SQLModel, state: Mapping[str, Any]) -> None:
    """Set the fields of ``row`` to those of an older state; key, version and what an update sets by itself stay.

    All of them, or none when the model would refuse one by now: pydantic.ValidationError.
    """
    mapper = sa.inspect(type(row))
    kept = {
        attribute.key
        for attribute in mapper.column_attrs
        if (column := attribute.columns[0]).primary_key
        or column is mapper.version_id_col
        or column.onupdate is not None
    }
    set_fields(row, {name: value for name, value in _decoded(type(row), state).items() if name not in kept})


def snapshot(model: type[SQLModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return column values by attribute name as JSON."""
    return {name: _checked(name, encode_value(values.get(name))) for name in column_fields(model)}


def _checked(name: str, value: Any) -> Any:
    return canonical(value, name) if isinstance(value, dict | list) else value


def entry(
    model: type[Any],
    kind: ChangeKind,
    version: int,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    key: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a row for the history table; ``key`` holds the primary key by attribute name."""
    mapper = sa.inspect(model)
    return {
        **{f"row_{column.name}": key[mapper.get_property_by_column(column).key] for column in mapper.primary_key},
        "version": version,
        "kind": kind,
        "changed_at": utcnow(),
        "changed_by": current_actor(),
        "before": before,
        "after": after,
    }


def record(connection: sa.Connection, model: type[Any], entries: Iterable[Mapping[str, Any]]) -> None:
    """Add entries to the history of ``model``."""
    if rows := list(entries):
        connection.execute(sa.insert(history_table(model)), rows)


def _make_history_table(table: sa.Table) -> sa.Table:
    key = [sa.Column(f"row_{column.name}", column.type, nullable=False) for column in table.primary_key]
    options: dict[str, Any] = MYSQL_OPTIONS
    return sa.Table(
        f"{table.name}{SUFFIX}",
        table.metadata,
        sa.Column("history_id", big_integer(), primary_key=True),
        *key,
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", str_enum(ChangeKind), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.Column("changed_by", key_string(255), nullable=False),
        sa.Column("before", SmartJSON(checked=True, composed=True)),
        sa.Column("after", SmartJSON(checked=True, composed=True)),
        one_of("kind", ChangeKind),
        sa.Index(None, *[column.name for column in key], "version"),
        schema=table.schema,
        **options,
    )


@event.listens_for(VersioningMixin, "after_mapper_constructed", propagate=True)
def _add_history(mapper: Mapper[Any], _: type[Any]) -> None:
    table = mapper.local_table
    if isinstance(table, sa.Table):
        _histories[table] = _make_history_table(table)


@event.listens_for(VersioningMixin, "after_insert", propagate=True)
def _after_insert(_: Mapper[Any], connection: sa.Connection, row: VersioningMixin) -> None:
    _record_one(connection, row, ChangeKind.CREATED, None)


@event.listens_for(VersioningMixin, "before_update", propagate=True)
@event.listens_for(VersioningMixin, "before_delete", propagate=True)
def _before_change(_: Mapper[Any], connection: sa.Connection, row: VersioningMixin) -> None:
    sa.inspect(row).info[_BEFORE] = _committed(connection, row)


@event.listens_for(VersioningMixin, "after_update", propagate=True)
def _after_update(_: Mapper[Any], connection: sa.Connection, row: VersioningMixin) -> None:
    before = sa.inspect(row).info.pop(_BEFORE, None)
    if before is not None and before.get("version") != row.version:  # a flush without a change sends no UPDATE
        _record_one(connection, row, ChangeKind.UPDATED, before)


@event.listens_for(VersioningMixin, "after_delete", propagate=True)
def _after_delete(_: Mapper[Any], connection: sa.Connection, row: VersioningMixin) -> None:
    _record_one(connection, row, ChangeKind.DELETED, sa.inspect(row).info.pop(_BEFORE, None))


def _record_one(
    connection: sa.Connection, row: VersioningMixin, kind: ChangeKind, before: Mapping[str, Any] | None
) -> None:
    model, values = type(row), {name: getattr(row, name) for name in column_fields(type(row))}
    after = None if kind is ChangeKind.DELETED else snapshot(model, values)
    version = row.version + 1 if kind is ChangeKind.DELETED else row.version
    record(connection, model, [entry(model, kind, version, before=before, after=after, key=values)])


def _committed(connection: sa.Connection, row: VersioningMixin) -> dict[str, Any]:
    """Return what the database holds of ``row``: the values before they were changed."""
    model, attributes = type(row), sa.inspect(row).attrs
    values, unknown = {}, []
    for name in column_fields(model):
        history = attributes[name].history
        values[name] = history.deleted[0] if history.deleted else getattr(row, name)
        if history.added and not history.deleted:  # changed in place, or set before it was loaded
            unknown.append(name)
    if unknown:
        values |= _stored(connection, row, unknown)
    return snapshot(model, values)


def _stored(connection: sa.Connection, row: Any, names: Iterable[str]) -> Mapping[str, Any]:
    mapper, identity = sa.inspect(type(row)), sa.inspect(row).identity or ()
    columns = [mapper.column_attrs[name].columns[0].label(name) for name in names]
    found = [column == value for column, value in zip(mapper.primary_key, identity, strict=True)]
    stored = connection.execute(sa.select(*columns).where(*found)).mappings().one_or_none()
    return dict(stored or {})


def _is_of(table: sa.Table, model: type[Any], identity: Sequence[Any]) -> list[sa.ColumnElement[bool]]:
    columns = sa.inspect(model).primary_key
    return [table.c[f"row_{column.name}"] == value for column, value in zip(columns, identity, strict=True)]


def _decoded(model: type[Any], state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: decode_value(bare(model.model_fields[name].annotation), value)
        for name, value in state.items()
        if name in model.model_fields  # a field may have gone since
    }


def _revived(model: type[Any], state: Mapping[str, Any]) -> Any:
    """Make an instance of an old state, which the rules of today may refuse."""
    values = {name: _revived_field(model, name, value) for name, value in _decoded(model, state).items()}
    made = model.model_construct(**values)
    return as_row(model, made) if is_bare(made) else made


def _revived_field(model: type[Any], name: str, value: Any) -> Any:
    try:
        return validated_field(model, name, value)
    except ValidationError:
        pass
    try:
        return TypeAdapter(model.model_fields[name].annotation).validate_python(value)
    except ValidationError:
        return value


def _check_tenant(model: type[Any]) -> None:
    if issubclass(model, TenantScopedMixin) and not sees_every_tenant():
        require_tenant()


def _is_seen(model: type[Any], state: Mapping[str, Any] | None) -> bool:
    return state is None or not issubclass(model, TenantScopedMixin) or is_visible(state["tenant_id"])


def _session_of(row: Any) -> Session:
    if (session := object_session(row)) is None:
        raise RepositoryError(f"this {type(row).__name__} is in no session", model=type(row).__name__)
    return session


def _identity(row: Any) -> tuple[Any, ...]:
    return tuple(sa.inspect(type(row)).primary_key_from_instance(row))


def _shown(identity: Sequence[Any]) -> Any:
    return identity[0] if len(identity) == 1 else tuple(identity)
