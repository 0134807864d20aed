"""Registering at the same time: processes and threads that meet end as if one had come after the other."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from etl_models.errors import ConflictError, DefinitionError, NotFoundError
from etl_models.operations.catalog.pins import pin_job
from etl_models.store import Store
from tests.support.definitions import JOB, actions, component_of, many, shop

pytestmark = pytest.mark.contract

RACERS = 6


def race(url: str, work: Callable[[Store, int], Any], racers: int = RACERS) -> list[Any]:
    """Do ``work(store, number)`` in threads that start together, each with a store of its own."""
    gate = threading.Barrier(racers)

    def run(number: int) -> Any:
        with Store(url) as store:
            store.health_check()  # connected before the start
            gate.wait(30)
            return work(store, number)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


def test_one_creates_and_the_others_find_it(migrated_url: str) -> None:
    """Of several that register the same new document, one creates it and the others see it unchanged."""
    results = race(migrated_url, lambda store, _: actions(store.catalog.apply(shop())))
    assert Counter(result["job load-orders"] for result in results) == {"created": 1, "unchanged": RACERS - 1}
    with Store(migrated_url) as store:
        assert len(store.catalog.jobs.history(JOB)) == 1
        assert store.catalog.jobs.get(JOB).tags == {"daily": None, "team": "sales"}


def test_processes_race_like_threads(migrated_url: str) -> None:
    """Separate interpreters on one database: one creates, nobody fails."""
    code = (
        "import sys; from etl_models.store import Store; from tests.support.definitions import actions, many\n"
        "sys.stdin.read(1)\n"
        "with Store(sys.argv[1]) as store: print(actions(store.catalog.apply(many(20)))['job job-0'])"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, migrated_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in outcomes] == [""] * 3
    assert Counter(out.strip() for out, _ in outcomes) == {"created": 1, "unchanged": 2}


def test_different_changes_become_versions_in_a_row(migrated_url: str) -> None:
    """Changes that meet are put one after the other: no version is lost, none is numbered twice."""
    with Store(migrated_url) as store:
        store.catalog.apply(shop())

    def change(store: Store, number: int) -> str:
        document = shop()
        component_of(document, "clean")["configuration"] = {"number": number}
        return actions(store.catalog.apply(document))["job load-orders"]

    assert race(migrated_url, change) == ["updated"] * RACERS
    with Store(migrated_url) as store:
        versions = store.catalog.jobs.history(JOB).items
        assert [version.version for version in versions] == list(range(RACERS + 1, 0, -1))
        current = store.catalog.components.get("clean", job=JOB)
        assert current.version == RACERS + 1
        assert versions[0].document["components"][1]["configuration"] == current.configuration


def test_components_added_at_once_are_all_there(migrated_url: str) -> None:
    """Each added component sees those added before it."""
    with Store(migrated_url) as store:
        store.catalog.apply(shop())

    def add(store: Store, number: int) -> None:
        store.catalog.register_component({"name": f"extra-{number}", "component_type": "x"}, job=JOB)

    race(migrated_url, add)
    with Store(migrated_url) as store:
        job = store.catalog.jobs.get(JOB)
        assert job.version == RACERS + 1
        assert {component.name for component in job.components[3:]} == {f"extra-{n}" for n in range(RACERS)}


def test_overlapping_documents_do_not_wait_for_each_other_for_ever(migrated_url: str) -> None:
    """Documents that list the same definitions in opposite orders are all registered."""

    def apply(store: Store, number: int) -> None:
        document = many(30)
        if number % 2:
            document["jobs"].reverse()
            document["dataclasses"].reverse()
        for job in document["jobs"]:
            job["description"] = f"By {number}."
        store.catalog.apply(document)

    race(migrated_url, apply, 4)
    with Store(migrated_url) as store:
        jobs = store.catalog.jobs.list(namespace="many").items
        assert len(jobs) == 30
        assert {job.version for job in jobs} == {4}
        assert len({job.description for job in jobs}) == 1


def test_a_dataclass_is_not_deleted_under_a_job_that_begins_to_use_it(migrated_url: str) -> None:
    """Either the deletion is refused or the job is: a living job never uses a deleted dataclass."""
    for round_ in range(5):
        dataclass = {"namespace": "race", "dataclasses": [{"name": f"d{round_}"}]}
        with Store(migrated_url) as store:
            store.catalog.apply(dataclass)

        def work(store: Store, number: int, round_: int = round_) -> bool:
            try:
                if number == 0:
                    store.catalog.dataclasses.delete(f"race/d{round_}")
                else:
                    component = {"name": "c", "component_type": "t", "inputs": [f"d{round_}"]}
                    store.catalog.register_job({"namespace": "race", "name": f"j{round_}", "components": [component]})
            except (ConflictError, DefinitionError):
                return False
            return True

        deleted, registered = race(migrated_url, work, 2)
        assert deleted != registered


def test_executions_of_an_unknown_job_make_it_once(migrated_url: str) -> None:
    """Recorders that meet a job nobody registered pin the same draft."""
    pins = race(migrated_url, lambda store, _: store.database.run(pin_job, "new/job", create_missing=True))
    assert len({(pin.job_id, pin.job_version_id, pin.version) for pin in pins}) == 1
    with Store(migrated_url) as store:
        assert store.catalog.jobs.get("new/job").status == "draft"
        assert len(store.catalog.jobs.history("new/job")) == 1
        with pytest.raises(NotFoundError):
            store.database.run(pin_job, "new/other", create_missing=False)
