"""Listens to every engine of the process: what has to be forgotten, when, and which sessions may use a cache.

What a transaction changes is collected per connection, blocked in the stores before its COMMIT is sent and released
after it; a rollback forgets the collection. A process that dies between the two leaves blocks that end by themselves.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from etl_models.db.caching.names import EVERYTHING
from etl_models.db.caching.statements import MAX_NAMED, effect_of

_MARKS = "etl_models_cache_marks"


class Standing(IntEnum):
    """What a session may do with a cache at this moment."""

    NOTHING = 0
    READ = 1
    """It sees a state of the database from before now: what it reads may be outdated."""
    FILL = 2


class Forgetful(Protocol):
    """A cache that can be told what is about to change."""

    def block(self, engine: sa.Engine, names: frozenset[str]) -> Any:
        """Forget the names until the block is released; return what releases it."""

    def release(self, mark: Any) -> None:
        """End a block; never raises."""


@dataclass(slots=True)
class _Pending:
    """What the transaction of a connection has done so far."""

    writes: bool = False
    is_set: bool = False
    names: set[str] = field(default_factory=set)

    def add(self, names: frozenset[str]) -> None:
        self.names |= names
        if len(self.names) > 10 * MAX_NAMED:
            self.names = {EVERYTHING}


_caches: set[Forgetful] = set()
_pending: weakref.WeakKeyDictionary[sa.Connection, _Pending] = weakref.WeakKeyDictionary()
_begun: weakref.WeakKeyDictionary[SessionTransaction, weakref.WeakSet[sa.Connection]] = weakref.WeakKeyDictionary()


def register(cache_: Forgetful) -> None:
    """Tell a cache from now on what changes."""
    _caches.add(cache_)
    _install()


def unregister(cache_: Forgetful) -> None:
    """Tell it no more."""
    _caches.discard(cache_)


def standing(session: Session, bind: sa.Engine) -> Standing:
    """Say what a session may do with a cache: nothing as soon as it has changed something, flushed or not."""
    if session.new or session.deleted or session.dirty or _is_translated(bind):
        return Standing.NOTHING
    transaction = session.get_transaction()
    if transaction is None:
        return Standing.FILL
    connections = _begun.get(transaction)
    if connections is None:  # it began before anybody listened
        return Standing.NOTHING
    return min((_standing(connection) for connection in connections), default=Standing.FILL)


def saw_only_committed(session: Session) -> bool:
    """Say whether what was just read is what others would read: nothing of it uncommitted."""
    transaction = session.get_transaction()
    connections = () if transaction is None else _begun.get(transaction, ())
    return all(
        not _of(connection).writes and _isolation(connection) != "READ UNCOMMITTED" for connection in connections
    )


def _standing(connection: sa.Connection) -> Standing:
    pending = _of(connection)
    if pending.writes or _is_translated(connection):
        return Standing.NOTHING
    sees_now = not pending.is_set and _isolation(connection) in ("READ COMMITTED", "AUTOCOMMIT")
    return Standing.FILL if sees_now else Standing.READ


def _isolation(connection: sa.Connection) -> str:
    chosen = connection.get_execution_options().get("isolation_level")
    chosen = chosen or getattr(connection.dialect, "_on_connect_isolation_level", None)
    return str(chosen or connection.dialect.default_isolation_level).replace("_", " ").upper()


def _is_translated(holder: sa.Engine | sa.Connection) -> bool:
    return bool(holder.get_execution_options().get("schema_translate_map"))


def _of(connection: sa.Connection) -> _Pending:
    return _pending.setdefault(connection, _Pending())


# ------------------------------------------------------------------------------------------------------------ listeners


@cache
def _install() -> None:
    event.listen(Session, "after_transaction_create", _on_transaction)
    event.listen(Session, "after_begin", _on_session_begin)
    event.listen(sa.Engine, "begin", _on_begin)
    event.listen(sa.Engine, "before_cursor_execute", _on_execute)
    event.listen(sa.Engine, "after_cursor_execute", _on_executed)
    event.listen(sa.Engine, "commit", _on_commit)
    event.listen(sa.Engine, "commit_twophase", _on_commit)
    event.listen(sa.Engine, "rollback", _on_rollback)
    event.listen(sa.Engine, "rollback_twophase", _on_rollback)
    event.listen(sa.Pool, "checkin", _on_checkin)


def _on_transaction(_: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _begun[transaction] = weakref.WeakSet()


def _on_session_begin(session: Session, _: SessionTransaction, connection: sa.Connection) -> None:
    root = session.get_transaction()
    if root is not None and root in _begun:
        _begun[root].add(connection)


def _on_begin(connection: sa.Connection) -> None:
    _pending.pop(connection, None)
    _release_of(connection)


def _on_execute(connection: sa.Connection, _: Any, statement: str, __: Any, context: Any, ___: bool) -> None:  # noqa: FBT001
    if not _caches:
        return
    effect = effect_of(statement, context)
    if effect.is_setting:
        _of(connection).is_set = True
    if effect.writes:
        pending = _of(connection)
        pending.writes = True
        pending.add(effect.names)
        if _isolation(connection) == "AUTOCOMMIT":
            _block(connection)


def _on_executed(connection: sa.Connection, *_: Any) -> None:
    if _caches and _isolation(connection) == "AUTOCOMMIT":
        _pending.pop(connection, None)
        _release_of(connection)


def _on_commit(connection: sa.Connection, *_: Any) -> None:
    if connection in _pending:
        _block(connection)
        _pending.pop(connection, None)


def _on_rollback(connection: sa.Connection, *_: Any) -> None:
    _pending.pop(connection, None)
    _release_of(connection)


def _on_checkin(_: Any, record: Any) -> None:
    _release(record.info)


def _block(connection: sa.Connection) -> None:
    names = frozenset(_of(connection).names)
    if names:
        marks = [(each, each.block(connection.engine, names)) for each in list(_caches)]
        connection.info.setdefault(_MARKS, []).extend(marks)


def _release_of(connection: sa.Connection) -> None:
    # One that was lost has no info any more, and asking for it would raise; its blocks end by themselves.
    if not connection.invalidated:
        _release(connection.info)


def _release(info: Any) -> None:
    for cache_, mark in info.pop(_MARKS, ()):
        cache_.release(mark)
