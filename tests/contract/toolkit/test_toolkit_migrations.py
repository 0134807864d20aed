"""A user's migrations: drafts are clean, importable and complete, on every database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl_models import migrate
from etl_models.db.engine import build_engine
from etl_models.db.target import Target
from tests.support.alembic_project import Project, body, missing_names

pytestmark = pytest.mark.contract

EVERYTHING = "from tests.support.toolkit_models import Base\n"


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Project:
    """A new project on an empty database."""
    return Project(tmp_path, database_url)


def tables(url: str) -> set[str]:
    """The names of all tables."""
    engine = build_engine(Target.parse(url))
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_a_first_draft_is_complete(project: Project, database_url: str) -> None:
    """Every type, mixin and base of the toolkit is drafted, applied, taken back, and nothing is left to draft."""
    text = project.draft("first", EVERYTHING)
    assert missing_names(text) == set()
    assert "sqlmodel" not in text
    assert "AutoString" not in text
    project.each("upgrade head", "check", "downgrade base")
    assert tables(database_url) == {"shop_version"}
    project.each("upgrade head", "check")
    assert {"advert", "advert_history", "sample", "note"} < tables(database_url)
    assert "op." not in body(project.draft("second"))


@pytest.mark.database("postgresql", "mariadb")
def test_a_draft_of_one_database_fits_the_others(project: Project, database_url: str, tmp_path: Path) -> None:
    """What was drafted on SQLite runs on the servers, both ways, without drift."""
    project.use(f"sqlite:///{tmp_path}/draft.db")
    project.draft("first", EVERYTHING)
    project.use(database_url)
    project.each("upgrade head", "check", "downgrade base", "upgrade head", "check")
    assert {"advert", "advert_history", "sample", "note"} < tables(database_url)


SHOP = """
import enum
from datetime import datetime
from decimal import Decimal
from typing import Any, Optional
import sqlalchemy as sa
from sqlmodel import Field
from etl_models.db import Base, FullAuditModel, SoftDeleteMixin, TimestampedBase

class Status(enum.StrEnum):
    NEW = "new"
    SOLD = "it's sold: 100%"

class Customer(SoftDeleteMixin, TimestampedBase, table=True):
    email: str = Field(max_length=100)
    balance: int = 0

class Product(FullAuditModel, table=True):
    __table_args__ = (sa.CheckConstraint("stock >= 0 AND stock < 1000000", name="stock"),)
    name: str = Field(max_length=100, index=True)
    status: Status = Status.NEW
    stock: int = 0
    code: str = Field(default="x", max_length=20)
    facts: dict[str, Any] = Field(default_factory=dict)
    note: str | None = None
    customer_id: Optional[int] = None
"""
# Steps of changes: what is in the models, what it becomes, what the draft must have.
Change = tuple[str, str, tuple[str, ...]]
COLUMNS: tuple[Change, ...] = (
    (
        "    stock: int = 0\n",
        """    stock: int = 0
    colour: str | None = Field(default=None, max_length=20)
    more: dict[str, Any] | None = None
""",
        ("add_column(sa.Column('colour', sa.String(length=20), nullable=True))", "SmartJSON(checked=True)"),
    ),
    (
        "    balance: int = 0\n",
        '    balance: int = 0\n    points: int = Field(default=0, sa_column_kwargs={"server_default": "0"})\n',
        ("server_default='0'",),
    ),
    (
        'code: str = Field(default="x", max_length=20)',
        'code: str = Field(default="x", max_length=200)',
        ("type_=sa.String(length=200)", "existing_type=sa.String(length=20)"),
    ),
    (
        "    facts: dict[str, Any] = Field(default_factory=dict)",
        "    facts: dict[str, Any] | None = None",
        ("existing_type=etl_models.db.SmartJSON(checked=True)", "nullable=True"),
    ),
)
KEYS: tuple[Change, ...] = (
    ("email: str = Field(max_length=100)", "email: str = Field(max_length=100, index=True)", ("ix_customer_email",)),
    (
        "customer_id: Optional[int] = None",
        'customer_id: Optional[int] = Field(default=None, foreign_key="customer.id", index=True)',
        ("fk_product_customer_id", "ix_product_customer_id"),
    ),
    (
        '    NEW = "new"\n',
        '    NEW = "new"\n    LOST = "lost"\n',
        ("drop_constraint(batch_op.f('ck_product_status'), type_='check')", "'lost'"),
    ),
)
CHECKS: tuple[Change, ...] = (
    (
        "email: str = Field(max_length=100, index=True)",
        "email: str = Field(max_length=100, unique=True)",
        ("drop_index(batch_op.f('ix_customer_email'", "create_unique_constraint(batch_op.f('uq_customer_email')"),
    ),
    (
        'sa.CheckConstraint("stock >= 0 AND stock < 1000000", name="stock")',
        """sa.CheckConstraint("stock > -5 OR code <> 'a'", name="stock"),
        sa.CheckConstraint("LENGTH(code) >= 1", name="code")""",
        ("drop_constraint(batch_op.f('ck_product_stock'), type_='check')", "ck_product_code"),
    ),
    (
        "    note: str | None = None\n",
        """    note: str | None = None
    last: Status = Field(default=Status.NEW, sa_column_kwargs={"server_default": "new"})
