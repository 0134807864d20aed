"""What deleting and restoring promise: hidden, never lost; refused where something living needs it."""

from __future__ import annotations

import pytest

from etl_models.errors import ConflictError, NotFoundError
from etl_models.store import Store
from tests.support.definitions import JOB, actions, component_of, job_of, shop

pytestmark = pytest.mark.contract


def test_a_deleted_job_is_hidden_and_keeps_its_history(store: Store) -> None:
    """Lists and get pass over it, its components and its use of dataclasses; ids, versions and rows stay."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB)
    change = store.catalog.jobs.delete(JOB)
    assert (change.action, change.id, change.kind) == ("deleted", before.id, "job")
    assert store.catalog.jobs.list().items == ()
    assert store.catalog.jobs.find(JOB) is None
    assert store.catalog.components.list().items == ()
    assert store.catalog.components.find("clean", job=JOB) is None
    with pytest.raises(NotFoundError, match="is deleted; restore it first"):
        store.catalog.jobs.get(JOB)
    with pytest.raises(NotFoundError, match="is deleted; restore it first"):
        store.catalog.components.get("clean", job=JOB)
    (shown,) = store.catalog.jobs.list(include_deleted=True).items
    assert shown.is_deleted
    assert shown.deleted_at is not None
    assert len(store.catalog.jobs.get(JOB, include_deleted=True).components) == 3
    assert len(store.catalog.jobs.history(JOB)) == 1
    assert len(store.catalog.components.history("clean", job=JOB)) == 1


def test_a_restored_job_is_as_it_was(store: Store) -> None:
    """Same ids, same version, nothing new in the history; restoring what is there changes nothing."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB)
    store.catalog.jobs.delete(JOB)
    assert store.catalog.jobs.restore(JOB).action == "restored"
    after = store.catalog.jobs.get(JOB)
    assert after.model_copy(update={"updated_at": before.updated_at}) == before
    assert store.catalog.jobs.restore(JOB).action == "unchanged"
    assert len(store.catalog.jobs.history(JOB)) == 1
    assert not store.catalog.apply(shop()).changed


def test_deleting_twice_changes_nothing_the_second_time(store: Store) -> None:
    """The second call says so; what never was is not found."""
    store.catalog.apply(shop())
    for delete, what in (
        (store.catalog.jobs.delete, JOB),
        (store.catalog.dataclasses.delete, "shop/order"),
        (store.catalog.metrics.delete, "shop/rows_out"),
        (store.catalog.tags.delete, "team=sales"),
    ):
        assert delete(what).action == "deleted"
        assert delete(what).action == "unchanged"
        with pytest.raises(NotFoundError):
            delete("nothing")
    first = store.catalog.jobs.get(JOB, include_deleted=True)
    assert first.deleted_at is not None
    assert store.catalog.jobs.delete(JOB).action == "unchanged"
    assert store.catalog.jobs.get(JOB, include_deleted=True).deleted_at == first.deleted_at


def test_a_dataclass_in_use_cannot_be_deleted(store: Store) -> None:
    """The refusal names the components of living jobs; those of deleted jobs do not count."""
    store.catalog.apply(shop())
    with pytest.raises(ConflictError, match=r"used by shop/load-orders\.extract, shop/load-orders\.clean") as caught:
        store.catalog.dataclasses.delete("shop/order")
    assert caught.value.details["used_by"] == [
        "shop/load-orders.extract",
        "shop/load-orders.clean",
        "shop/load-orders.sum",
    ]
    store.catalog.jobs.delete(JOB)
    assert store.catalog.dataclasses.delete("shop/order").action == "deleted"
    assert store.catalog.dataclasses.find("shop/order") is None
    assert len(store.catalog.dataclasses.history("shop/order")) == 1
    assert [each.name for each in store.catalog.dataclasses.list(include_deleted=True).items] == ["order", "total"]
    assert store.catalog.dataclasses.restore("shop/order").action == "restored"
    assert store.catalog.dataclasses.restore("shop/order").action == "unchanged"


