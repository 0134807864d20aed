"""What registering promises, on every database and both faces: idempotent, in place, versioned, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from etl_models.domain.actor import acting_as
from etl_models.errors import ConflictError, DefinitionError, NotFoundError
from etl_models.operations.catalog.register import register
from etl_models.reads.definition import RegistrationResult
from etl_models.specs.document import DefinitionDocument
from etl_models.specs.job import JobSpec
from etl_models.specs.loader import load
from etl_models.specs.metric import MetricSpec
from etl_models.store import Store
from tests.support.definitions import JOB, Document, actions, component_of, job_of, shop

pytestmark = pytest.mark.contract


def apply_as(store: Store, name: str, document: Document) -> RegistrationResult:
    """Register as somebody, inside the unit: the asynchronous face of a test runs in a context of its own."""

    def unit(session: Session) -> RegistrationResult:
        with acting_as(name):
            return register(session, load(document))

    return store.database.run(unit)


def test_a_document_creates_everything_it_defines(store: Store) -> None:
    """Dataclasses, metrics and jobs with their components are created, in this order, and read back as written."""
    result = store.catalog.apply(shop())
    assert actions(result) == {
        "dataclass order": "created",
        "dataclass total": "created",
        "metric rows_out": "created",
        "metric rows_in": "created",  # named by a component, defined by nobody
        "job load-orders": "created",
        "component extract": "created",
        "component clean": "created",
        "component sum": "created",
    }
    job = store.catalog.jobs.get(JOB)
    assert (job.version, job.strategy_type, job.num_of_retries, job.file_logging) == (1, "bulk", 2, True)
    assert job.tags == {"daily": None, "team": "sales"}
    assert job.schedule is not None
    assert job.schedule["timezone"] == "Europe/Zurich"
    assert [component.name for component in job.components] == ["extract", "clean", "sum"]
    extract, _, total = job.components
    assert extract.configuration == {"path": "orders.csv", "password": {"secret": "shop_password"}}
    assert extract.layout is not None
    assert (extract.layout.x, extract.layout.y) == (0, 12.5)
    assert [(each.component, each.out_port, each.in_port) for each in total.depends_on] == [
        ("clean", "valid", "rows"),
        ("extract", "out", "in"),
    ]
    assert (total.inputs, total.outputs, total.metrics) == (("order",), ("total",), ("rows_out",))


def test_the_same_document_again_changes_nothing(store: Store) -> None:
    """Registering twice leaves every row, version and time as it was, and says so."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB), store.catalog.dataclasses.get("shop/order")
    result = store.catalog.apply(shop())
    assert not result.changed
    assert set(actions(result).values()) == {"unchanged"}
    assert (store.catalog.jobs.get(JOB), store.catalog.dataclasses.get("shop/order")) == before
    assert len(store.catalog.jobs.history(JOB)) == 1


def test_order_of_keys_and_spelling_of_defaults_do_not_matter(store: Store) -> None:
    """A document that means the same is the same: keys in another order, defaults written out, full references."""
    store.catalog.apply(shop())
    document = shop()
    job = dict(reversed(job_of(document).items()))
    job["status"] = "active"
    job["tags"] = {"team": "sales", "daily": None}
    document["jobs"] = [job]
    component_of(document, "clean")["inputs"] = ["shop/order"]
    assert not store.catalog.apply(document).changed


