"""How much registering and reading ask of the database: nothing for what is unchanged, chunks for what is many."""

from __future__ import annotations

import pytest

from etl_models.specs.loader import load
from etl_models.store import Store
from tests.support.definitions import JOB, actions, component_of, many, shop
from tests.support.statements import counted

pytestmark = pytest.mark.contract

WRITING = ("INSERT", "UPDATE", "DELETE")


def test_an_unchanged_document_writes_nothing(sync_store: Store) -> None:
    """Registering it again sends no INSERT, no UPDATE and no DELETE."""
    sync_store.catalog.apply(shop())
    with counted(sync_store.database.engine) as counts:
        assert not sync_store.catalog.apply(shop()).changed
    assert counts["SELECT"] > 0
    assert {word: counts[word] for word in WRITING} == dict.fromkeys(WRITING, 0)


def test_a_changed_component_writes_its_own_rows_only(sync_store: Store) -> None:
    """One changed component: no more UPDATEs than its row, its configuration, and its job."""
    sync_store.catalog.apply(shop())
    document = shop()
    component_of(document, "clean")["configuration"] = {"drop_nulls": True}
    with counted(sync_store.database.engine) as counts:
        sync_store.catalog.apply(document)
    assert counts["UPDATE"] == 3


def test_statements_grow_with_chunks_not_with_jobs(sync_store: Store) -> None:
    """A hundred times the jobs take a few more statements, to create, to find unchanged and to change."""
    with counted(sync_store.database.engine) as few:
        sync_store.catalog.register(load(many(3, namespace="few")))
    documents = load(many(300, namespace="lots"))
    with counted(sync_store.database.engine) as lots:
        sync_store.catalog.register(documents)
    assert lots.total() <= few.total() + 12
    with counted(sync_store.database.engine) as again:
        assert not sync_store.catalog.register(documents).changed
    assert again.total() <= 8
    changed = many(300, namespace="lots")
    for job in changed["jobs"]:
        job["components"][0]["configuration"] = {}
    with counted(sync_store.database.engine) as counts:
        sync_store.catalog.register(load(changed))
    assert counts.total() <= few.total() + 15


def test_many_namespaces_are_no_more_statements_than_one(sync_store: Store) -> None:
    """Names are looked up in chunks across namespaces."""
    jobs = [{"namespace": f"space-{number}", "name": "job"} for number in range(100)]
    with counted(sync_store.database.engine) as counts:
        result = sync_store.catalog.apply({"jobs": jobs})
    assert set(actions(result).values()) == {"created"}
    assert counts["SELECT"] <= 8


def test_reading_takes_a_fixed_number_of_statements(sync_store: Store) -> None:
    """A job, a list of jobs and a list of components are a handful of statements, however much they hold."""
    sync_store.catalog.apply(shop())
    sync_store.catalog.apply(many(60, components=20))
    for read, limit in (
        (lambda: sync_store.catalog.jobs.get(JOB), 6),
        (lambda: sync_store.catalog.jobs.get("many/job-7"), 6),
        (lambda: sync_store.catalog.jobs.list(limit=60), 2),
        (lambda: sync_store.catalog.components.list(limit=1000), 1),
        (lambda: sync_store.catalog.dataclasses.get("many/record-1"), 2),
        (sync_store.catalog.tags.list, 2),
    ):
        with counted(sync_store.database.engine) as counts:
            read()
        assert counts["SELECT"] <= limit


@pytest.mark.database("sqlite")
def test_thousands_of_jobs_take_seconds(sync_store: Store) -> None:
    """2,000 jobs with 10,000 components are registered in bulk; one by one would take minutes."""
    import time

    document = load(many(2_000, components=5))
    started = time.process_time()
    result = sync_store.catalog.register(document)
    assert time.process_time() - started < 60  # about 3 on an idle machine
    assert len(result.changes) > 12_000
