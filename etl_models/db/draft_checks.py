"""Check constraints in drafts: Alembic compares everything but these, and cannot drop a column that one speaks of.

A database stores a check in words of its own (PostgreSQL: ``color::text = ANY (ARRAY['r'::character varying, ...])``),
so what is compared is what survives that: the columns, the values and the signs of comparison. Operators between the
same columns and values, such as ``AND`` for ``OR``, are not noticed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.naming import conv

MARK = "etl_models_checks"
"""Option of ``context.configure`` that turns the comparison on: comparators of Alembic are those of the process."""

_CAST = re.compile(
    r'::"?\w+"?(?: varying| precision| with(?:out)? time zone)?(?:\(\d+(?:, ?\d+)?\))?(?:\[\])?', re.IGNORECASE
)
_CHARSET = re.compile(r"\b_utf8(?:mb[34])?(?=\\?')")
_STRING = r"'(?:[^']|'')*'"
_TOKEN = re.compile(rf"{_STRING}|<>|!=|[<>]=?|\d+(?:\.\d+)?|[^\W\d]\w*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ONE_OF_ANY = re.compile(rf"^\(*(?P<column>\w+)\)?\s*=\s*ANY\s*\(+ARRAY\[(?P<values>(?:{_STRING}|[\s,])*)\]\)+$")
_MYSQL = ("mysql", "mariadb")


class _Portable(DefaultDialect):
    """Writes checks in words that every database reads: a boolean column alone, not ``= 1``."""

    supports_native_boolean = True


def portable_text(check: sa.CheckConstraint) -> str:
    """Return the condition as it can be written in a draft for every database."""
    return _compiled(check, _Portable())


def compare_checks(  # noqa: PLR0917 - as Alembic calls it
    context: Any, changes: Any, schema: str | None, name: str, stored: sa.Table | None, model: sa.Table | None
) -> None:
    """Add to ``changes`` what makes the checks of a table those of its model; a comparator of Alembic."""
    if stored is None or model is None or not context.opts.get(MARK):
        return
    dialect = context.dialect
    held = _held(context, name, schema)
    wanted = {_name(check, dialect): check for check in model.constraints if isinstance(check, sa.CheckConstraint)}
    ours = {found: check for found, check in wanted.items() if found and not getattr(check, "_type_bound", False)}
    differing = {found for found in ours.keys() & held.keys() if not is_same(ours[found], held[found], dialect)}
    gone = set() if None in wanted else held.keys() - wanted.keys()  # without a name, it is not known which it is
    drop, create = _operations()
    for found in sorted(gone | differing):
        changes.ops.append(drop(conv(found), name, _plain(held[found], dialect), schema=schema))
    for found in sorted(differing | (ours.keys() - held.keys())):
        changes.ops.append(create(conv(found), name, portable_text(ours[found]), schema=schema))


def is_same(check: sa.CheckConstraint, stored: str, dialect: sa.Dialect) -> bool:
    """Say whether a stored condition is that of ``check``, as far as can be told."""
    found = _signature(stored, check.table, dialect)
    return any(_signature(_compiled(check, kind), check.table, dialect) == found for kind in (_Portable(), dialect))


@cache
def register() -> None:
    """Make Alembic call the comparison, and teach versions before 1.19 to write an added check."""
    from alembic.autogenerate import comparators, renderers

    comparators.dispatch_for("table")(compare_checks)
    renderers.dispatch_for(_operations()[1])(_write_addition)


@cache
def _operations() -> tuple[Any, Any]:
    """Return the classes of "drop a check" and "create a check", each of which can be turned into the other."""
    from alembic.operations import ops

    class DropCheck(ops.DropConstraintOp):
        def __init__(self, name: str, table: str, condition: str, *, schema: str | None) -> None:
            self.addition = CreateCheck(name, table, condition, schema=schema)
            super().__init__(name, table, "check", schema=schema, _reverse=self.addition)

        def reverse(self) -> Any:
            return self.addition

    class CreateCheck(ops.CreateCheckConstraintOp):
        def __init__(self, name: str, table: str, condition: str, *, schema: str | None) -> None:
            self.named, self.text = name, condition
            super().__init__(name, table, sa.text(escaped(condition)), schema=schema)

        def reverse(self) -> Any:
            return DropCheck(self.named, self.table_name, self.text, schema=self.schema)

    return DropCheck, CreateCheck


def _write_addition(autogenerating: Any, addition: Any) -> str:
    name, text = str(addition.constraint_name), escaped(addition.text)
    if autogenerating._has_batch:  # noqa: SLF001 - how Alembic's own writers tell
        return f"batch_op.create_check_constraint(batch_op.f({name!r}), {text!r})"
    place = f"{addition.table_name!r}, {text!r}" + (f", schema={addition.schema!r}" if addition.schema else "")
    return f"op.create_check_constraint(op.f({name!r}), {place})"


def _held(context: Any, table: str, schema: str | None) -> dict[str, str]:
    """Return the named checks of a table in the database."""
    found = sa.inspect(context.connection).get_check_constraints(table, schema=schema)
    return {check["name"]: check["sqltext"] for check in found if check["name"] is not None}


def _name(check: sa.CheckConstraint, dialect: sa.Dialect) -> Any:
    return None if check.name is None else dialect.identifier_preparer.format_constraint(check, _alembic_quote=False)


def _compiled(check: sa.CheckConstraint, dialect: sa.Dialect) -> str:
    options = {"literal_binds": True, "include_table": False}
    text = str(check.sqltext.compile(dialect=dialect, compile_kwargs=options))
    return text.replace("%%", "%") if getattr(dialect, "paramstyle", "") in ("format", "pyformat") else text


def escaped(text: str) -> str:
    """Keep a colon in front of a word from being read as a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", text)


