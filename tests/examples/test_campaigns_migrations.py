"""The migrations of the campaigns example, beside those of etl-models in the same database."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from campaigns.models import DailyPerformance, Marketing
from campaigns.repositories import AdRepository, PerformanceRepository
from campaigns.settings import FOLDER
from etl_models import Store, migrate
from etl_models.db import DatabaseManager, Repository

VERSION_TABLE = "marketing_alembic_version"


@pytest.fixture
def alembic(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The command line's configuration, on a database that has the tables of etl-models already."""
    monkeypatch.setenv("ETL_MODELS_DATABASE_URL", migrated_url)
    return Config(FOLDER / "alembic.ini")


def tables(url: str) -> set[str]:
    with DatabaseManager(url) as database:
        return set(sa.inspect(database.engine).get_table_names())


def test_up_makes_the_tables_of_the_models(alembic: Config, migrated_url: str) -> None:
    """All of them, a second draft would be empty, and neither history sees the tables of the other."""
    others = tables(migrated_url)
    command.upgrade(alembic, "head")
    assert tables(migrated_url) == others | {*Marketing.metadata.tables, VERSION_TABLE}
    command.check(alembic)
    migrate.check(migrated_url)


def test_a_second_draft_is_empty(alembic: Config, tmp_path: Path) -> None:
    """As written by ``alembic revision --autogenerate``."""
    command.upgrade(alembic, "head")
    made: Any = command.revision(
        alembic, "again", autogenerate=True, rev_id="draft", version_path=_versions(alembic, tmp_path)
    )
    text = Path(made.path).read_text("utf-8")
    assert text.count("    pass\n") == 2, text


def _versions(alembic: Config, folder: Path) -> str:
    """Let drafts go to a folder of their own, beside the versions."""
    versions = FOLDER / "campaigns" / "migrations" / "versions"
    alembic.set_main_option("version_locations", f"{versions}:{folder}")
    return str(folder)


def test_migrations_make_what_the_models_would(alembic: Config, migrated_url: str, new_database_url: Any) -> None:
    """Columns, keys, indexes and all names are those of create_tables(), also what Alembic does not compare."""
    command.upgrade(alembic, "head")
    other = new_database_url()
    with DatabaseManager(other, metadata=Marketing.metadata) as database:
        database.create_tables()
    assert described(migrated_url) == described(other)


def described(url: str) -> dict[str, Any]:
    with DatabaseManager(url) as database:
        inspector = sa.inspect(database.engine)
        return {
            name: [
                sorted(
                    (column["name"], repr(column["type"]), column["nullable"]) for column in inspector.get_columns(name)
                ),
                inspector.get_pk_constraint(name),
                _sorted(inspector.get_unique_constraints(name)),
                _sorted(inspector.get_foreign_keys(name)),
                _sorted(inspector.get_indexes(name)),
                sorted(str(check["name"]) for check in inspector.get_check_constraints(name)),
            ]
            for name in Marketing.metadata.tables
        }


def _sorted(items: Any) -> list[dict[str, Any]]:
    return sorted((dict(item) for item in items), key=lambda item: str(item["name"]))


def test_down_leaves_what_is_not_ours(alembic: Config, migrated_url: str) -> None:
    """Nothing of the example stays, nothing of etl-models goes, and up works again."""
    others = tables(migrated_url)
    command.upgrade(alembic, "head")
    command.downgrade(alembic, "base")
    assert tables(migrated_url) == others | {VERSION_TABLE}
    with Store(migrated_url) as store:
        assert store.health_check().ok
    command.upgrade(alembic, "head")
    command.check(alembic)


def test_days_loaded_before_the_second_migration_stay(alembic: Config, campaigns_url: str) -> None:
    """One step down takes the executions off them, one step up leaves them without; the figures stay."""
    command.stamp(alembic, "head")
    with DatabaseManager(campaigns_url, metadata=Marketing.metadata) as database:
        with database.session() as session:
            ad = AdRepository(session).get_one(code="g-1001")
            row = {"ad_id": ad.id, "day": date(2026, 3, 1), "clicks": 7, "spend_currency": "EUR"}
            PerformanceRepository(session).put_days([{**row, "execution_id": ad.id}])
        command.downgrade(alembic, "-1")
        command.upgrade(alembic, "head")
        with database.session(readonly=True) as session:
            (found,) = Repository(session, DailyPerformance).find_all()
            assert (found.clicks, found.execution_id) == (7, None)