def test_a_changed_document_updates_in_place(store: Store) -> None:
    """A change keeps all ids, makes one new version of what changed and none of the rest."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB)
    document = shop()
    component_of(document, "clean")["configuration"] = {"drop_nulls": True}
    result = apply_as(store, "deployer", document)
    assert actions(result)["job load-orders"] == "updated"
    assert [name for name, action in actions(result).items() if action != "unchanged"] == [
        "job load-orders",
        "component clean",
    ]
    after = store.catalog.jobs.get(JOB)
    assert after.id == before.id
    assert [component.id for component in after.components] == [component.id for component in before.components]
    assert after.version == 2
    assert [component.version for component in after.components] == [1, 2, 1]
    assert (before.updated_by, after.updated_by, after.created_by) == (before.created_by, "deployer", before.created_by)
    assert after.updated_at > before.updated_at
    assert after.created_at == before.created_at
    assert after.components[1].configuration == {"drop_nulls": True}


def test_every_version_keeps_its_full_document(store: Store) -> None:
    """The history holds each document whole, newest first, with its hash and who made it."""
    apply_as(store, "first", shop())
    document = shop()
    job_of(document)["components"].pop()
    apply_as(store, "second", document)
    newest, oldest = store.catalog.jobs.history(JOB).items
    assert (newest.version, oldest.version) == (2, 1)
    assert (newest.created_by, oldest.created_by) == ("second", "first")
    assert newest.content_hash == store.catalog.jobs.get(JOB).content_hash != oldest.content_hash
    assert [component["name"] for component in oldest.document["components"]] == ["extract", "clean", "sum"]
    assert [component["name"] for component in newest.document["components"]] == ["extract", "clean"]
    assert JobSpec.model_validate(oldest.document).document() == oldest.document


def test_a_removed_component_is_hidden_and_comes_back_with_its_id(store: Store) -> None:
    """Leaving a component out hides it; naming it again restores the same id and continues its versions."""
    store.catalog.apply(shop())
    original = store.catalog.components.get("sum", job=JOB)
    without = shop()
    job_of(without)["components"].pop()
    result = store.catalog.apply(without)
    assert next(change for change in result.changes if change.kind == "job").removed_components == ("sum",)
    assert store.catalog.components.find("sum", job=JOB) is None
    assert store.catalog.components.get("sum", job=JOB, include_deleted=True).is_deleted
    assert len(store.catalog.components.history("sum", job=JOB)) == 1

    changed = shop()
    component_of(changed, "sum")["description"] = "Sums up."
    assert actions(store.catalog.apply(changed))["component sum"] == "restored"
    restored = store.catalog.components.get("sum", job=JOB)
    assert (restored.id, restored.version, restored.is_deleted) == (original.id, 2, False)
    assert restored.depends_on == original.depends_on
    assert restored.inputs == original.inputs


def test_moving_a_component_keeps_its_version(store: Store) -> None:
    """Another order of components is a new version of the job, not of the components."""
    store.catalog.apply(shop())
    document = shop()
    job_of(document)["components"].reverse()
    store.catalog.apply(document)
    job = store.catalog.jobs.get(JOB)
    assert job.version == 2
    assert [component.name for component in job.components] == ["sum", "clean", "extract"]
    assert {component.version for component in job.components} == {1}


def test_dependencies_are_replaced_not_added(store: Store) -> None:
    """After a change a component depends on what the new document says, and on nothing else."""
    store.catalog.apply(shop())
    document = shop()
    component_of(document, "sum")["depends_on"] = [{"component": "extract", "out_port": "side"}]
    store.catalog.apply(document)
    (dependency,) = store.catalog.components.get("sum", job=JOB).depends_on
    assert (dependency.component, dependency.out_port, dependency.in_port) == ("extract", "side", "in")


def test_tags_are_a_set_that_is_replaced(store: Store) -> None:
    """A job carries the tags of its newest document; tags are shared between jobs."""
    document = shop()
    other = {**job_of(shop()), "name": "other"}
    document["jobs"].append(other)
    store.catalog.apply(document)
    job_of(document)["tags"] = [{"team": "finance"}]
    store.catalog.apply(document)
    assert store.catalog.jobs.get(JOB).tags == {"team": "finance"}
    assert store.catalog.jobs.get("shop/other").tags == {"daily": None, "team": "sales"}
    assert [(tag.key, tag.value, tag.jobs) for tag in store.catalog.tags.list().items] == [
        ("daily", None, 1),
        ("team", "finance", 1),
        ("team", "sales", 1),
    ]


def test_unknown_dataclasses_are_refused_with_path_and_suggestion(store: Store) -> None:
    """A reference to nothing names its place and the nearest dataclass of the database, all of them at once."""
    store.catalog.apply(shop())
    document = {"namespace": "shop", "jobs": [{**job_of(shop()), "name": "new"}]}
    component_of(document, "clean")["inputs"] = ["ordre"]
    component_of(document, "sum")["outputs"] = ["elsewhere/total"]
    with pytest.raises(DefinitionError) as caught:
        store.catalog.apply(document)
    first, second = caught.value.problems
    assert first.path == "jobs[0].components[1].inputs[0]"
    assert first.message == "unknown dataclass 'shop/ordre'; did you mean 'shop/order'?"
    assert second.path == "jobs[0].components[2].outputs[0]"
    assert second.message == "unknown dataclass 'elsewhere/total'; did you mean 'shop/total'?"


def test_what_a_component_writes_is_registered_as_a_draft(store: Store) -> None:
    """A dataclass that is only written gets a row without a schema, which a file may fill later."""
    document = shop()
    component_of(document, "sum")["outputs"] = ["undescribed"]
    result = store.catalog.apply(document)
    assert [change.name for change in result.changes if change.is_draft] == ["undescribed"]
    draft = store.catalog.dataclasses.get("shop/undescribed")
    assert (draft.status, draft.schema_definition) == ("draft", {})
    assert draft.written_by == (f"{JOB}.sum",)
    assert not store.catalog.apply(document).changed
    described = {"name": "undescribed", "schema_definition": {"type": "object"}}
    store.catalog.apply({"namespace": "shop", "dataclasses": [described]})
    found = store.catalog.dataclasses.get("shop/undescribed")
    assert (found.id, found.version, found.status) == (draft.id, 2, "active")
    assert not store.catalog.apply(document).changed


def test_a_reference_may_lead_to_another_namespace(store: Store) -> None:
    """``namespace/name`` finds a dataclass of the database, and is shown with its namespace."""
    store.catalog.apply(shop())
    job = {"name": "report", "components": [{"name": "read", "component_type": "sql", "inputs": ["shop/total"]}]}
    store.catalog.register_job({"namespace": "finance", "jobs": [job]})
    assert store.catalog.components.get("read", job="finance/report").inputs == ("shop/total",)
    assert store.catalog.dataclasses.get("shop/total").read_by == ("finance/report.read",)


def test_a_refused_document_leaves_nothing(store: Store) -> None:
    """When one job of a document cannot be registered, nothing of the document is."""
    document = shop()
    document["jobs"].append(
        {"name": "bad", "components": [{"name": "a", "component_type": "sql", "inputs": ["nothing"]}]}
    )
    with pytest.raises(DefinitionError):
        store.catalog.apply(document)
    assert store.catalog.jobs.list().items == ()
    assert store.catalog.dataclasses.list().items == ()
    assert store.catalog.metrics.list().items == ()


def test_a_component_type_checks_configurations(store: Store) -> None:
    """A registered schema refuses what does not meet it, with the path of the value; other types stay free."""
    schema = {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}
    types = {"component_types": [{"name": "read_csv", "configuration_schema": schema}]}
    assert actions(store.catalog.apply(types)) == {"component_type read_csv": "created"}
    document = shop()
    component_of(document, "extract")["configuration"] = {"path": 3}
    with pytest.raises(DefinitionError) as caught:
        store.catalog.apply(document)
    (problem,) = caught.value.problems
    assert problem.path == "jobs[0].components[0].configuration.path"
    assert store.catalog.apply(shop()).changed
    assert not store.catalog.apply(types).changed
    assert store.catalog.component_types.get("read_csv").configuration_schema == schema


def test_a_metric_defined_later_is_updated_in_place(store: Store) -> None:
    """A metric that a component merely names is a plain gauge until a file defines it."""
    store.catalog.apply(shop())
    implicit = store.catalog.metrics.get("shop/rows_in")
    assert (implicit.kind, implicit.unit) == ("gauge", "")
    spec = MetricSpec.model_validate({"namespace": "shop", "name": "rows_in", "unit": "rows", "kind": "counter"})
    assert actions(store.catalog.register_metric(spec)) == {"metric rows_in": "updated"}
    defined = store.catalog.metrics.get("shop/rows_in")
    assert (defined.id, defined.kind, defined.unit) == (implicit.id, "counter", "rows")
    assert not store.catalog.register_metric(spec).changed


def test_one_component_is_registered_into_its_job(store: Store) -> None:
    """A bare component is added to its job, which gets a new version; the same one again changes nothing."""
    store.catalog.apply(shop())
    component = {"name": "publish", "component_type": "http_post", "depends_on": ["sum"], "inputs": ["total"]}
    result = store.catalog.register_component(component, job=JOB)
    assert actions(result) == {"job load-orders": "updated", "component publish": "created"}
    assert [each.name for each in store.catalog.jobs.get(JOB).components] == ["extract", "clean", "sum", "publish"]
    again = store.catalog.register_component(component, job=JOB)
    assert actions(again) == {"job load-orders": "unchanged", "component publish": "unchanged"}
    changed = store.catalog.register_component({**component, "status": "draft"}, job=JOB)
    assert actions(changed) == {"job load-orders": "updated", "component publish": "updated"}
    assert store.catalog.components.get("publish", job=JOB).position == 3


def test_a_component_that_does_not_fit_its_job_is_refused(store: Store) -> None:
    """Problems name the place in the component's own file; an unknown job is not found."""
    store.catalog.apply(shop())
    with pytest.raises(DefinitionError) as caught:
        store.catalog.register_component({"name": "x", "component_type": "y", "depends_on": ["summ"]}, job=JOB)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("depends_on[0]", "the job has no component 'summ'; did you mean 'sum'?")
    ]
    with pytest.raises(DefinitionError) as caught:
        store.catalog.register_component({"name": "x", "component_type": "y", "inputs": ["nothing"]}, job=JOB)
    assert [problem.path for problem in caught.value.problems] == ["inputs[0]"]
    with pytest.raises(NotFoundError, match="did you mean 'shop/load-orders'"):
        store.catalog.register_component({"name": "x", "component_type": "y"}, job="shop/load-order")


