"""Broken constraints completed from the metadata, and what each driver's words are read as."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models.db.bases import NAMING_CONVENTION
from etl_models.db.constraints import Violation, ViolationKind, complete
from etl_models.db.dialects import mysql, sqlite

METADATA = sa.MetaData(naming_convention=NAMING_CONVENTION)
THING = sa.Table(
    "etl_thing",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("namespace", sa.String(9)),
    sa.Column("name", sa.String(9)),
    sa.Column("code", sa.String(9), unique=True, index=True),
    sa.Column("parent_id", sa.ForeignKey("etl_thing.id")),
    sa.UniqueConstraint("namespace", "name"),
    sa.CheckConstraint("id > 0", name="positive"),
)


FK = "fk_etl_thing_parent_id"
NAMES = "uq_etl_thing_namespace_name"


@pytest.mark.parametrize(
    ("known", "constraint", "table", "columns"),
    [
        (Violation(ViolationKind.UNIQUE, NAMES), NAMES, "etl_thing", ("namespace", "name")),
        (
            Violation(ViolationKind.UNIQUE, None, "etl_thing", ("name", "namespace")),
            NAMES,
            "etl_thing",
            ("name", "namespace"),
        ),
        (Violation(ViolationKind.UNIQUE, None, "etl_thing", ("code",)), "ix_etl_thing_code", "etl_thing", ("code",)),
        (Violation(ViolationKind.UNIQUE, None, "etl_thing", ("id",)), "pk_etl_thing", "etl_thing", ("id",)),
        (Violation(ViolationKind.UNIQUE, "PRIMARY", "etl_thing"), "pk_etl_thing", "etl_thing", ("id",)),
        (Violation(ViolationKind.UNIQUE, "PRIMARY"), "PRIMARY", None, ()),
        (Violation(ViolationKind.CHECK, "ck_etl_thing_positive"), "ck_etl_thing_positive", "etl_thing", ()),
        (Violation(ViolationKind.FOREIGN_KEY, FK), FK, "etl_thing", ("parent_id",)),
        (Violation(ViolationKind.FOREIGN_KEY), None, None, ()),
        (Violation(ViolationKind.UNIQUE, "uq_of_somebody_else", "theirs"), "uq_of_somebody_else", "theirs", ()),
        (Violation(ViolationKind.UNIQUE, None, "theirs", ("a",)), None, "theirs", ("a",)),
    ],
)
def test_either_half_finds_the_other(known: Any, constraint: Any, table: Any, columns: Any) -> None:
    """A name finds table and columns, columns find the name; what is not ours stays as it was told."""
    assert complete(known, METADATA) == Violation(known.kind, constraint, table, columns)


@pytest.mark.parametrize(
    ("number", "text", "violation"),
    [
        (1062, "Duplicate entry 'a-b' for key 'uq_x'", Violation(ViolationKind.UNIQUE, "uq_x")),
        (1062, "Duplicate entry 'a' for key 'etl_job.uq_x'", Violation(ViolationKind.UNIQUE, "uq_x", "etl_job")),
        (1062, "Duplicate entry 'x' for key 'fake'' for key 'uq_x'", Violation(ViolationKind.UNIQUE, "uq_x")),
        (
            1452,
            "a foreign key constraint fails (`etl`.`etl_job`, CONSTRAINT `fk_x` FOREIGN KEY (`x`)",
            Violation(ViolationKind.FOREIGN_KEY, "fk_x", "etl_job"),
        ),
        (4025, "CONSTRAINT `ck_x` failed for `etl`.`etl_job`", Violation(ViolationKind.CHECK, "ck_x", "etl_job")),
        (3819, "Check constraint 'ck_x' is violated.", Violation(ViolationKind.CHECK, "ck_x")),
        (1048, "Column 'name' cannot be null", Violation(ViolationKind.NOT_NULL, columns=("name",))),
        (1406, "Data too long for column 'name' at row 1", Violation(ViolationKind.TOO_LONG, columns=("name",))),
        (1062, "Doppelter Eintrag", Violation(ViolationKind.UNIQUE)),
        (1213, "Deadlock found", None),
    ],
)
def test_words_of_mariadb_and_mysql(number: int, text: str, violation: Any) -> None:
    """The number says what, the text says which; a value cannot pretend to be a name."""
    assert mysql.DIALECT.violation(Exception(number, text)) == violation


@pytest.mark.parametrize(
    ("statement", "violation"),
    [
        ("INSERT INTO t VALUES (1, 1, 1, 1)", Violation(ViolationKind.UNIQUE, None, "t", ("id",))),
        ("INSERT INTO t VALUES (2, 1, 1, 1)", Violation(ViolationKind.UNIQUE, None, "t", ("a", "b"))),
        ("INSERT INTO t VALUES (3, NULL, 1, 1)", Violation(ViolationKind.NOT_NULL, None, "t", ("a",))),
        ("INSERT INTO t VALUES (4, 2, 2, 0)", Violation(ViolationKind.CHECK, "ck_c")),
        ("INSERT INTO t VALUES (5, 3, 3, 9)", Violation(ViolationKind.FOREIGN_KEY)),
        ("INSERT INTO t SELECT 6, 4, 4, 2", Violation(ViolationKind.UNIQUE, "ux")),
        ("INSERT INTO nowhere VALUES (1)", None),
    ],
)
def test_words_of_sqlite(statement: Any, violation: Any) -> None:
    """SQLite's own errors are read by their code; columns and names come from its text."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "PRAGMA foreign_keys=ON; CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2);"
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL, b, c REFERENCES p, UNIQUE (a, b),"
        " CONSTRAINT ck_c CHECK (c > 0)); CREATE UNIQUE INDEX ux ON t (c + 0) WHERE c = 2;"
        "INSERT INTO t VALUES (1, 1, 1, 1); INSERT INTO t VALUES (9, 9, 9, 2);"
    )
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute(statement)
    assert sqlite.DIALECT.violation(caught.value) == violation
    connection.close()
