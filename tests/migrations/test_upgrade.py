"""Up, down, stamp: what migrations do to a schema and to the rows in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models import migrate, revisions
from etl_models.database import Database
from etl_models.db.bases import metadata
from etl_models.db.dialects.base import EngineOptions
from etl_models.db.target import Target
from etl_models.errors import CheckFailedError, InvalidInputError, SchemaVersionError
from etl_models.migrate import Migration
from tests.migrations.rows import dump, seed


def tables(url: str) -> set[str]:
    with Database(url) as database:
        return set(sa.inspect(database.engine).get_table_names())


def rows_of(url: str) -> dict[str, list[str]]:
    with Database(url) as database, database.engine.connect() as connection:
        return dump(connection)


def fill(url: str) -> dict[str, list[str]]:
    with Database(url) as database, database.engine.begin() as connection:
        seed(connection)
    rows = rows_of(url)
    assert all(rows.values()), "a table without rows would prove nothing"
    return rows


def run_sql(url: str, *statements: str) -> None:
    with Database(url) as database, database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_up_makes_every_table_and_nothing_else(database_url: str) -> None:
    """An empty database gets all tables of the models and the version table."""
    assert migrate.upgrade(database_url) == Migration(None, "0001")
    assert tables(database_url) == {*metadata.tables, revisions.VERSION_TABLE}
    assert migrate.current(database_url) == revisions.head() == "0001"


@pytest.mark.alembic_check
def test_models_and_migrations_agree(migrated_url: str) -> None:
    """Alembic finds no difference between what migrations made and what the models say."""
    migrate.check(migrated_url)
    assert migrate.current(migrated_url) == revisions.head()


@pytest.mark.alembic_check
def test_migrations_make_what_the_models_would(migrated_url: str, new_database_url: Callable[[], str]) -> None:
    """Columns, keys, rules, indexes and their names are those of create_all(), also what alembic does not compare."""
    with Database(new_database_url()) as database:
        metadata.create_all(database.engine)
        by_models = describe(database.engine)
    with Database(migrated_url) as database:
        by_migrations = describe(database.engine)
    assert by_migrations == by_models


def describe(engine: sa.Engine) -> dict[str, Any]:
    """What the database itself says about each table, in an order of its own."""
    inspector = sa.inspect(engine)
    return {
        name: {
            "columns": sorted(
                (column["name"], repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            ),
            "primary key": inspector.get_pk_constraint(name),
            "uniques": _sorted(inspector.get_unique_constraints(name)),
            "foreign keys": _sorted(inspector.get_foreign_keys(name)),
            "checks": _sorted(inspector.get_check_constraints(name)),
            "indexes": _sorted(inspector.get_indexes(name)),
            "options": inspector.get_table_options(name) if engine.dialect.name == "mysql" else None,
        }
        for name in inspector.get_table_names()
        if name != revisions.VERSION_TABLE
    }


def _sorted(items: Any) -> list[dict[str, Any]]:
    return sorted((dict(item) for item in items), key=lambda item: str(item["name"]))


@pytest.mark.database("mariadb")
def test_tables_of_mariadb_compare_bytes(database_url: str) -> None:
    """Engine, character set and collation are those of the migration, not the server's defaults."""
    name = database_url.rpartition("/")[2]
    run_sql(database_url, f"ALTER DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    migrate.upgrade(database_url)
    with Database(database_url) as database, database.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT engine, table_collation FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_name <> 'etl_alembic_version'"
        ).all()
        columns = connection.exec_driver_sql(
            "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND collation_name IS NOT NULL AND table_name <> 'etl_alembic_version'"
        ).scalars()
        assert [tuple(row) for row in found] == [("InnoDB", "utf8mb4_bin")]
        assert set(columns) == {"utf8mb4_bin"}


def test_up_again_changes_nothing(migrated_url: str) -> None:
    """A schema at head is left alone, with every row in it."""
    before = fill(migrated_url)
    assert migrate.upgrade(migrated_url) == Migration("0001", "0001")
    assert rows_of(migrated_url) == before