def test_a_metric_in_use_cannot_be_deleted(store: Store) -> None:
    """As a dataclass; a job that names it again brings it back with its definition."""
    store.catalog.apply(shop())
    with pytest.raises(ConflictError, match=r"used by shop/load-orders\.clean"):
        store.catalog.metrics.delete("shop/rows_out")
    store.catalog.jobs.delete(JOB)
    store.catalog.metrics.delete("shop/rows_out")
    assert [each.name for each in store.catalog.metrics.list().items] == ["rows_in"]
    document = shop()
    del document["metrics"]
    assert actions(store.catalog.apply(document))["metric rows_out"] == "restored"
    assert store.catalog.metrics.get("shop/rows_out").unit == "rows"


def test_a_deleted_tag_is_hidden_on_its_jobs(store: Store) -> None:
    """The jobs are not changed, restoring shows it again, and so does registering a job that carries it."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB)
    assert store.catalog.tags.delete("team=sales").action == "deleted"
    assert store.catalog.jobs.get(JOB).tags == {"daily": None}
    assert store.catalog.jobs.list(tags={"team": "sales"}).items == ()
    assert [tag.key for tag in store.catalog.tags.list().items] == ["daily"]
    assert [tag.key for tag in store.catalog.tags.list(include_deleted=True).items] == ["daily", "team"]
    assert len(store.catalog.tags.history("team=sales")) == 1
    assert store.catalog.tags.restore("team=sales").action == "restored"
    assert store.catalog.jobs.get(JOB) == before

    store.catalog.tags.delete("team=sales")
    assert actions(store.catalog.apply(shop()))["tag team=sales"] == "restored"
    assert store.catalog.jobs.get(JOB) == before


def test_removing_a_component_is_a_new_version_of_its_job(store: Store) -> None:
    """The job loses it, its id and history stay; restoring puts it back where it stood."""
    store.catalog.apply(shop())
    before = store.catalog.components.get("sum", job=JOB)
    assert store.catalog.components.delete("sum", job=JOB).action == "deleted"
    assert store.catalog.jobs.get(JOB).version == 2
    assert store.catalog.components.delete("sum", job=JOB).action == "unchanged"
    assert store.catalog.jobs.get(JOB).version == 2
    assert store.catalog.components.restore("sum", job=JOB).action == "restored"
    assert store.catalog.components.restore("sum", job=JOB).action == "unchanged"
    after = store.catalog.components.get("sum", job=JOB)
    assert after.model_copy(update={"updated_at": before.updated_at}) == before
    job = store.catalog.jobs.get(JOB)
    assert job.version == 3
    assert job.content_hash == store.catalog.jobs.history(JOB).items[-1].content_hash
    assert not store.catalog.apply(shop()).changed


def test_a_component_that_others_depend_on_stays(store: Store) -> None:
    """The refusal names them; unknown components and jobs are not found."""
    store.catalog.apply(shop())
    with pytest.raises(ConflictError, match="others depend on it: clean, sum"):
        store.catalog.components.delete("extract", job=JOB)
    with pytest.raises(NotFoundError, match="did you mean 'clean'"):
        store.catalog.components.delete("clear", job=JOB)
    with pytest.raises(NotFoundError):
        store.catalog.components.delete("extract", job="shop/nothing")
    assert store.catalog.jobs.get(JOB).version == 1


def test_a_component_that_no_longer_fits_is_not_restored(store: Store) -> None:
    """A removed component whose upstream is gone by now cannot come back alone."""
    store.catalog.apply(shop())
    document = shop()
    job_of(document)["components"] = [component_of(document, "extract")]
    store.catalog.apply(document)
    with pytest.raises(ConflictError, match=r"cannot be restored: .*no component 'clean'"):
        store.catalog.components.restore("sum", job=JOB)
    assert store.catalog.components.restore("clean", job=JOB).action == "restored"
    assert store.catalog.components.restore("sum", job=JOB).action == "restored"
    assert [component.name for component in store.catalog.jobs.get(JOB).components] == ["extract", "clean", "sum"]


def test_components_of_a_deleted_job_are_left_alone(store: Store) -> None:
    """Nothing is added to or taken from a job that is deleted."""
    store.catalog.apply(shop())
    store.catalog.jobs.delete(JOB)
    with pytest.raises(NotFoundError, match="is deleted; restore it first"):
        store.catalog.components.delete("sum", job=JOB)
    with pytest.raises(NotFoundError, match="is deleted; restore it first"):
        store.catalog.register_component({"name": "x", "component_type": "y"}, job=JOB)