def test_a_component_cannot_close_a_cycle(store: Store) -> None:
    """Replacing a component so that the job would depend on itself is refused and changes nothing."""
    store.catalog.apply(shop())
    with pytest.raises(DefinitionError, match="cycle"):
        store.catalog.register_component(
            {"name": "extract", "component_type": "read_csv", "outputs": ["order"], "depends_on": ["sum"]}, job=JOB
        )
    assert not store.catalog.apply(shop()).changed


def test_files_and_folders_are_registered(store: Store, tmp_path: Path) -> None:
    """A folder is one document: references between its files hold; a bare job is accepted by register_job."""
    (tmp_path / "a_job.yaml").write_text(
        "namespace: files\njobs:\n- {name: a, components: [{name: s, component_type: t, inputs: [d]}]}\n"
    )
    (tmp_path / "z_dataclass.toml").write_text('namespace = "files"\nname = "d"\ndataclass_type = "table"\n')
    assert actions(store.catalog.apply(tmp_path)) == {
        "dataclass d": "created",
        "job a": "created",
        "component s": "created",
    }
    bare = tmp_path / "bare.json"
    bare.write_text('{"name": "bare", "namespace": "files", "components": []}')
    assert actions(store.catalog.register_job(bare)) == {"job bare": "created"}
    assert actions(store.catalog.register_dataclass(tmp_path / "z_dataclass.toml")) == {"dataclass d": "unchanged"}


