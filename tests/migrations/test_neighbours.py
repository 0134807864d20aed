"""A user's own tables and alembic history beside ours, in the same database."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from etl_models import migrate
from etl_models.database import Database
from etl_models.db.bases import table_of
from etl_models.errors import ConflictError
from etl_models.migrate import exclude_etl_models
from etl_models.models import Job
from tests.migrations.rows import dump, seed

THEIRS = sa.MetaData()
MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
CUSTOMER = sa.Table("customer", THEIRS, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), **MYSQL)
ETL_PREFIXED = sa.Table(
    "etl_customer", THEIRS, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), **MYSQL
)
WATCHED = sa.Table(
    "watched",
    THEIRS,
    sa.Column("job_id", sa.ForeignKey(table_of(Job).c.id, name="fk_watched_job"), primary_key=True),
    **MYSQL,
)


def theirs(connection: sa.Connection) -> dict[str, Any]:
    """What is in the user's tables, and the revision of their own history."""
    return {
        "customer": connection.execute(sa.select(CUSTOMER.c.id)).scalars().all(),
        "etl_customer": connection.execute(sa.select(ETL_PREFIXED.c.id)).scalars().all(),
        "alembic_version": connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all(),
    }


def settle(url: str, *tables: sa.Table) -> dict[str, Any]:
    """Move in beside our tables."""
    with Database(url) as database, database.engine.begin() as connection:
        THEIRS.create_all(connection, tables)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('abc123')")
        connection.execute(CUSTOMER.insert(), [{"id": 7}, {"id": 8}])
        connection.execute(ETL_PREFIXED.insert(), [{"id": 9}])
    with Database(url) as database, database.engine.connect() as connection:
        return theirs(connection)


def test_migrations_see_nothing_of_a_user(migrated_url: str) -> None:
    """Check, downgrade, upgrade, stamp and reset leave tables and revision of a user as they were."""
    before = settle(migrated_url, CUSTOMER, ETL_PREFIXED)
    migrate.check(migrated_url)
    with Database(migrated_url) as database:
        migrate.downgrade(migrated_url, "base")
        migrate.upgrade(migrated_url)
        migrate.stamp(migrated_url, "head")
        database.reset(confirm=database.target.database_name)
        migrate.check(migrated_url)
        with database.engine.connect() as connection:
            assert theirs(connection) == before


def test_a_users_autogenerate_sees_nothing_of_ours(migrated_url: str) -> None:
    """With our include_name in their env.py, alembic proposes to a user neither to drop nor to change our tables."""
    settle(migrated_url, CUSTOMER, ETL_PREFIXED, WATCHED)
    with Database(migrated_url) as database, database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": exclude_etl_models})
        assert compare_metadata(context, THEIRS) == []
        bare = MigrationContext.configure(connection)
        dropped = {change[1].name for change in compare_metadata(bare, THEIRS) if change[0] == "remove_table"}
    assert "etl_job" in dropped, "without it there would be nothing to prove"


def test_what_a_user_refers_to_is_not_dropped(migrated_url: str) -> None:
    """A row of a user that refers to a job stops reset and downgrade; nothing of ours is lost then."""
    settle(migrated_url, CUSTOMER, ETL_PREFIXED, WATCHED)
    with Database(migrated_url) as database:
        with database.engine.begin() as connection:
            seed(connection)
            connection.execute(WATCHED.insert().from_select(["job_id"], sa.select(table_of(Job).c.id).limit(1)))
        with database.engine.connect() as connection:
            before = dump(connection)
        with pytest.raises(ConflictError, match="watched refers to etl_job"):
            database.reset(confirm=database.target.database_name)
        with pytest.raises(ConflictError, match="watched refers to etl_job"):
            migrate.downgrade(migrated_url, "base")
        with database.engine.connect() as connection:
            assert dump(connection) == before


@pytest.mark.database("postgresql")
def test_another_schema_is_another_place(database_url: str) -> None:
    """Tables live where the search path leads, so that several stores fit into one PostgreSQL database."""
    with Database(database_url) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")
    url = f"{database_url}?options=-csearch_path%3Dother"
    migrate.upgrade(url)
    migrate.check(url)
    with Database(database_url) as database:
        assert "etl_job" in sa.inspect(database.engine).get_table_names(schema="other")
        assert "etl_job" not in sa.inspect(database.engine).get_table_names(schema="public")
