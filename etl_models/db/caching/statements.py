"""What a statement changes, as names of cached rows and tables: read off the statement itself, whoever made it.

So a flush, a bulk method, an upsert and a statement written by hand are all told the same way. Where the primary keys
stand in the WHERE clause single rows are named, else the whole table; what cannot be read names everything.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import BooleanClauseList

from etl_models.db.caching.names import EVERYTHING, key_types, name_of, scope_of
from etl_models.db.upsert import unique_keys

MAX_NAMED = 1000
"""Rows named one by one in a statement; more of them are a table."""
_READS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|values|show|pragma|savepoint|release|rollback|begin|start|commit)\b",
    re.IGNORECASE | re.DOTALL,
)
_SETTING = re.compile(r"\s*set\b", re.IGNORECASE)
_FOLLOWING = ("CASCADE", "SET NULL", "SET DEFAULT")


@dataclass(frozen=True, slots=True)
class Effect:
    """What one execution does. ``names`` are to be forgotten; a setting may change what reads see."""

    writes: bool = False
    is_setting: bool = False
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every execution of one compiled statement does; with ``keys``, which rows is told by these parameters."""

    effect: Effect
    table: sa.Table | None = None
    keys: tuple[str, ...] = ()


READ = Effect()
_SET = Effect(is_setting=True)
_UNKNOWN = Effect(writes=True, names=frozenset([EVERYTHING]))
_plans: weakref.WeakKeyDictionary[Any, _Plan] = weakref.WeakKeyDictionary()


def effect_of(statement: str, context: Any) -> Effect:
    """Return what an execution changes; ``context`` is SQLAlchemy's, None for one without."""
    compiled = getattr(context, "compiled", None)
    if compiled is None:
        return _effect_of_text(statement)
    plan = _plans.get(compiled)
    if plan is None:
        plan = _plans[compiled] = _plan_of(statement, compiled)
    if not plan.keys or plan.table is None:
        return plan.effect
    named = _named(plan.table, plan.keys, context.compiled_parameters, context.dialect)
    if named is None:
        return plan.effect
    return Effect(writes=True, names=plan.effect.names - {scope_of(plan.table)} | named)


def _effect_of_text(statement: str) -> Effect:
    if _READS.match(statement):
        return READ
    return _SET if _SETTING.match(statement) else _UNKNOWN


def _plan_of(text: str, compiled: Any) -> _Plan:
    statement = compiled.statement
    if not isinstance(statement, sa.Select | sa.CompoundSelect | UpdateBase):
        return _Plan(_effect_of_text(text))
    inner = [part for part in visitors.iterate(statement) if isinstance(part, UpdateBase) and part is not statement]
    if inner:
        return _Plan(_UNKNOWN)
    if not isinstance(statement, UpdateBase):
        return _Plan(READ)
    table = statement.table
    if not isinstance(table, sa.Table) or getattr(compiled.compile_state, "is_multitable", False):
        return _Plan(_UNKNOWN)
    if isinstance(statement, sa.Insert):
        return _plan_of_insert(statement, table)
    following = _following(table, deleted=isinstance(statement, sa.Delete))
    keys = _names_in_where(getattr(statement, "whereclause", None), table, compiled)
    return _Plan(Effect(writes=True, names=frozenset([scope_of(table), *following])), table, keys)


def _plan_of_insert(statement: Any, table: sa.Table) -> _Plan:
    if statement._prefixes:  # noqa: SLF001  (INSERT OR REPLACE and the like)
        return _Plan(Effect(writes=True, names=frozenset([scope_of(table), *_following(table, deleted=True)])))
    if statement._post_values_clause is None:  # noqa: SLF001
        return _Plan(Effect(writes=True))  # nothing was cached of rows that were not there
    keys: tuple[str, ...] = ()
    primary = [column.key for column in table.primary_key]
    if set(unique_keys(table)) == {frozenset(primary)}:  # a conflict is one over the primary key
        keys = tuple(primary)
    names = frozenset([scope_of(table), *_following(table, deleted=False)])
    return _Plan(Effect(writes=True, names=names), table, keys)


def _following(table: sa.Table, *, deleted: bool, known: frozenset[str] = frozenset()) -> set[str]:
    """Name the tables whose rows the database itself changes when a row of ``table`` goes or gets another key."""
    found: set[str] = set()
    for other in table.metadata.tables.values():
        name = scope_of(other)
        if name in known | found:
            continue
        rules = [
            (key.ondelete if deleted else key.onupdate) or "" for key in other.foreign_keys if key.references(table)
        ]
        if any(rule.upper() in _FOLLOWING for rule in rules):
            found.add(name)
            cascades = deleted and any(rule.upper() == "CASCADE" for rule in rules)
            found |= _following(other, deleted=cascades, known=known | found)
            if cascades:
                found |= _following(other, deleted=False, known=known | found)
    return found


# -------------------------------------------------------------------------------------------------- keys in statements


def _names_in_where(where: Any, table: sa.Table, compiled: Any) -> tuple[str, ...]:
    """Return the parameters that hold the primary key of the one row meant; none where the clause does not fix it."""
    found: dict[str, str] = {}
    for term in _terms(where):
        left, right = getattr(term, "left", None), getattr(term, "right", None)
        if (
            getattr(term, "operator", None) is operators.eq
            and isinstance(left, sa.Column)
            and getattr(left.table, "name", None) == table.name
            and isinstance(right, sa.BindParameter)
            and right in compiled.bind_names
        ):
            found[left.key] = compiled.bind_names[right]
    primary = [column.key for column in table.primary_key]
    return tuple(found[name] for name in primary) if found.keys() >= set(primary) else ()


def _terms(where: Any) -> Iterator[Any]:
    if isinstance(where, BooleanClauseList) and where.operator is operators.and_:
        for clause in where.clauses:
            yield from _terms(clause)
    elif where is not None:
        yield where


def _named(
    table: sa.Table, keys: Sequence[str], executions: Iterable[Mapping[str, Any]], dialect: sa.Dialect
) -> frozenset[str] | None:
    """Return the names of the rows, None where they are not surely told by their keys."""
    kinds = key_types(table)
    if kinds is None or not all(_is_exact(column, dialect) for column in table.primary_key):
        return None
    names: set[str] = set()
    for parameters in executions:
        key = [parameters.get(name) for name in keys]
        if [type(part) for part in key] != list(kinds):
            return None
        names.add(name_of(table, key))
        if len(names) > MAX_NAMED:
            return None
    return frozenset(names)


def _is_exact(column: sa.Column[Any], dialect: sa.Dialect) -> bool:
    """Say whether no two texts are the same key: on MySQL at least those that differ in blanks at the end are."""
    if not isinstance(column.type, sa.String):
        return True
    collation = getattr(column.type.dialect_impl(dialect), "collation", None)
    return dialect.name not in ("mysql", "mariadb") and collation in (None, "C", "POSIX", "BINARY")
