"""Jobs and components: fields, names, dependencies, cycles, tags."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from etl_models.domain.graph import find_cycle
from etl_models.specs.base import findings_of
from etl_models.specs.component import ComponentSpec, DependencySpec, LayoutSpec
from etl_models.specs.job import JobSpec
from etl_models.specs.positions import show


def component(name: str, *depends_on: Any, **more: Any) -> dict[str, Any]:
    """A component with what it depends on."""
    return {"name": name, "component_type": "t", "depends_on": list(depends_on), **more}


def problems(*components: Any, **more: Any) -> list[str]:
    """What is wrong with a job, as ``path: message``."""
    try:
        JobSpec.model_validate({"name": "j", "components": list(components), **more})
    except ValidationError as error:
        return [f"{show(found.loc)}: {found.message}" for found in findings_of(error)]
    return []


def test_a_job_needs_nothing_but_a_name() -> None:
    """Everything else has a default, and the document shows it."""
    assert JobSpec(name="a").document() == {
        "namespace": "default",
        "name": "a",
        "description": "",
        "status": "active",
        "strategy_type": "row",
        "num_of_retries": 0,
        "file_logging": False,
        "tags": {},
        "schedule": None,
        "components": [],
    }


def test_a_component_needs_a_name_and_a_type() -> None:
    """Everything else has a default, and the document shows it."""
    assert ComponentSpec(name="a", component_type="t").document() == {
        "name": "a",
        "component_type": "t",
        "description": "",
        "status": "active",
        "configuration": {},
        "depends_on": [],
        "inputs": [],
        "outputs": [],
        "metrics": [],
        "layout": None,
    }


def test_specs_are_frozen() -> None:
    """A spec is a value: changing it makes a new one."""
    job = JobSpec(name="a")
    with pytest.raises(ValidationError):
        job.name = "b"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "must not be empty"),
        ("name", "a/b", "must not hold '/'"),
        ("name", " a", "must not begin or end with white space"),
        ("name", "a" * 256, "is 256 characters long; at most 255 are allowed"),
        ("name", 3, "must be text, not a whole number; write it in quotes"),
        ("name", True, "must be text, not a truth value; write it in quotes"),
        ("name", None, "must be text, not nothing (null)"),
        ("name", "a\ud800", "U+D800"),
        ("namespace", "a/b", "must not hold '/'"),
        ("description", "a" * 10_001, "is 10001 characters long; at most 10000 are allowed"),
        ("description", "a\0", "holds a NUL character at position 2"),
        ("description", ["a"], "must be text, not a list"),
        ("status", "actve", "did you mean 'active'?"),
        ("status", "ACTIVE", "did you mean 'active'?"),
        ("strategy_type", "bigdate", "did you mean 'bigdata'?"),
        ("strategy_type", 1, "must be one of 'row', 'bulk', 'bigdata'"),
        ("num_of_retries", "3", "must be a whole number, not text"),
        ("num_of_retries", 3.0, "must be a whole number, not a decimal number"),
        ("num_of_retries", True, "must be a whole number, not a truth value"),
        ("num_of_retries", -1, "must be at least 0"),
        ("num_of_retries", 1001, "must be at most 1000"),
        ("file_logging", "true", "must be true or false, not text; write true or false, without quotes"),
        ("file_logging", "perhaps", "must be true or false, not text"),
        ("file_logging", 1, "must be true or false, not a whole number"),
        ("components", {"a": 1}, "must be a list, not a mapping"),
        ("components", "a", "must be a list, not text"),
        ("schedule", "daily", "must be a mapping (key: value), not text"),
        ("colour", 1, "unknown key 'colour'; known keys: namespace, name, "),
        ("descripton", 1, "unknown key 'descripton'; did you mean 'description'?"),
        ("Name", "x", "unknown key 'Name'; did you mean 'name'?"),
    ],
)
def test_a_field_refuses_what_it_cannot_hold(field: str, value: Any, said: str) -> None:
    """Types are strict, lengths and ranges are limited, and the message says what would be right."""
    with pytest.raises(ValidationError) as raised:
        JobSpec.model_validate({"name": "j", field: value})
    [finding] = findings_of(raised.value)
    assert finding.loc == (field,)
    assert said in finding.message


@pytest.mark.parametrize(
    ("field", "value", "path", "said"),
    [
        ("component_type", "", "component_type", "must not be empty"),
        ("status", 1, "status", "must be one of"),
        ("configuration", [], "configuration", "must be a mapping (key: value), not a list"),
        ("configuration", {"a": [1, {"b": float("nan")}]}, "configuration.a[1].b", "must be a finite number"),
        ("configuration", {"a": {"b": "x\0"}}, "configuration.a.b", "holds a NUL character"),
        ("configuration", {"a": {"x\ud800": 1}}, 'configuration.a["x\ufffd\ufffd\ufffd"]', "lone surrogate U+D800"),
        ("configuration", {"a": 2**64}, "configuration.a", "beyond 64 bits"),
        ("configuration", {"a": {1: 2}}, "configuration.a", "keys must be text, not a whole number"),
        ("configuration", {"a": object()}, "configuration", "of type object, which JSON cannot hold"),
        ("configuration", {"a": "x" * 1_048_577}, "configuration.a", "at most 1048576 are allowed"),
        ("configuration", {"a": ["x" * 600_000] * 2}, "configuration", "bytes of JSON; at most"),
        ("configuration", {"p": {"secret": 1}}, "configuration.p.secret", "the name of a secret must be text"),
        ("configuration", {"p": {"secret": ""}}, "configuration.p.secret", "the name of a secret must not be empty"),
        ("configuration", {"p": [{"secret": None}]}, "configuration.p[0].secret", "the name of a secret must be text"),
        ("depends_on", "a", "depends_on", "must be a list, not text"),
        ("depends_on", [1], "depends_on[0]", "must be the component or a mapping (key: value), not a whole number"),
        ("depends_on", [""], "depends_on[0]", "must not be empty"),
        ("depends_on", [{"component": ""}], "depends_on[0].component", "must not be empty"),
        ("depends_on", [{"out_port": "x"}], "depends_on[0].component", "required key 'component' is missing"),
        ("depends_on", [{"component": "a", "in_port": "p" * 101}], "depends_on[0].in_port", "at most 100"),
        ("depends_on", [{"component": "a", "inport": "p"}], "depends_on[0].inport", "did you mean 'in_port'?"),
        ("inputs", ["a", "a"], "inputs[1]", "'a' is listed twice"),
        ("inputs", ["a/b/c"], "inputs[0]", "must not hold '/'"),
        ("outputs", ["/a"], "outputs[0]", "must not be empty"),
        ("outputs", ["a/"], "outputs[0]", "must not be empty"),
        ("outputs", {"a": 1}, "outputs", "must be a list, not a mapping"),
        ("metrics", ["m", "n", "m"], "metrics[2]", "'m' is listed twice"),
        ("metrics", [3], "metrics[0]", "must be text"),
        ("metrics", ["m"] * 1001, "metrics", "holds 1001 items; at most 1000 are allowed"),
        ("layout", {"x": "1"}, "layout.x", "must be a number, not text"),
        ("layout", {"x": float("inf")}, "layout.x", "must be a finite number"),
        ("layout", {"z": 1}, "layout.z", "unknown key 'z'"),
        ("layout", [1, 2], "layout", "must be a mapping"),
        ("routes", {"out": "a"}, "routes.out", "must be a list, not text"),
        ("routes", {"out": [{"to": 1}]}, "routes.out[0].to", "must be text"),
        ("routes", {"": ["a"]}, 'routes[""]', "must not be empty"),
    ],
)
def test_a_component_refuses_what_it_cannot_hold(field: str, value: Any, path: str, said: str) -> None:
    """The path leads to the value inside the field that is wrong."""
    with pytest.raises(ValidationError) as raised:
        ComponentSpec.model_validate({"name": "c", "component_type": "t", field: value})
    [finding] = findings_of(raised.value)
    assert show(finding.loc) == path
    assert said in finding.message


@pytest.mark.parametrize(
    "configuration",
    [
        {"password": {"secret": "db/warehouse password"}},
        {"secret": {"secret": "s3"}, "key": {"secret": {"secret": "name"}}},
        {"secret": "two keys, so no reference", "other": 1},
        {"nested": [[{"secret": "x"}]]},
    ],
)
def test_secrets_are_named_not_held(configuration: dict[str, Any]) -> None:
    """A mapping with the one key ``secret`` names a secret; anything else under that name is plain configuration."""
    assert ComponentSpec(name="c", component_type="t", configuration=configuration).configuration == configuration


def test_a_dependency_is_a_name_or_a_mapping() -> None:
    """The name alone stands for the default ports; order stays."""
    spec = ComponentSpec.model_validate(component("c", "b", {"component": "a", "out_port": "rejected"}))
    assert spec.depends_on == (
        DependencySpec(component="b", out_port="out", in_port="in"),
        DependencySpec(component="a", out_port="rejected", in_port="in"),
    )


def test_a_layout_may_lie_anywhere() -> None:
    """Whole numbers become floats, negative zero becomes zero, so that equal layouts are equal text."""
    assert LayoutSpec.model_validate({"x": 3}).document() == {"x": 3.0, "y": 0.0}
    assert str(LayoutSpec(x=-0.0).x) == "0.0"


def test_component_names_are_unique_in_a_job() -> None:
    """The second is the problem."""
    assert problems(component("a"), component("b"), component("a")) == [
        "components[2].name: the component 'a' is defined twice in this job"
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["extrct"], ["components[1].depends_on[0]: the job has no component 'extrct'; did you mean 'extract'?"]),
        (["nobody"], ["components[1].depends_on[0]: the job has no component 'nobody'"]),
        (["clean"], ["components[1].depends_on[0]: a component cannot depend on itself"]),
        (
            ["extract", {"component": "extract"}],
            ["components[1].depends_on[1]: the dependency on 'extract' is given twice (same ports)"],
        ),
        (["extract", {"component": "extract", "in_port": "left"}], []),
        (["extract", {"component": "extract", "out_port": "rejected"}], []),
    ],
)
def test_dependencies_lead_to_other_components_once(given: list[Any], expected: list[str]) -> None:
    """Unknown, own and repeated dependencies are refused; the same component by another port is another dependency."""
    assert problems(component("extract"), component("clean", *given)) == expected


def test_a_dependency_may_stand_on_either_end_but_on_one() -> None:
    """The same edge in routes and in depends_on is the same edge twice."""
    upstream = component("a", routes={"out": ["b", {"to": "b", "in_port": "left"}], "err": ["c", "a"]})
    assert problems(upstream, component("b", "a")) == [
        "components[0].routes.err[0]: the job has no component 'c'",
        "components[0].routes.err[1]: a component cannot depend on itself",
        "components[1].depends_on[0]: the dependency on 'a' is given twice (same ports)",
    ]


@pytest.mark.parametrize(
    ("edges", "cycles"),
    [
        ({"clean": ["load"], "load": ["clean"]}, [["clean", "load", "clean"]]),
        ({"a": ["c"], "b": ["a"], "c": ["b"]}, [["a", "b", "c", "a"]]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b", "a"], ["c", "d", "c"]]),
        ({"a": [], "b": ["a"], "c": ["a", "b"]}, []),
        ({"a": ["nobody"], "b": ["a"]}, []),
    ],
)
def test_cycles_are_shown_as_paths(edges: dict[str, list[str]], cycles: list[list[str]]) -> None:
    """Every cycle is one problem, at the dependency that closes it, written in the direction of the data."""
    found = [each for each in problems(*(component(name, *ups) for name, ups in edges.items())) if "cycle" in each]
    shown = [each.partition("form a cycle: ")[2].split(" -> ") for each in found]
    assert len(shown) == len(cycles)
    for path, cycle in zip(shown, cycles, strict=True):
        assert set(path) == set(cycle)
        assert path[0] == path[-1]
        assert all(path[at] in edges[path[at + 1]] for at in range(len(path) - 1))


def test_a_cycle_is_found_whatever_else_is_wrong() -> None:
    """A misspelt key elsewhere does not hide the cycle, nor the other way round."""
    found = problems(component("a", "b", colour=1), component("b", "a"), num_of_retries="x")
    assert [each.partition(":")[0] for each in found] == [
        "num_of_retries",
        "components[0].colour",
        "components[0].depends_on[0]",
    ]
    assert find_cycle({"a": ["b"], "b": ["a"]}) is not None


def test_references_to_the_own_namespace_are_written_without_it() -> None:
    """``flights/raw`` and ``raw`` in the namespace flights are the same, so they make the same document."""
    long = JobSpec.model_validate(
        {"namespace": "flights", "name": "j", "components": [component("c", inputs=["flights/raw", "other/raw"])]}
    )
    short = JobSpec.model_validate(
        {"namespace": "flights", "name": "j", "components": [component("c", inputs=["raw", "other/raw"])]}
    )
    assert long == short
    assert long.components[0].inputs == ("raw", "other/raw")
    assert problems(component("c", outputs=["default/x", "x"])) == [
        "components[0].outputs[0]: 'default/x' is listed twice"
    ]


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        (["daily", {"team": "ops"}], {"daily": None, "team": "ops"}),
        ([{"team": "ops", "tier": "1"}], {"team": "ops", "tier": "1"}),
        ({"team": "ops", "daily": None, "empty": ""}, {"daily": None, "empty": None, "team": "ops"}),
        ([], {}),
        (["kubernetes.io/name", "ünïcode", "two words"], dict.fromkeys(["kubernetes.io/name", "two words", "ünïcode"])),
    ],
)
def test_tags_are_a_list_or_a_mapping(given: Any, tags: dict[str, str | None]) -> None:
    """Each key has one value or none; the order of tags means nothing."""
    job = JobSpec.model_validate({"name": "j", "tags": given})
    assert job.tags == tags
    assert list(job.tags) == sorted(tags)


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        (["a", "b", "a"], "tags[2]", "the tag 'a' is given twice"),
        (["a", {"a": "x"}], "tags[1].a", "the tag 'a' is given twice"),
        ([1], "tags[0]", "a tag must be text or a mapping of texts, not a whole number; write it in quotes"),
        ([["a"]], "tags[0]", "a tag must be text or a mapping of texts, not a list"),
        ([{"a": 1}], "tags[0].a", "the value of a tag must be text, not a whole number; write it in quotes"),
        ([{"a": "x" * 256}], "tags[0].a", "at most 255 are allowed"),
        (["team=ops"], "tags[0]", "must not hold '='; write a tag with a value as a mapping"),
        ([""], "tags[0]", "must not be empty"),
        (["x" * 101], "tags[0]", "at most 100 are allowed"),
        ([{"a": " x"}], "tags[0].a", "must not begin or end with white space"),
        ("daily", "tags", "must be a list, not text"),
        ([f"t{index}" for index in range(101)], "tags", "holds 101 items; at most 100 are allowed"),
        ([{f"t{index}": "x" for index in range(101)}], "tags", "holds 101 tags; at most 100 are allowed"),
    ],
)
def test_tags_refuse_what_no_tag_can_be(given: Any, path: str, said: str) -> None:
    """A tag has a short key and a short text for value."""
    with pytest.raises(ValidationError) as raised:
        JobSpec.model_validate({"name": "j", "tags": given})
    [finding] = findings_of(raised.value)
    assert show(finding.loc) == path
    assert said in finding.message


def test_errors_of_pydantic_hold_no_values() -> None:
    """Whoever builds specs in Python sees every reason, and no value that might be a secret."""
    with pytest.raises(ValidationError) as raised:
        JobSpec.model_validate(
            {"name": ["hunter2"], "file_logging": "hunter2", "components": ["hunter2"], "x": "hunter2"}
        )
    assert raised.value.error_count() == 4
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(raised.value.errors())
