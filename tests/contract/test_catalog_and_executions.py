"""Where definitions and executions meet: latest executions, tags of both, and history that outlives definitions."""

from __future__ import annotations

import pytest

from etl_models.errors import ConflictError
from etl_models.store import Store
from tests.support.definitions import JOB, component_of, job_of, shop

pytestmark = pytest.mark.contract


def test_a_job_shows_its_latest_execution(store: Store) -> None:
    """Id, state and time of the newest execution, in details and in lists."""
    store.catalog.apply(shop())
    assert store.catalog.jobs.get(JOB).latest_execution_id is None
    for key, state in (("1", "succeeded"), ("2", "failed")):
        store.recorder.start(JOB, key=key).finish(state)
    newest = store.history.get_by_key(JOB, "2")
    for shown in (store.catalog.jobs.get(JOB), store.catalog.jobs.list().items[0]):
        assert shown.latest_execution_id == newest.id
        assert shown.latest_execution_state == "failed"
        assert shown.latest_execution_at == newest.created_at


def test_executions_stay_with_the_version_they_began_with(store: Store) -> None:
    """Registering a change does not touch what ran before; what runs afterwards has the new version."""
    store.catalog.apply(shop())
    store.recorder.start(JOB, key="1").finish()
    document = shop()
    component_of(document, "clean")["configuration"] = {"drop_nulls": True}
    store.catalog.apply(document)
    store.recorder.start(JOB, key="2").finish()
    versions = {key: store.history.get_by_key(JOB, key) for key in "12"}
    assert [versions[key].definition_version for key in "12"] == [1, 2]
    newest, oldest = store.catalog.jobs.history(JOB).items
    assert [versions[key].definition_hash for key in "12"] == [oldest.content_hash, newest.content_hash]


def test_history_outlives_what_it_is_about(store: Store) -> None:
    """Deleting a job or a component leaves executions, component executions and their names."""
    store.catalog.apply(shop())
    execution = store.recorder.start(JOB, key="1")
    execution.start_component("sum").finish()
    execution.finish()
    before = store.history.get_by_key(JOB, "1")
    document = shop()
    job_of(document)["components"].pop()
    store.catalog.apply(document)
    store.catalog.jobs.delete(JOB)
    assert store.history.get_by_key(JOB, "1") == before
    assert "sum" in {component.name for component in before.components}
    store.catalog.jobs.restore(JOB)
    assert store.history.get_by_key(JOB, "1") == before


def test_tags_of_executions_are_listed_beside_those_of_jobs(store: Store) -> None:
    """Each with how many jobs and executions carry it, merged and in pages without gaps."""
    store.catalog.apply(shop())
    for number in range(3):
        store.recorder.start(JOB, key=str(number), tags={"team": "sales", "day": str(number)}).finish()
    expected = [
        ("daily", None, 1, 0),
        ("day", "0", 0, 1),
        ("day", "1", 0, 1),
        ("day", "2", 0, 1),
        ("team", "sales", 1, 3),
    ]
    for limit in (1, 2, 3, 5):
        page = store.catalog.tags.list(limit=limit)
        found = list(page.items)
        while page.next_cursor is not None:
            page = store.catalog.tags.list(limit=limit, cursor=page.next_cursor)
            found += page.items
        assert [(tag.key, tag.value, tag.jobs, tag.executions) for tag in found] == expected
    assert store.catalog.tags.get("day=1").executions == 1


def test_what_was_recorded_cannot_be_deleted_as_a_tag(store: Store) -> None:
    """A tag that only executions carry stays; one that jobs carry too is hidden with its executions counted still."""
    store.catalog.apply(shop())
    store.recorder.start(JOB, key="1", tags={"team": "sales", "day": "1"}).finish()
    with pytest.raises(ConflictError, match="carried by executions only"):
        store.catalog.tags.delete("day=1")
    store.catalog.tags.delete("team=sales")
    assert [tag.key for tag in store.catalog.tags.list().items] == ["daily", "day"]
    assert store.catalog.tags.get("team=sales", include_deleted=True).executions == 1
    assert store.history.get_by_key(JOB, "1").tags["team"] == "sales"