""",
        ("create_check_constraint(batch_op.f('ck_product_last')",),
    ),
)
LESS: tuple[Change, ...] = (
    (
        """    last: Status = Field(default=Status.NEW, sa_column_kwargs={"server_default": "new"})
    customer_id: Optional[int] = Field(default=None, foreign_key="customer.id", index=True)
""",
        "    customer_id: Optional[int] = None\n",
        ("drop_constraint(batch_op.f('ck_product_last'), type_='check')", "drop_column('last')"),
    ),
    (
        "class Customer(SoftDeleteMixin, TimestampedBase, table=True)",
        "class Customer(TimestampedBase, table=True)",
        ("drop_column('is_deleted')", "drop_constraint(batch_op.f('ck_customer_deleted_at'), type_='check')"),
    ),
)
STEPS = {"columns": COLUMNS, "keys": KEYS, "checks": CHECKS, "less": LESS}
ROWS = """
INSERT INTO customer (email, balance, created_at, updated_at, is_deleted)
VALUES ('a@b.c', 7, '2030-01-01 00:00:00', '2030-01-01 00:00:00', {no});
INSERT INTO product (id, name, status, stock, code, facts, created_at, updated_at, is_deleted, metadata_json, tags,
                     created_by, updated_by, version)
VALUES ('0190f5a6000070008000000000000001', 'p', 'it''s sold: 100%', 3, 'x', '{{"a": 1}}', '2030-01-01 00:00:00',
        '2030-01-01 00:00:00', {no}, '{{}}', '', 'me', 'me', 1)