def test_a_job_may_be_given_as_a_spec(store: Store) -> None:
    """``register_job`` takes a spec as it takes a mapping, ``register`` a whole document."""
    spec = JobSpec.model_validate({"namespace": "python", "name": "made"})
    assert actions(store.catalog.register_job(spec)) == {"job made": "created"}
    document = DefinitionDocument.model_validate({"namespace": "python", "jobs": [{"name": "made"}]})
    assert not store.catalog.register(document).changed


def test_registering_a_deleted_name_restores_it(store: Store) -> None:
    """A deleted job or dataclass that is registered again has its old id; an equal document makes no new version."""
    store.catalog.apply(shop())
    before = store.catalog.jobs.get(JOB)
    store.catalog.jobs.delete(JOB)
    store.catalog.dataclasses.delete("shop/order")
    result = store.catalog.apply(shop())
    assert actions(result)["job load-orders"] == "restored"
    assert actions(result)["dataclass order"] == "restored"
    after = store.catalog.jobs.get(JOB)
    assert (after.id, after.version, after.deleted_at) == (before.id, 1, None)
    assert [component.id for component in after.components] == [component.id for component in before.components]


def test_a_job_cannot_use_a_deleted_dataclass(store: Store) -> None:
    """A document that uses a deleted dataclass without defining it is refused with the way out."""
    store.catalog.apply(shop())
    store.catalog.jobs.delete(JOB)
    store.catalog.dataclasses.delete("shop/order")
    with pytest.raises(DefinitionError, match="is deleted; restore it"):
        store.catalog.register_job({"namespace": "shop", "jobs": [job_of(shop())]})
    with pytest.raises(ConflictError, match="cannot be restored"):
        store.catalog.jobs.restore(JOB)
    store.catalog.dataclasses.restore("shop/order")
    assert store.catalog.jobs.restore(JOB).action == "restored"


def test_problems_found_with_the_database_name_file_line_and_column(store: Store, tmp_path: Path) -> None:
    """A dataclass that is neither in the files nor in the database is shown where it is written, in the right file."""
    store.catalog.apply(shop())
    (tmp_path / "a.yaml").write_text("namespace: shop\njobs:\n- name: one\n- name: two\n")
    (tmp_path / "b.yaml").write_text(
        "namespace: shop\njobs:\n- name: three\n  components:\n  - name: c\n    component_type: t\n"
        "    inputs:\n    - order\n    - ordre\n"
    )
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "component.yaml").write_text("name: x\ncomponent_type: t\ndepends_on: [extract, summ]\n")
    with pytest.raises(DefinitionError) as caught:
        store.catalog.apply([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "b.yaml"), 9, 7)
    assert problem.path == "jobs[0].components[0].inputs[1]"
    with pytest.raises(DefinitionError) as caught:
        store.catalog.register_component(bare / "component.yaml", job=JOB)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(bare / "component.yaml"), 3, 23)
    assert problem.path == "depends_on[1]"
    with pytest.raises(DefinitionError) as caught:
        store.catalog.register_job(
            {
                "namespace": "shop",
                **job_of(shop()),
                "components": [{"name": "c", "component_type": "t", "inputs": ["nothing"]}],
            }
        )
    assert [(each.file, each.path) for each in caught.value.problems] == [(None, "components[0].inputs[0]")]