def test_down_to_nothing_and_up_again(migrated_url: str) -> None:
    """Down to base leaves no table of ours but the version table, and up makes them anew."""
    fill(migrated_url)
    assert migrate.downgrade(migrated_url, "base") == Migration("0001", None)
    assert tables(migrated_url) == {revisions.VERSION_TABLE}
    assert migrate.upgrade(migrated_url) == Migration(None, "0001")
    assert not any(rows_of(migrated_url).values())


@pytest.mark.usefixtures("extra_revision")
def test_up_down_up_keeps_every_row(database_url: str) -> None:
    """A step that adds a table and a column and changes another loses no row, up, down and up again.

    On SQLite the changed table is copied and dropped, and its children must outlive it.
    """
    migrate.upgrade(database_url, "0001")
    before = fill(database_url)
    assert migrate.upgrade(database_url) == Migration("0001", "0002")
    assert "etl_note" in tables(database_url)
    assert rows_of(database_url) == before
    assert migrate.downgrade(database_url, "0001") == Migration("0002", "0001")
    assert "etl_note" not in tables(database_url)
    assert rows_of(database_url) == before
    migrate.upgrade(database_url)
    assert rows_of(database_url) == before


@pytest.mark.usefixtures("extra_revision")
def test_progress_is_told_step_by_step(database_url: str) -> None:
    """Whoever shows progress hears of each revision once, in order."""
    steps: list[migrate.Step] = []
    migrate.upgrade(database_url, progress=steps.append)
    assert [(step.number, step.revision, step.title) for step in steps] == [
        (1, "0001", "initial"),
        (2, "0002", "extra"),
    ]
    steps.clear()
    migrate.downgrade(database_url, "base", progress=steps.append)
    assert [step.revision for step in steps] == ["0002", "0001"]


BROKEN = """
import sqlalchemy as sa
from alembic import op
from etl_models.db.steps import Steps

revision = "0002"
down_revision = "0001"

def upgrade():
    steps = Steps(op)
    steps.create_table("etl_note", sa.Column("id", sa.Integer(), primary_key=True))
    steps.add_column("etl_job", sa.Column("owner", sa.String(50), nullable=True))
    {stumble}
    steps.create_index("ix_etl_note_id", "etl_note", ["id"])

def downgrade():
    pass
"""


def test_a_step_that_fails_leaves_nothing_or_is_healed(
    backend: Any, migrated_url: str, history: Callable[[str], None]
) -> None:
    """A broken step is undone as a whole, or, where the database cannot do that, the mended one goes on from there."""
    before = fill(migrated_url)
    history(BROKEN.format(stumble="raise ZeroDivisionError"))
    with pytest.raises(ZeroDivisionError):
        migrate.upgrade(migrated_url)
    assert migrate.current(migrated_url) == "0001"
    if backend.name != "mariadb":
        assert "etl_note" not in tables(migrated_url)
        with Database(migrated_url) as database:
            assert "owner" not in {column["name"] for column in sa.inspect(database.engine).get_columns("etl_job")}
    history(BROKEN.format(stumble="pass"))
    migrate.upgrade(migrated_url)
    assert migrate.current(migrated_url) == "0002"
    assert rows_of(migrated_url) == before
    with Database(migrated_url) as database:
        assert [index["name"] for index in sa.inspect(database.engine).get_indexes("etl_note")] == ["ix_etl_note_id"]


@pytest.mark.database("mariadb")
def test_a_foreign_table_of_the_same_name_is_not_taken_for_ours(database_url: str) -> None:
    """Healing skips a table only when it has the columns it should have."""
    run_sql(database_url, "CREATE TABLE etl_job (id INTEGER PRIMARY KEY)")
    with pytest.raises(SchemaVersionError, match="etl_job exists already and differs in"):
        migrate.upgrade(database_url)


@pytest.mark.database("sqlite")
def test_dangling_references_stop_a_migration(migrated_url: str, history: Callable[[str], None]) -> None:
    """Foreign keys are off while SQLite migrates, so what would be left dangling is looked for before the commit."""
    before = fill(migrated_url)
    history(BROKEN.format(stumble='op.execute("DELETE FROM etl_job")'))
    with pytest.raises(Exception, match="refer to nothing"):
        migrate.upgrade(migrated_url)
    assert rows_of(migrated_url) == before
    with Database(migrated_url) as database, database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.database("postgresql", "mariadb")
