"""What an execution is pinned to: the newest version of its job, and no execution is lost for want of one."""

from __future__ import annotations

import pytest

from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.operations.catalog.pins import ensure_job, pin_job
from etl_models.store import Store
from tests.support.definitions import JOB, actions, component_of, job_of, shop

pytestmark = pytest.mark.contract


def test_a_pin_holds_the_newest_version(store: Store) -> None:
    """Ids and version of the job, ids of its components, and what each depends on, in order."""
    store.catalog.apply(shop())
    document = shop()
    component_of(document, "clean")["description"] = "Cleans."
    store.catalog.apply(document)
    job = store.catalog.jobs.get(JOB)
    pin = store.database.run(pin_job, JOB, create_missing=False)
    assert (pin.job_id, pin.version, pin.content_hash, pin.num_of_retries) == (job.id, 2, job.content_hash, 2)
    assert (pin.namespace, pin.name, pin.is_deleted) == ("shop", "load-orders", False)
    assert pin.component_ids == {component.name: component.id for component in job.components}
    assert pin.upstreams == {"extract": (), "clean": ("extract",), "sum": ("clean", "extract")}


def test_removed_components_are_not_pinned(store: Store) -> None:
    """Only what the newest version has."""
    store.catalog.apply(shop())
    document = shop()
    job_of(document)["components"].pop()
    store.catalog.apply(document)
    assert set(store.database.run(pin_job, JOB, create_missing=False).component_ids) == {"extract", "clean"}


def test_a_job_nobody_registered_becomes_a_draft(store: Store) -> None:
    """It is made once, with a first version; registering it later continues with the second."""
    first = store.database.run(ensure_job, "shop", "load-orders")
    assert first == store.database.run(pin_job, JOB, create_missing=True)
    assert (first.version, first.component_ids, first.upstreams) == (1, {}, {})
    assert store.catalog.jobs.get(JOB).status == "draft"
    draft = {"namespace": "shop", "jobs": [{"name": "load-orders", "status": "draft"}]}
    assert not store.catalog.apply(draft).changed
    assert actions(store.catalog.apply(shop()))["job load-orders"] == "updated"
    pinned = store.database.run(pin_job, JOB, create_missing=False)
    assert (pinned.job_id, pinned.version) == (first.job_id, 2)
    assert pinned.job_version_id != first.job_version_id


def test_a_missing_job_is_an_error_unless_it_may_be_made(store: Store) -> None:
    """Without leave to create, nothing is created."""
    with pytest.raises(NotFoundError):
        store.database.run(pin_job, "shop/nothing", create_missing=False)
    with pytest.raises(InvalidInputError):
        store.database.run(ensure_job, "shop", "a/b")
    assert store.catalog.jobs.list(include_deleted=True).items == ()


def test_a_deleted_job_is_pinned_but_not_restored(store: Store) -> None:
    """What still runs under a deleted job is recorded; the job stays deleted."""
    store.catalog.apply(shop())
    store.catalog.jobs.delete(JOB)
    assert store.database.run(pin_job, JOB, create_missing=True).is_deleted
    assert store.catalog.jobs.find(JOB) is None
    with pytest.raises(NotFoundError):
        store.database.run(pin_job, JOB, create_missing=False)
