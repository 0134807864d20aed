"""Errors of databases become ours, alike on every database: each is provoked, none is made up."""

from __future__ import annotations

import traceback
import uuid
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.database import Database
from etl_models.errors import (
    AccessDeniedError,
    ConflictError,
    DatabaseUnavailableError,
    DuplicateError,
    EtlModelsError,
    InvalidInputError,
    SchemaVersionError,
)
from etl_models.models import Component, Execution, Job, JobTag, JobVersion, Tag
from tests.support.databases import Backend

pytestmark = pytest.mark.contract

SECRET = "geheim-4711"


def add_job(session: Session, /, **values: Any) -> Any:
    job_id = uuid.uuid4()
    session.execute(sa.insert(Job).values(**{"id": job_id, "name": "load", "content_hash": "x", **values}))
    return job_id


def refused(executor: Database, fn: Any, *args: Any, **kwargs: Any) -> Any:
    with pytest.raises(EtlModelsError) as caught:
        executor.run(fn, *args, **kwargs)
    shown = caught.value.message + repr(caught.value.details)
    for forbidden in (SECRET, "INSERT", "UPDATE", "SELECT", "etl-secret"):
        assert forbidden not in shown
    return caught.value


def test_a_taken_name_is_a_duplicate(executor: Database) -> None:
    """A unique constraint is told with its name, table and columns, whichever of them the driver knows."""
    executor.run(add_job, name=SECRET)
    error = refused(executor, add_job, name=SECRET)
    assert type(error) is DuplicateError
    assert error.details == {
        "kind": "unique",
        "constraint": "uq_etl_job_namespace_name",
        "table": "etl_job",
        "columns": ["namespace", "name"],
    }
    assert error.message == "job: another one already has this namespace, name"


def test_a_taken_key_is_a_duplicate(executor: Database) -> None:
    """A primary key that is there already is a duplicate as well."""
    job_id = executor.run(add_job)
    error = refused(executor, add_job, id=job_id, name="other")
    assert type(error) is DuplicateError
    assert error.details["kind"] == "unique"


def test_a_reference_to_nothing_is_a_conflict(executor: Database, backend: Backend) -> None:
    """A foreign key is told; by name where the database tells it."""
    error = refused(
        executor,
        lambda session: session.execute(
            sa.insert(Component).values(
                id=uuid.uuid4(), job_id=uuid.uuid4(), name="a", component_type="t", content_hash="x"
            )
        ),
    )
    assert type(error) is ConflictError
    if backend.name != "sqlite":
        assert error.details["constraint"] == "fk_etl_component_job_id"
        assert error.details["columns"] == ["job_id"]
        assert error.details["table"] == "etl_component"


def test_a_row_that_is_referred_to_stays(executor: Database, backend: Backend) -> None:
    """Deleting a job whose executions are kept is a conflict."""
    job_id = executor.run(add_job)
    version_id = uuid.uuid4()

    def use(session: Session) -> None:
        session.execute(
            sa.insert(JobVersion).values(
                id=version_id, job_id=job_id, version=1, document={}, content_hash="x", created_by="me"
            )
        )
        session.execute(
            sa.insert(Execution).values(id=uuid.uuid4(), job_id=job_id, job_version_id=version_id, state="queued")
        )

    executor.run(use)
    error = refused(executor, lambda session: session.execute(sa.delete(Job).where(Job.id == job_id)))
    assert type(error) is ConflictError
    assert "is referred to" in error.message


def test_a_broken_rule_is_invalid_input(executor: Database) -> None:
    """A check constraint is told with its name."""
    error = refused(executor, add_job, num_of_retries=-1)
    assert type(error) is InvalidInputError
    assert error.details["constraint"] == "ck_etl_job_num_of_retries"
    assert error.details["table"] == "etl_job"
    assert "ck_etl_job_num_of_retries" in error.message


def test_a_missing_value_is_invalid_input(executor: Database) -> None:
    """NOT NULL is told with its column."""
    error = refused(executor, add_job, content_hash=None)
    assert type(error) is InvalidInputError
    assert error.details["kind"] == "not_null"
    assert error.details["columns"] == ["content_hash"]


@pytest.mark.database("postgresql", "mariadb")
def test_a_value_that_is_too_long_is_invalid_input(executor: Database, backend: Backend) -> None:
    """Nothing is cut silently: too long is an error (SQLite knows no lengths)."""
    error = refused(executor, add_job, content_hash=SECRET + "x" * 80)
    assert type(error) is InvalidInputError
    assert error.details["kind"] == "too_long"
    if backend.name == "mariadb":
        assert error.details["columns"] == ["content_hash"]