@pytest.mark.usefixtures("extra_revision")
def test_an_open_transaction_delays_a_migration_only(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that keeps a table longer than one lock wait does not make the migration fail."""
    monkeypatch.setattr(migrate, "_OPTIONS", EngineOptions(pool_size=1, timeout=3, statement_timeout=0))
    reading, done = threading.Event(), threading.Event()

    def read(database: Database) -> None:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM etl_job")
            reading.set()
            done.wait(2.5)

    with Database(migrated_url) as database, ThreadPoolExecutor(1) as thread:
        reader = thread.submit(read, database)
        assert reading.wait(10)
        started = time.monotonic()
        assert migrate.upgrade(migrated_url).after == "0002"
        assert time.monotonic() - started > 1
        reader.result()


def test_revisions_that_are_not_there_are_invalid_input(migrated_url: str) -> None:
    """A mistyped revision is told with those that exist."""
    for call in (migrate.upgrade, migrate.downgrade, migrate.stamp):
        with pytest.raises(InvalidInputError, match="known revisions: 0001"):
            call(migrated_url, "4711")
    assert migrate.current(migrated_url) == "0001"


def test_a_newer_schema_is_not_touched(migrated_url: str) -> None:
    """A library that is older than the schema neither upgrades, downgrades nor compares it."""
    run_sql(migrated_url, "UPDATE etl_alembic_version SET version_num = '9999'")
    for call in (migrate.upgrade, lambda url: migrate.downgrade(url, "base"), migrate.check):
        with pytest.raises(SchemaVersionError, match="9999"):
            call(migrated_url)
    assert migrate.current(migrated_url) == "9999"


def test_a_stamp_writes_the_revision_only(database_url: str) -> None:
    """Stamping changes the version table and nothing else, and mends one that holds nonsense."""
    assert migrate.stamp(database_url, "head").after == "0001"
    assert tables(database_url) == {revisions.VERSION_TABLE}
    run_sql(database_url, "DELETE FROM etl_alembic_version", "INSERT INTO etl_alembic_version VALUES ('a'), ('b')")
    with pytest.raises(SchemaVersionError, match="several revisions: a, b"):
        migrate.current(database_url)
    assert migrate.stamp(database_url, "head").after == "0001"
    assert migrate.stamp(database_url, "base").after is None


def test_drift_is_found_and_named(migrated_url: str) -> None:
    """A table that was changed by hand is told by check."""
    run_sql(
        migrated_url,
        "ALTER TABLE etl_job ADD COLUMN surplus INTEGER",
        "CREATE INDEX ix_surplus ON etl_tag (value)",
        "DROP TABLE etl_job_latest_execution",
    )
    with pytest.raises(CheckFailedError) as caught:
        migrate.check(migrated_url)
    for part in ("etl_job.surplus", "ix_surplus", "etl_job_latest_execution"):
        assert part in caught.value.message


def test_a_check_of_an_old_schema_says_upgrade(database_url: str) -> None:
    """Before differences come revisions: an empty database needs a migration."""
    migrate.stamp(database_url, "base")
    with pytest.raises(SchemaVersionError, match="etl-models db upgrade"):
        migrate.check(database_url)


@pytest.mark.database("sqlite")
def test_asking_makes_no_file(database_url: str) -> None:
    """Whoever asks for the revision of a database that is not there yet gets an answer, and no empty file."""
    assert migrate.current(database_url) is None
    with pytest.raises(SchemaVersionError, match="revision none"):
        migrate.check(database_url)
    file = Target.parse(database_url).file
    assert file is not None
    assert not file.exists()


@pytest.mark.database("sqlite")
def test_asking_waits_for_no_writer(migrated_url: str) -> None:
    """While somebody writes, the revision can be read and the schema compared."""
    with Database(migrated_url) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE etl_tag SET value = 'x'")
        started = time.monotonic()
        assert migrate.current(migrated_url) == "0001"
        migrate.check(migrated_url)
        assert time.monotonic() - started < 30
