"""What reading history costs: how many statements, and whether the indexes made for it are used."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from etl_models.db.bases import table_of
from etl_models.domain.ids import uuid7
from etl_models.domain.states import ExecutionState
from etl_models.models.execution import Execution
from etl_models.models.version import JobVersion
from etl_models.operations.history.filters import make_filter
from etl_models.operations.history.listing import page_query
from etl_models.store.history import History
from tests.support.executions import EPOCH, Component, Writer

pytestmark = pytest.mark.contract


@pytest.fixture
def statements(database):
    """The statements sent to the database, as they are."""
    seen = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


def selects(statements):
    return [text for text in statements if text.lstrip().upper().startswith("SELECT") and "etl_alembic" not in text]


def many(session, number):
    writer = Writer(session)
    job_id = writer.job(tags={"team": "ops"})
    for _ in range(number):
        writer.execution(
            job_id,
            tags={"a": "1"},
            metrics={"rows": [1, 2]},
            attempts=2,
            components=[Component(name, metrics={"rows": [1]}, reads=["a/b"]) for name in ("x", "y", "z")],
        )
    return job_id


def test_a_page_takes_three_statements_however_many_executions(database, statements):
    """Rows, tags, samples; one more to find the job."""
    database.run(many, 30)
    history = History(database)
    history.list(limit=1)
    for limit in (1, 10, 30):
        statements.clear()
        history.list(limit=limit)
        assert len(selects(statements)) == 3
    statements.clear()
    history.list(job="flights/load-flights", tags={"team": "ops"}, states=["succeeded"])
    assert len(selects(statements)) == 4


def test_one_execution_takes_seven_statements_whatever_it_holds(database, statements):
    """No statement for each attempt, component or dataset."""
    database.run(many, 2)
    history = History(database)
    (first, _) = history.list().items
    statements.clear()
    history.get(first.id)
    assert len(selects(statements)) == 7


def test_statistics_take_two_statements(database, statements):
    """Counts and ranks; one more for the bounds where a time zone has to be cut into spans."""
    database.run(many, 2)
    history = History(database)
    history.stats()
    statements.clear()
    history.stats(by=["job", "day"])
    assert len(selects(statements)) == 2
    statements.clear()
    history.stats(by="day", tz="America/New_York")
    assert len(selects(statements)) == 3


def fill(session, number):
    """Bare executions, enough that a plan without an index would be seen."""
    writer = Writer(session)
    for reference in ("flights/load-flights", "flights/other"):
        job_id = writer.job(reference)
        version = table_of(JobVersion)
        version_id = session.scalar(sa.select(version.c.id).where(version.c.job_id == job_id))
        session.execute(
            sa.insert(table_of(Execution)),
            [
                {
                    "id": uuid7(),
                    "job_id": job_id,
                    "job_version_id": version_id,
                    "state": ExecutionState.FAILED if index % 100 == 0 else ExecutionState.SUCCEEDED,
                    "parameters": {},
                    "created_at": EPOCH + timedelta(minutes=index),
                    "updated_at": EPOCH,
                    "started_at": EPOCH + timedelta(minutes=index),
                    "ended_at": EPOCH + timedelta(minutes=index, seconds=index % 90),
                }
                for index in range(number)
            ],
        )


def analyse(database):
    """Let the planner know the tables."""
    kind = database.target.dialect.name
    with database.engine.connect() as connection:
        command = "ANALYZE TABLE etl_execution, etl_job" if kind == "mysql" else "ANALYZE"
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(command)


def explain(session, filters):
    """The plan as text; the statement is sent with its parameters, as it would be."""
    query = page_query(make_filter(session, **filters), 50, None)
    kind = session.get_bind().dialect.name
    prefix = "EXPLAIN QUERY PLAN " if kind == "sqlite" else "EXPLAIN "
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    rows = session.connection().exec_driver_sql(prefix + str(compiled).replace("%", "%%")).all()
    return "\n".join(str(tuple(row)) for row in rows)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "ix_etl_execution_created_at_id"),
        ({"job": "flights/load-flights"}, "ix_etl_execution_job_id_created_at_id"),
        ({"states": ["failed"]}, "ix_etl_execution_state_created_at_id"),
    ],
    ids=["all", "job", "state"],
)
def test_a_page_reads_an_index_in_order(database, filters, index):
    """Listing newest first sorts nothing and reads no further than the page, thanks to the index made for it."""
    database.run(fill, 3000)
    analyse(database)
    plan = database.read(explain, filters)
    assert index in plan, plan
    # The page itself, 51 rows, may be sorted again after it was completed.
    kind = database.target.dialect.name
    if kind == "sqlite":
        assert plan.count("TEMP B-TREE") <= 1, plan
    elif kind == "mysql":
        (inner,) = [line for line in plan.splitlines() if "DERIVED" in line]
        assert "filesort" not in inner, plan


@pytest.mark.nightly
@pytest.mark.database("sqlite")
def test_lists_and_statistics_of_many_executions_stay_quick(database):
    """The first page of 200,000 executions takes well under a second, statistics a few."""
    database.run(fill, 100_000)
    history = History(database)
    history.list()
    started = time.perf_counter()
    history.list()
    listed = time.perf_counter()
    history.stats(by=["job", "day"])
    counted = time.perf_counter()
    assert listed - started < 0.5
    assert counted - listed < 20