def test_a_number_that_is_too_large_is_invalid_input(executor: Database) -> None:
    """An integer beyond 64 bits is refused alike, whether by the driver or by the server."""
    assert type(refused(executor, add_job, num_of_retries=2**70)) is InvalidInputError


@pytest.mark.parametrize("text", ["\ud800", "a\x00b"])
def test_text_no_database_can_hold_is_invalid_input(executor: Database, backend: Backend, text: str) -> None:
    """Lone surrogates, and NUL on PostgreSQL, are refused with an error of ours, not of a codec."""
    if "\x00" in text and backend.name != "postgresql":
        executor.run(add_job, name=text)
        return
    assert type(refused(executor, add_job, name=text)) is InvalidInputError


def test_a_naive_time_is_invalid_input(executor: Database) -> None:
    """A datetime without zone is refused before it is sent."""
    error = refused(executor, add_job, created_at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert type(error) is InvalidInputError
    assert "naive datetime" in error.message


def test_an_executor_goes_on_after_an_error(executor: Database) -> None:
    """No error leaves a broken connection behind."""
    executor.run(add_job)
    for _ in range(20):
        refused(executor, add_job)
    assert executor.run(add_job, name="other")


def test_a_missing_table_means_another_schema(executor: Database) -> None:
    """A table that is not there means the schema is not ours; the error says what to run."""
    executor.run(lambda session: session.execute(sa.text("DROP TABLE etl_job_tag")))
    error = refused(executor, lambda session: session.execute(sa.select(JobTag)).all())
    assert type(error) is SchemaVersionError
    assert "etl-models db upgrade" in error.message


def test_a_mistake_in_sql_is_not_retried_and_not_shown(executor: Database) -> None:
    """A statement of ours that is wrong is an error of its own kind, told once, without its text."""
    calls = []

    def wrong(session: Session) -> None:
        calls.append(1)
        session.execute(sa.text(f"SELEC '{SECRET}'"))

    error = refused(executor, wrong)
    assert type(error) is EtlModelsError
    assert len(calls) == 1


def test_mistakes_of_the_caller_come_out_as_they_are(executor: Database) -> None:
    """Exceptions of SQLAlchemy that tell of no database are the program's own and are not renamed."""
    with pytest.raises(sa.exc.NoResultFound):
        executor.run(lambda session: session.scalars(sa.select(Job)).one())


def test_the_driver_error_is_kept_without_parameters(executor: Database) -> None:
    """Who debugs finds the cause behind our error; bound values are not in its traceback."""
    with pytest.raises(InvalidInputError) as caught:
        executor.run(add_job, description=SECRET, num_of_retries=-1)
    text = "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)
    assert "[SQL parameters hidden due to hide_parameters=True]" in text
    assert SECRET not in text.replace(_failing_row(text), "")


def _failing_row(text: str) -> str:
    """PostgreSQL's own words quote the row; they stay in the cause, never in our message."""
    return next((line for line in text.splitlines() if "Failing row contains" in line), "\0")


@pytest.mark.database("postgresql")
def test_a_missing_privilege_is_access_denied(migrated_url: str) -> None:
    """An account that may connect but not write is told what it lacks."""
    with Database(migrated_url) as owner, owner.engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS reader")
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    with Database(migrated_url.replace("//etl:", "//reader:")) as reader:
        assert reader.read(lambda session: session.scalars(sa.select(Tag)).all()) == []
        with pytest.raises(AccessDeniedError, match="lacks a privilege"):
            reader.run(add_job)


@pytest.mark.database("postgresql", "mariadb")
def test_a_disk_that_is_full_or_a_server_that_shuts_down_is_unavailable(migrated_url: str, backend: Backend) -> None:
    """Codes of a server that cannot work now become DatabaseUnavailableError after a few tries."""
    calls = []

    def raise_code(session: Session) -> None:
        calls.append(1)
        if backend.name == "postgresql":
            session.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$"))
        else:
            session.execute(sa.text("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'x'"))

    with Database(migrated_url) as database, pytest.raises(DatabaseUnavailableError, match="cannot take on this work"):
        database.run(raise_code)
    assert 2 <= len(calls) <= 4
