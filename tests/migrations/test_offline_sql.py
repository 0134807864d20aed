"""Migrations as SQL text, for those who may not run them themselves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from etl_models import migrate
from etl_models.database import Database
from etl_models.db.target import Target
from etl_models.errors import ConfigurationError, InvalidInputError
from tests.migrations.rows import dump, seed


def feed(url: str, sql: str) -> None:
    """Give the text to the server through its bare driver, as a database administrator's tool would."""
    target = Target.parse(url)
    if target.file is not None:
        with sqlite3.connect(target.file) as connection:
            connection.executescript(sql)
        connection.close()
    elif target.dialect.name == "postgresql":
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.encode())
    else:
        place = target.url
        account: dict[str, Any] = {"user": place.username, "password": place.password, "database": place.database}
        with (
            pymysql.connect(
                host=place.host or "",
                port=place.port or 0,
                client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
                autocommit=True,
                **account,
            ) as mysql,
            mysql.cursor() as cursor,
        ):
            cursor.execute(sql)
            while cursor.nextset():
                pass


def test_the_text_makes_the_schema(database_url: str) -> None:
    """What the text makes is what migrations make: no drift, the revision written, rows fit in."""
    feed(database_url, migrate.upgrade_sql(database_url))
    migrate.check(database_url)
    with Database(database_url) as database, database.engine.begin() as connection:
        seed(connection)
    with Database(database_url) as database, database.engine.connect() as connection:
        assert all(dump(connection).values())


def test_the_text_takes_it_back(migrated_url: str) -> None:
    """The text of a downgrade leaves nothing but the version table."""
    feed(migrated_url, migrate.downgrade_sql(migrated_url, "base"))
    assert migrate.current(migrated_url) is None
    migrate.upgrade(migrated_url)
    migrate.check(migrated_url)


@pytest.mark.database("postgresql", "mariadb")
@pytest.mark.usefixtures("extra_revision")
def test_the_text_goes_on_from_a_revision(database_url: str) -> None:
    """From one revision to the next, as text; on SQLite a changed table is copied, and has to be looked at first."""
    migrate.upgrade(database_url, "0001")
    feed(database_url, migrate.upgrade_sql(database_url, start="0001"))
    assert migrate.current(database_url) == "0002"


def test_a_stamp_as_text(migrated_url: str) -> None:
    """The version table alone, as text."""
    feed(migrated_url, migrate.stamp_sql(migrated_url, "base", start="0001"))
    assert migrate.current(migrated_url) is None


def test_no_database_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Text comes from a URL nobody listens at, and no file appears."""
    monkeypatch.chdir(tmp_path)
    assert "CREATE TABLE etl_job" in migrate.upgrade_sql("postgresql://u:geheim@127.0.0.1:1/x")
    assert "CREATE TABLE etl_job" in migrate.upgrade_sql("sqlite:///etl.db")
    assert migrate.upgrade_sql("mysql") == migrate.upgrade_sql("mariadb")
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_told() -> None:
    """An unknown kind of database or revision is an error of ours."""
    with pytest.raises(ConfigurationError):
        migrate.upgrade_sql("oracle")
    with pytest.raises(InvalidInputError, match="known revisions"):
        migrate.upgrade_sql("sqlite", "4711")
