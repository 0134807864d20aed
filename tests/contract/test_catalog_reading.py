"""What lists, details, histories and exports promise, on every database and both faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from etl_models.domain.paging import Page
from etl_models.errors import InvalidInputError, NotFoundError
from etl_models.reads.definition import ComponentSummary, JobSummary
from etl_models.specs.loader import load
from etl_models.store import Store
from tests.support.definitions import JOB, Document, actions, component_of, job_of, many, shop

pytestmark = pytest.mark.contract


def everything(fetch: Callable[[str | None], Page[Any]]) -> list[Any]:
    """The items of all pages; the first page is asked for without a cursor."""
    page = fetch(None)
    items = list(page.items)
    while page.next_cursor is not None:
        page = fetch(page.next_cursor)
        items += page.items
    return items


def names(page: Page[Any]) -> list[str]:
    """The names on a page."""
    return [item.name for item in page.items]


def test_get_raises_and_find_returns_none(store: Store) -> None:
    """What is not there is an error of get, with the nearest name, and None of find."""
    store.catalog.apply(shop())
    assert store.catalog.jobs.find("shop/nothing") is None
    assert store.catalog.dataclasses.find("nothing") is None
    assert store.catalog.components.find("nothing", job=JOB) is None
    assert store.catalog.metrics.find("nothing") is None
    assert store.catalog.tags.find("nothing") is None
    assert store.catalog.component_types.find("nothing") is None
    with pytest.raises(NotFoundError, match=r"no job 'shop/load-order'; did you mean 'shop/load-orders'\?"):
        store.catalog.jobs.get("shop/load-order")
    with pytest.raises(NotFoundError, match=r"no job 'default/load-orders'; did you mean 'shop/load-orders'\?"):
        store.catalog.jobs.get("load-orders")
    with pytest.raises(NotFoundError, match=r"no dataclass 'shop/ordre'; did you mean 'shop/order'\?"):
        store.catalog.dataclasses.get("shop/ordre")
    with pytest.raises(
        NotFoundError, match=r"no component 'clear' of the job 'shop/load-orders'; did you mean 'clean'"
    ):
        store.catalog.components.get("clear", job=JOB)
    with pytest.raises(NotFoundError, match=r"no metric 'shop/rows_outs'; did you mean 'shop/rows_out'\?"):
        store.catalog.metrics.get("shop/rows_outs")
    with pytest.raises(NotFoundError, match=r"no tag 'team=sale'; did you mean 'team=sales'\?"):
        store.catalog.tags.get("team=sale")
    with pytest.raises(NotFoundError, match="no job"):
        store.catalog.components.get("clean", job="shop/nothing")


@pytest.mark.parametrize("reference", ["", "a/b/c", " a", "a/", "/a", "a\nb", "a\x00b", "x" * 256])
def test_what_cannot_be_a_reference_is_refused(store: Store, reference: str) -> None:
    """A reference that no job can have is invalid input, not a miss."""
    with pytest.raises(InvalidInputError):
        store.catalog.jobs.find(reference)
    with pytest.raises(InvalidInputError):
        store.catalog.dataclasses.get(reference)


def test_lists_are_sorted_by_name_and_come_in_pages(store: Store) -> None:
    """Pages follow each other without gaps or doubles, whatever their size, in the order of code points."""
    document: Document = {
        "namespace": "b",
        "jobs": [{"name": name} for name in ("z", "a", "B", "é", "e", "10", "9", "😀")],
    }
    store.catalog.apply(document)
    store.catalog.apply({"namespace": "a", "jobs": [{"name": "z"}]})
    expected = [("a", "z"), *(("b", name) for name in sorted(job["name"] for job in document["jobs"]))]
    for limit in (1, 2, 3, 9, 10):
        found: list[JobSummary] = everything(
            lambda cursor, limit=limit: store.catalog.jobs.list(limit=limit, cursor=cursor)  # type: ignore[misc]
        )
        assert [(job.namespace, job.name) for job in found] == expected
    assert store.catalog.jobs.list(limit=9).next_cursor is None


def test_a_page_is_not_disturbed_by_what_is_registered_meanwhile(store: Store) -> None:
    """A job that appears before the cursor does not shift the next page."""
    store.catalog.apply({"jobs": [{"name": name} for name in "bdf"]})
    first = store.catalog.jobs.list(limit=2)
    store.catalog.apply({"jobs": [{"name": "a"}, {"name": "e"}]})
    assert names(first) == ["b", "d"]
    assert names(store.catalog.jobs.list(limit=2, cursor=first.next_cursor)) == ["e", "f"]


def test_a_cursor_is_good_for_its_own_question_only(store: Store) -> None:
    """A damaged cursor, or one of another filter or list, is refused."""
    store.catalog.apply({"jobs": [{"name": name} for name in "abc"], "dataclasses": [{"name": "d"}, {"name": "e"}]})
    cursor = store.catalog.jobs.list(limit=1).next_cursor
    assert cursor is not None
    with pytest.raises(InvalidInputError, match="other filters"):
        store.catalog.jobs.list(limit=1, status="active", cursor=cursor)
    with pytest.raises(InvalidInputError, match="other filters"):
        store.catalog.dataclasses.list(limit=1, cursor=cursor)
    for damaged in ("", "x", cursor[:-3], "é", "\x00", cursor * 2):
        with pytest.raises(InvalidInputError):
            store.catalog.jobs.list(limit=1, cursor=damaged)
    for limit in (0, -1, 1001, True, "5"):
        with pytest.raises(InvalidInputError):
            store.catalog.jobs.list(limit=limit)  # type: ignore[arg-type]


def test_jobs_are_filtered(store: Store) -> None:
    """By namespace, status, tags (all of them, with or without a value) and name."""
    store.catalog.apply(shop())
    store.catalog.apply(
        {
            "namespace": "other",
            "jobs": [
                {"name": "load-orders", "status": "draft", "tags": [{"team": "ops"}]},
                {"name": "Load-Items", "tags": ["daily"]},
            ],
        }
    )
    listed = store.catalog.jobs.list
    assert names(listed(namespace="other")) == ["Load-Items", "load-orders"]
    assert [job.namespace for job in listed(status="draft").items] == ["other"]
    assert names(listed(tags={"daily": None})) == ["Load-Items", "load-orders"]
    assert [job.namespace for job in listed(tags={"team": "ops"}).items] == ["other"]
    assert [job.namespace for job in listed(tags={"team": None, "daily": None}).items] == ["shop"]
    assert [job.namespace for job in listed(tags={"daily": ""}).items] == ["other", "shop"]
    assert names(listed(tags={"team": "sales", "daily": None}, namespace="other")) == []
    with pytest.raises(InvalidInputError, match="did you mean 'active'"):
        listed(status="activ")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("load", ["load-a", "reload"]),
        ("load*", ["load-a"]),
        ("*load", ["reload"]),
        ("?oad-a", ["load-a"]),
        ("LOAD", ["LOAD"]),
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("a?b", ["a[b", "a_b", "axb"]),
        ("a[b", ["a[b"]),
        ("[a-z]*", []),
        ("!", ["!"]),
        ("\\", ["\\"]),
        ("*", ["!", "100%", "LOAD", "\\", "a[b", "a_b", "axb", "load-a", "reload", "é"]),
        ("?", ["!", "\\", "é"]),
        ("é", ["é"]),
        ("e", ["reload"]),
        ("E", []),
    ],
)
def test_names_are_matched_by_part_or_pattern(store: Store, pattern: str, expected: list[str]) -> None:
    """``*`` and ``?`` are the only wildcards, case counts, and nothing else has a meaning, on any database."""
    every = ["load-a", "reload", "LOAD", "100%", "a_b", "axb", "a[b", "!", "\\", "é"]
    store.catalog.apply({"jobs": [{"name": name} for name in every]})
    assert names(store.catalog.jobs.list(name=pattern)) == expected


def test_a_pattern_cannot_cost_more_than_a_moment(store: Store) -> None:
    """Patterns that would backtrack for ages are refused."""
    with pytest.raises(InvalidInputError, match=r"more than 8 times '\*'"):
        store.catalog.jobs.list(name="*a" * 50)


def test_components_are_listed_job_by_job(store: Store) -> None:
    """In their order inside the job; by job, type, status and name; without their configurations."""
    store.catalog.apply(shop())
    store.catalog.apply(many(2, components=2, namespace="a"))
    found: list[ComponentSummary] = everything(lambda cursor: store.catalog.components.list(limit=2, cursor=cursor))
    assert [f"{each.namespace}/{each.job}.{each.name}" for each in found] == [
        "a/job-0.step-0",
        "a/job-0.step-1",
        "a/job-1.step-0",
        "a/job-1.step-1",
        "shop/load-orders.extract",
        "shop/load-orders.clean",
        "shop/load-orders.sum",
    ]
    assert names(store.catalog.components.list(job=JOB)) == ["extract", "clean", "sum"]
    assert names(store.catalog.components.list(component_type="filter")) == ["clean"]
    assert names(store.catalog.components.list(namespace="a", name="*-1")) == ["step-1", "step-1"]
    assert names(store.catalog.components.list(status="disabled")) == []
    assert not hasattr(found[0], "configuration")
    with pytest.raises(NotFoundError):
        store.catalog.components.list(job="shop/nothing")


def test_dataclasses_say_who_uses_them(store: Store) -> None:
    """The schema, the rules, and the components of living jobs that read and write."""
    store.catalog.apply(shop())
    found = store.catalog.dataclasses.get("shop/order")
    assert found.schema_definition["properties"]["amount"] == {"type": ["number", "null"]}
    assert found.validation_rules["amount_missing"]["field"] == "amount"
    assert found.read_by == ("shop/load-orders.clean", "shop/load-orders.sum")
    assert found.written_by == ("shop/load-orders.extract", "shop/load-orders.clean")
    store.catalog.components.delete("sum", job=JOB)
    assert store.catalog.dataclasses.get("shop/order").read_by == ("shop/load-orders.clean",)
    assert names(store.catalog.dataclasses.list(dataclass_type="table")) == ["total"]
    store.catalog.jobs.delete(JOB)
    assert store.catalog.dataclasses.get("shop/order").read_by == ()


def test_histories_come_in_pages_newest_first(store: Store) -> None:
    """Of jobs, components and dataclasses; every version once."""
    for number in range(5):
        document = shop()
        component_of(document, "clean")["configuration"] = {"number": number}
        document["dataclasses"][0]["description"] = f"Number {number}."
        store.catalog.apply(document)
    assert [
        version.version
        for version in everything(lambda cursor: store.catalog.jobs.history(JOB, limit=2, cursor=cursor))
    ] == [5, 4, 3, 2, 1]
    component = everything(lambda cursor: store.catalog.components.history("clean", job=JOB, limit=2, cursor=cursor))
    assert [version.document["configuration"]["number"] for version in component] == [4, 3, 2, 1, 0]
    dataclass = everything(lambda cursor: store.catalog.dataclasses.history("shop/order", limit=4, cursor=cursor))
    assert [version.document["description"] for version in dataclass] == [f"Number {n}." for n in (4, 3, 2, 1, 0)]
    assert len(store.catalog.components.history("extract", job=JOB)) == 1
    with pytest.raises(NotFoundError):
        store.catalog.jobs.history("shop/nothing")


def test_a_tag_remembers_the_versions_that_carried_it(store: Store) -> None:
    """The history of a tag lists job versions, newest first, also those of jobs that no longer carry it."""
    store.catalog.apply(shop())
    document = shop()
    job_of(document)["description"] = "Changed."
    store.catalog.apply(document)
    job_of(document)["tags"] = []
    store.catalog.apply(document)
    uses = everything(lambda cursor: store.catalog.tags.history("team=sales", limit=1, cursor=cursor))
    assert [(use.namespace, use.job, use.version) for use in uses] == [
        ("shop", "load-orders", 2),
        ("shop", "load-orders", 1),
    ]
    assert store.catalog.tags.get("team=sales").jobs == 0


def test_tags_are_listed_in_pages(store: Store) -> None:
    """By key and value, with the number of jobs that carry each."""
    store.catalog.apply(many(10))
    found = everything(lambda cursor: store.catalog.tags.list(limit=3, cursor=cursor))
    assert [(tag.key, tag.value, tag.jobs) for tag in found] == [
        ("daily", None, 10),
        *(("team", f"team-{number}", 2 if number < 3 else 1) for number in range(7)),
    ]
    assert [tag.value for tag in store.catalog.tags.list(name="tea?").items] == [f"team-{n}" for n in range(7)]


def test_an_export_is_a_document_that_changes_nothing(store: Store) -> None:
    """Registering an export again finds everything unchanged, for each noun."""
    store.catalog.apply(shop())
    exports = [
        store.catalog.jobs.export(JOB),
        store.catalog.dataclasses.export("shop/order"),
        store.catalog.metrics.export("shop/rows_out"),
    ]
    for document in exports:
        assert not store.catalog.apply(document).changed
    component = store.catalog.components.export("sum", job=JOB)
    assert not store.catalog.register_component(component, job=JOB).changed


def test_an_export_can_be_registered_elsewhere(store: Store, new_migrated_url: Callable[[], str]) -> None:
    """An exported job brings the dataclasses and metrics it needs: elsewhere it becomes the same definition."""
    store.catalog.apply(shop())
    document = store.catalog.jobs.export(JOB)
    with Store(new_migrated_url()) as other:
        other.catalog.apply(document)
        assert other.catalog.jobs.get(JOB).content_hash == store.catalog.jobs.get(JOB).content_hash
        assert other.catalog.dataclasses.get("shop/order").content_hash == (
            store.catalog.dataclasses.get("shop/order").content_hash
        )
        assert other.catalog.metrics.get("shop/rows_out").unit == "rows"


def test_an_export_is_brief(store: Store) -> None:
    """It says what the file said: no defaults, references without the document's namespace, bare dependencies."""
    store.catalog.apply(shop())
    document = store.catalog.jobs.export(JOB)
    assert load(document) == load(shop())
    exported = job_of(document)
    assert "namespace" not in exported
    assert "status" not in exported
    assert exported["tags"] == ["daily", {"team": "sales"}]
    assert component_of(document, "sum")["depends_on"] == [
        {"component": "clean", "out_port": "valid", "in_port": "rows"},
        "extract",
    ]