"""


def add_rows(url: str) -> None:
    """One customer, one product."""
    engine = build_engine(Target.parse(url))
    with engine.begin() as connection:
        for statement in ROWS.format(no="false" if engine.dialect.name == "postgresql" else "0").split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%") if engine.dialect.name != "sqlite" else statement)
    engine.dispose()


def apply_changes(project: Project) -> list[str]:
    """Draft every step; returns the models after each, those before the first included."""
    every = [SHOP]
    for title, changes in STEPS.items():
        models, wanted = every[-1], list[str]()
        for old, new, parts in changes:
            assert old in models, old
            models = models.replace(old, new)
            wanted += parts
        every.append(models)
        text = project.draft(title, models)
        assert missing_names(text) == set(), title
        assert [part for part in wanted if part not in text] == [], f"{title}:\n{body(text)}"
        # What rows get that lost the column, nobody but the author of a revision knows.
        for file in project.folder.glob("migrations/versions/*_less.py"):
            file.write_text(re.sub(r"(sa.Column\('is_deleted', .*?\(\))", r"\1, server_default=sa.false()", text))
        project.each("upgrade head", "check")
    return every


def take_back(project: Project, every: list[str]) -> None:
    """Downgrade change by change, each to the models of its time, and upgrade again."""
    files = sorted((project.folder / "migrations" / "versions").glob("*.py"))
    for models, file in zip(reversed(every[:-1]), reversed(files), strict=False):
        project.write(models)
        project.alembic("downgrade", "-1")
        file.rename(file.with_suffix(".aside"))  # `check` wants to be at the newest revision
        project.alembic("check")
    for file in files:
        if not file.exists():
            file.with_suffix(".aside").rename(file)
    project.write(every[-1])
    project.each("upgrade head", "check")


def rows(url: str) -> list[tuple[object, ...]]:
    """What the changes left of the rows."""
    engine = build_engine(Target.parse(url))
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT p.name, p.status, p.stock, p.code, c.points, c.balance FROM product p CROSS JOIN customer c"
        ).all()
    engine.dispose()
    return [tuple(row) for row in found]


def test_changes_of_models_are_drafted(project: Project, database_url: str) -> None:
    """Each change of a model is found, does what it says to tables with rows, and can be taken back."""
    project.draft("first", SHOP)
    project.each("upgrade head", "check")
    add_rows(database_url)
    every = apply_changes(project)
    assert rows(database_url) == [("p", "it's sold: 100%", 3, "x", 0, 7)]
    refuses_broken_json(database_url)
    take_back(project, every)
    assert rows(database_url) == [("p", "it's sold: 100%", 3, "x", 0, 7)]
    refuses_broken_json(database_url)


def refuses_broken_json(url: str) -> None:
    """A table that was copied on SQLite still has the checks of its JSON columns."""
    engine = build_engine(Target.parse(url))
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql("UPDATE product SET metadata_json = '{'")
    engine.dispose()


@pytest.mark.database("postgresql", "mariadb")
def test_changes_drafted_on_sqlite_fit_the_servers(project: Project, database_url: str, tmp_path: Path) -> None:
    """Revisions drafted on SQLite change the tables of a server to the same models, both ways."""
    project.use(f"sqlite:///{tmp_path}/draft.db")
    project.draft("first", SHOP)
    project.each("upgrade head")
    every = apply_changes(project)
    project.use(database_url)
    project.each("upgrade +1")
    add_rows(database_url)
    project.each("upgrade head", "check")
    take_back(project, every)
    assert rows(database_url) == [("p", "it's sold: 100%", 3, "x", 0, 7)]


@pytest.mark.database("postgresql", "mariadb")
def test_sql_without_a_database_makes_the_same_tables(project: Project, database_url: str, tmp_path: Path) -> None:
    """What ``--sql`` prints, somebody else can run: the models then find nothing to change."""
    project.use(f"sqlite:///{tmp_path}/draft.db")
    project.draft("first", SHOP)
    project.each("upgrade head")
    project.draft("keys", SHOP.replace(*KEYS[2][:2]).replace(*KEYS[1][:2]))
    project.use(database_url.replace("mysql://", "mariadb://"))
    text = project.alembic("upgrade", "head", "--sql")
    engine = build_engine(Target.parse(database_url))
    with engine.begin() as connection:
        for statement in text.split(";\n"):
            if statement.strip() not in ("", "BEGIN", "COMMIT"):
                connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    project.alembic("check")
    assert {"customer", "product", "product_history"} < tables(database_url)


@pytest.mark.database("sqlite")
def test_sql_of_new_tables_is_written_for_sqlite_too(project: Project) -> None:
    """Where no table has to be copied, ``--sql`` works on SQLite."""
    project.draft("first", SHOP)
    assert "CONSTRAINT ck_product_status CHECK" in project.alembic("upgrade", "head", "--sql")


def test_neither_history_touches_the_other(tmp_path: Path, migrated_url: str) -> None:
    """Beside etl-models' own tables, a user's drafts, upgrades and downgrades see the user's tables only."""
    project = Project(tmp_path, migrated_url)
    assert "etl_" not in body(project.draft("first", SHOP)).replace("etl_models", "")
    project.each("upgrade head", "check")
    migrate.check(migrated_url)
    migrate.downgrade(migrated_url, "base")
    project.each("check")
    migrate.upgrade(migrated_url)
    project.each("downgrade base")
    migrate.check(migrated_url)
    assert {"etl_job", "etl_alembic_version", "shop_version"} < tables(migrated_url)
    assert "product" not in tables(migrated_url)


def test_long_names_are_the_same_twice(project: Project) -> None:
    """Names of constraints that a database has to shorten are recognised again."""
    name = "status_" + "x" * 45
    assert name in project.draft("first", SHOP.replace("    status: Status", f"    {name}: Status"))
    project.each("upgrade head", "check", "downgrade base")
