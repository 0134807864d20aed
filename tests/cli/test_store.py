"""``db``, ``doctor``, ``config`` and ``version``."""

from __future__ import annotations

import re

import pytest

from etl_models import revisions
from etl_models._version import __version__
from etl_models_cli.examination import has_wal_reset_bug


def test_the_schema_goes_up_and_down(database_url, etl, monkeypatch):
    """From nothing to the newest, checked, down to nothing and up again; twice is the same as once."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", database_url)
    head = revisions.head()
    assert etl("db", "upgrade", "-o", "json").json == {"before": None, "after": head}
    assert etl("db", "upgrade", "-o", "json").json == {"before": head, "after": head}
    assert f"is at {head} already" in etl("db", "upgrade").out
    assert etl("db", "current", "-o", "json").json == {"current": head, "head": head, "is_head": True}
    assert etl("db", "check").code == 0
    assert etl("executions", "list").code == 0
    assert etl("db", "downgrade", "base", "--yes", "-o", "json").json == {"before": head, "after": None}
    assert etl("db", "current", "-o", "json").json["is_head"] is False
    assert etl("db", "check").code == 8
    assert etl("executions", "list").code == 8
    assert etl("db", "stamp", head).code == 0
    assert etl("db", "check").code == 9
    assert etl("db", "stamp", "base").code == 0
    assert etl("db", "upgrade").code == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_sql_is_printed_without_a_database(etl, here, kind):
    """``--sql`` opens nothing."""
    url = "sqlite:///x.db" if kind == "sqlite" else f"{kind}://nobody@127.0.0.1:1/x"
    for arguments in (("upgrade",), ("downgrade", "base"), ("stamp", "head")):
        result = etl("db", *arguments, "--sql", "--database-url", url)
        assert result.code == 0, result
        assert "etl_alembic_version" in result.out
    assert "CREATE TABLE etl_execution" in etl("db", "upgrade", "--sql", "--database-url", url).out
    assert list(here.iterdir()) == []


def test_revisions_are_listed(etl):
    """``db history`` knows all revisions, the oldest first."""
    items = etl("db", "history", "-o", "json").json["items"]
    assert [item["revision"] for item in items] == [each.number for each in revisions.known()]
    assert items[0] == {"revision": "0001", "title": "initial"}


@pytest.mark.database("sqlite")
def test_an_unknown_revision_is_refused(store, etl):
    """With the ones that are known."""
    result = etl("db", "upgrade", "7777")
    assert result.code == 3
    assert "0001" in result.err


def test_the_doctor_finds_everything_in_order(store, etl):
    """On a database at head nothing is an error, and the versions are told."""
    result = etl("doctor", "-o", "json")
    assert result.code == 0, result
    findings = {item["check"]: item for item in result.json["items"]}
    assert {"versions", "settings", "database", "schema"} <= set(findings)
    assert "error" not in {item["verdict"] for item in result.json["items"]}
    assert __version__ in findings["versions"]["found"]
    assert "etl-secret" not in result.out
    assert etl("doctor").code == 0


def test_the_doctor_sees_a_schema_that_is_missing(database_url, etl, monkeypatch, backend):
    """A server without tables is an error; a SQLite file that is not there yet is a remark, and stays not there."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", database_url)
    result = etl("doctor")
    assert result.code == (0 if backend.name == "sqlite" else 9)
    assert "the first write makes it" in result.out or "db upgrade" in result.out


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_of_sqlite_with_the_wal_reset_bug_are_known(version, affected):
    """3.7.0 to 3.51.2, save the releases it was mended in."""
    assert has_wal_reset_bug(version) is affected


def test_settings_are_shown_without_secrets(etl, monkeypatch):
    """Where they come from does not matter; passwords are masked everywhere."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", "postgresql://etl:s3cret@db.example/etl?sslpassword=t0psecret")
    monkeypatch.setenv("ETL_MODELS_DATABASE_PASSWORD", "0ther")
    monkeypatch.setenv("ETL_MODELS__DATABASE__POOL_SIZE", "7")
    for options in ((), ("-o", "json"), ("-o", "yaml"), ("-o", "csv")):
        result = etl("config", "show", *options)
        assert result.code == 0
        assert "db.example" in result.out
        for secret in ("s3cret", "t0psecret", "0ther"):
            assert secret not in result.out
    assert etl("config", "show", "-o", "json").json["database"]["pool_size"] == 7


def test_a_flag_wins_over_the_environment(etl, monkeypatch):
    """``--database-url`` before or behind the command beats the variable, which beats the file."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", "sqlite:///environment.db")
    for arguments in (
        ("--database-url", "sqlite:///flag.db", "config", "show"),
        ("config", "show", "--database-url=sqlite:///flag.db"),
        ("--database-url", "sqlite:///other.db", "config", "show", "--database-url", "sqlite:///flag.db"),
    ):
        assert etl(*arguments, "-o", "json").json["database"]["url"] == "sqlite:///flag.db"
    assert etl("config", "show", "-o", "json").json["database"]["url"] == "sqlite:///environment.db"


def test_the_version_is_printed(etl):
    """Once for people, with everything it stands on for programs."""
    assert etl("--version").out == f"etl-models {__version__}\n"
    assert etl("version").out == f"etl-models {__version__}\n"
    found = etl("version", "-o", "json").json
    assert found["etl-models"] == __version__
    assert re.fullmatch(r"[23]\.\d+\.\d+\S*", found["SQLAlchemy"])
    assert "SQLAlchemy" in etl("version", "-v").out