def test_reads_are_the_same_json_on_every_database(store: Store) -> None:
    """What a job is as JSON depends on nothing but its document: times, ids and actors aside."""
    store.catalog.apply(shop())
    found = store.catalog.jobs.get(JOB).to_json()
    volatile = {"id", "created_at", "updated_at", "created_by", "updated_by", "content_hash"}
    found = {key: value for key, value in found.items() if key not in volatile}
    components = [
        {key: value for key, value in component.items() if key not in volatile} for component in found.pop("components")
    ]
    assert found == {
        "namespace": "shop",
        "name": "load-orders",
        "description": "Loads the orders of a day.",
        "status": "active",
        "strategy_type": "bulk",
        "num_of_retries": 2,
        "file_logging": True,
        "schedule": {"trigger_type": "cron", "trigger_args": {"hour": 2}, "timezone": "Europe/Zurich"},
        "tags": {"daily": None, "team": "sales"},
        "version": 1,
        "latest_execution_id": None,
        "latest_execution_state": None,
        "latest_execution_at": None,
        "is_deleted": False,
        "deleted_at": None,
    }
    assert components[0] == {
        "namespace": "shop",
        "job": "load-orders",
        "name": "extract",
        "component_type": "read_csv",
        "description": "",
        "status": "active",
        "position": 0,
        "configuration": {"path": "orders.csv", "password": {"secret": "shop_password"}},
        "depends_on": [],
        "inputs": [],
        "outputs": ["order"],
        "metrics": [],
        "layout": {"x": 0.0, "y": 12.5},
        "version": 1,
        "is_deleted": False,
        "deleted_at": None,
    }
    assert actions(store.catalog.apply(shop()))["job load-orders"] == "unchanged"