def _plain(stored: str, dialect: sa.Dialect) -> str:
    """Return a stored condition in words of no database: ``color::text = ANY (...)`` -> ``color IN ('r')``."""
    text = _strings_of_all(stored, dialect)
    bare = _outside_strings(text, lambda part: re.sub(r"`(\w+)`", r"\1", _CAST.sub("", part)))
    found = _ONE_OF_ANY.match(bare)
    return f"{found['column']} IN ({found['values']})" if found else bare


def _strings_of_all(text: str, dialect: sa.Dialect) -> str:
    r"""Return the text with its strings as the standard has them: MySQL writes ``_utf8mb4'it\'s'``."""
    if dialect.name not in _MYSQL:
        return text
    return _CHARSET.sub("", text).replace("\\'", "''").replace("\\\\", "\\")


def _outside_strings(text: str, change: Any) -> str:
    parts = re.split(f"({_STRING})", text)
    return "".join(part if part.startswith("'") else change(part) for part in parts)


def _signature(text: str, table: sa.Table, dialect: sa.Dialect) -> frozenset[Any]:
    """What a check speaks of, however it is worded."""
    text = _strings_of_all(text, dialect)
    names = {column.name.lower() for column in table.columns}
    flags = "|".join(re.escape(column.name) for column in table.columns if isinstance(column.type, sa.Boolean))
    as_number = re.compile(rf"\b({flags})\b[`\")]*\s*(?:<>|!=|=)\s*(?:[01]|true|false)\b", re.IGNORECASE)
    found: set[Any] = set()
    text = _outside_strings(text, lambda part: as_number.sub(r"\1", _CAST.sub("", part)))
    for word in _TOKEN.findall(text):
        if word.startswith("'") or _NUMBER.fullmatch(word):
            found.add(_value(word))
        elif word.lower() == "between":
            found |= {"<=", ">="}
        elif word[0] in "<>!":
            found.add("<>" if word == "!=" else word)
        elif word.lower() in names:
            found.add(("column", word.lower()))
    return frozenset(found)


def _value(token: str) -> Any:
    text = token[1:-1].replace("''", "'") if token.startswith("'") else token
    return Decimal(text).copy_abs() if _NUMBER.fullmatch(text) else ("text", text)
