"""Rules of the catalog that hold in the database itself: whoever goes around the library meets them too."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models.db.bases import metadata
from etl_models.domain.ids import uuid7
from etl_models.store import Store
from tests.support.definitions import JOB, shop

pytestmark = pytest.mark.contract

Row = dict[str, Any]
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Rows:
    """The stored rows of the shop, as Core sees them, to copy and to spoil."""

    def __init__(self, store: Store) -> None:
        store.catalog.apply(shop())
        self.engine = store.database.engine

    def first(self, table: str, **wanted: Any) -> Row:
        """A row of the table with these values."""
        columns = metadata.tables[table]
        query = sa.select(columns).where(*(columns.c[name] == value for name, value in wanted.items()))
        with self.engine.connect() as connection:
            return dict(connection.execute(query).mappings().first() or {})

    def insert(self, table: str, row: Row) -> None:
        """Add a row, past every check of the library."""
        with self.engine.begin() as connection:
            connection.execute(sa.insert(metadata.tables[table]), row)

    def execute(self, statement: str, **values: Any) -> None:
        """Send SQL as it is."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def count(self, table: str) -> int:
        """How many rows the table has."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[table])).scalar_one()


@pytest.fixture
def rows(sync_store: Store) -> Rows:
    """A registered shop."""
    return Rows(sync_store)


def refuses(rows: Rows, table: str, work: Callable[[], None]) -> bool:
    """Whether the database refuses ``work`` and leaves the table as it was; what else it may raise goes through."""
    before = rows.count(table)
    try:
        work()
    except (sa.exc.IntegrityError, sa.exc.DataError):
        return rows.count(table) == before
    except sa.exc.OperationalError as error:
        # MariaDB reports a broken CHECK as an OperationalError (4025); a locked or missing table is no refusal.
        if "4025" not in str(error):
            raise
        return rows.count(table) == before
    return False


UNIQUE: dict[str, Row] = {
    "etl_job": {"id": None},
    "etl_component": {"id": None},
    "etl_dataclass": {"id": None},
    "etl_metric": {"id": None},
    "etl_tag": {"id": None},
    "etl_job_version": {"id": None},
    "etl_component_version": {"id": None},
    "etl_dataclass_version": {"id": None},
    "etl_component_configuration": {},
    "etl_dataclass_schema": {},
    "etl_job_latest_execution": {},
    "etl_component_dependency": {"position": 7},
    "etl_component_dataclass": {"position": 7},
    "etl_component_metric": {"position": 7},
    "etl_job_tag": {},
    "etl_job_version_tag": {},
}


@pytest.mark.parametrize("table", UNIQUE)
def test_no_row_can_be_there_twice(rows: Rows, table: str) -> None:
    """A copy of a row under a new id is refused: names, keys, versions and links are unique."""
    row = rows.first(table)
    assert row
    copy = {**row, **{name: uuid7() if value is None else value for name, value in UNIQUE[table].items()}}
    assert refuses(rows, table, lambda: rows.insert(table, copy))


FOREIGN = [
    ("etl_component", "job_id"),
    ("etl_component_configuration", "component_id"),
    ("etl_component_dependency", "upstream_id"),
    ("etl_component_dependency", "downstream_id"),
    ("etl_component_dependency", "job_id"),
    ("etl_component_dataclass", "component_id"),
    ("etl_component_dataclass", "dataclass_id"),
    ("etl_component_metric", "component_id"),
    ("etl_component_metric", "metric_id"),
    ("etl_dataclass_schema", "dataclass_id"),
    ("etl_job_tag", "job_id"),
    ("etl_job_tag", "tag_id"),
    ("etl_job_version", "job_id"),
    ("etl_job_version_tag", "job_version_id"),
    ("etl_job_version_tag", "tag_id"),
    ("etl_component_version", "component_id"),
    ("etl_dataclass_version", "dataclass_id"),
    ("etl_job_latest_execution", "job_id"),
    ("etl_job_latest_execution", "execution_id"),
]


@pytest.mark.parametrize(("table", "column"), FOREIGN, ids=[".".join(pair) for pair in FOREIGN])
def test_nothing_refers_to_what_is_not_there(rows: Rows, table: str, column: str) -> None:
    """A row with an id that no row has is refused."""
    row = rows.first(table)
    fresh = {name: uuid7() for name in ("id",) if name in row}
    assert refuses(rows, table, lambda: rows.insert(table, {**row, **fresh, column: uuid7()}))


CHECKS = [
    ("etl_job", "num_of_retries", -1),
    ("etl_job", "version", 0),
    ("etl_job", "status", "'retired'"),
    ("etl_job", "strategy_type", "'columnar'"),
    ("etl_component", "position", -1),
    ("etl_component", "version", 0),
    ("etl_component", "status", "''"),
    ("etl_dataclass", "version", 0),
    ("etl_dataclass", "status", "'ACTIVE'"),
    ("etl_metric", "kind", "'sum'"),
    ("etl_metric", "direction", "'up'"),
    ("etl_job_version", "version", 0),
    ("etl_component_version", "version", -3),
    ("etl_dataclass_version", "version", 0),
    ("etl_component_dependency", "position", -1),
    ("etl_component_dataclass", "position", -1),
    ("etl_component_dataclass", "direction", "'both'"),
    ("etl_component_metric", "position", -1),
]


@pytest.mark.parametrize(("table", "column", "value"), CHECKS, ids=[f"{check[0]}.{check[1]}" for check in CHECKS])
def test_values_outside_their_range_are_refused(rows: Rows, table: str, column: str, value: object) -> None:
    """Checks are of the table, not only of the library."""
    assert refuses(rows, table, lambda: rows.execute(f"UPDATE {table} SET {column} = {value}"))


REQUIRED = [
    ("etl_job", "name"),
    ("etl_job", "content_hash"),
    ("etl_job", "created_at"),
    ("etl_job", "is_deleted"),
    ("etl_component", "component_type"),
    ("etl_component_configuration", "configuration"),
    ("etl_dataclass", "validation_rules"),
    ("etl_dataclass_schema", "schema_definition"),
    ("etl_job_version", "document"),
    ("etl_tag", "value"),
]


@pytest.mark.parametrize(("table", "column"), REQUIRED, ids=[".".join(pair) for pair in REQUIRED])
def test_what_is_required_cannot_be_null(rows: Rows, table: str, column: str) -> None:
    """NULL is refused where a value is promised."""
    assert refuses(rows, table, lambda: rows.execute(f"UPDATE {table} SET {column} = NULL"))


def test_both_ends_of_a_dependency_are_of_the_same_job(sync_store: Store, rows: Rows) -> None:
    """An edge between components of two jobs is refused, whichever job it names."""
    sync_store.catalog.apply({"jobs": [{"name": "other", "components": [{"name": "a", "component_type": "t"}]}]})
    edge = rows.first("etl_component_dependency")
    stranger = rows.first("etl_component", name="a")
    for job_id in (edge["job_id"], stranger["job_id"]):
        assert refuses(
            rows,
            "etl_component_dependency",
            lambda job_id=job_id: rows.insert(  # type: ignore[misc]
                "etl_component_dependency", {**edge, "job_id": job_id, "upstream_id": stranger["id"]}
            ),
        )


def test_a_component_does_not_depend_on_itself(rows: Rows) -> None:
    """The shortest cycle is refused by the table."""
    edge = rows.first("etl_component_dependency")
    assert refuses(
        rows,
        "etl_component_dependency",
        lambda: rows.insert("etl_component_dependency", {**edge, "upstream_id": edge["downstream_id"]}),
    )


def test_names_that_differ_only_in_case_or_accent_are_different(rows: Rows) -> None:
    """Keys are compared byte by byte on every database."""
    job = rows.first("etl_job")
    for name in ("LOAD-ORDERS", "lóad-orders", "load‑orders"):
        rows.insert("etl_job", {**job, "id": uuid7(), "name": name})
    assert rows.count("etl_job") == 4


@pytest.mark.database("postgresql", "mariadb")
def test_names_too_long_for_their_column_are_refused(rows: Rows) -> None:
    """Nothing is cut silently; SQLite has no lengths, there the library alone checks them."""
    job = rows.first("etl_job")
    assert refuses(rows, "etl_job", lambda: rows.insert("etl_job", {**job, "id": uuid7(), "name": "x" * 256}))


def test_rows_of_a_job_go_with_it_and_shared_ones_stay(rows: Rows) -> None:
    """Deleting a job for good takes its components, links and versions along, not its tags, dataclasses and metrics."""
    with rows.engine.begin() as connection:
        connection.execute(sa.delete(metadata.tables["etl_job"]))
    for table in (
        "etl_component",
        "etl_component_configuration",
        "etl_component_dependency",
        "etl_component_dataclass",
        "etl_component_metric",
        "etl_component_version",
        "etl_job_version",
        "etl_job_version_tag",
        "etl_job_tag",
        "etl_job_latest_execution",
    ):
        assert rows.count(table) == 0, table
    assert (rows.count("etl_dataclass"), rows.count("etl_metric"), rows.count("etl_tag")) == (2, 2, 2)


def test_a_job_with_executions_cannot_be_deleted_for_good(sync_store: Store, rows: Rows) -> None:
    """The history keeps the job it is about, and the version it is pinned to."""
    job = rows.first("etl_job")
    version = rows.first("etl_job_version")
    execution: Row = {
        "id": uuid7(),
        "job_id": job["id"],
        "job_version_id": version["id"],
        "state": "running",
        "parameters": {},
        "attempt_count": 1,
        "created_at": _NOW,
        "updated_at": _NOW,
    }
    rows.insert("etl_execution", execution)
    assert refuses(rows, "etl_job", lambda: rows.execute("DELETE FROM etl_job"))
    assert refuses(rows, "etl_job_version", lambda: rows.execute("DELETE FROM etl_job_version"))
    other: uuid.UUID = uuid7()
    sync_store.catalog.apply({"jobs": [{"name": "other"}]})
    stranger = rows.first("etl_job_version", job_id=rows.first("etl_job", name="other")["id"])
    assert refuses(
        rows,
        "etl_execution",
        lambda: rows.insert("etl_execution", {**execution, "id": other, "job_version_id": stranger["id"]}),
    )
    assert sync_store.catalog.jobs.delete(JOB).action == "deleted"
