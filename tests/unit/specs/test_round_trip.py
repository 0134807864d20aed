"""A spec is its document: written as JSON, kept by any database, read back, it is the same spec with the same hash."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from etl_models.domain.hashing import content_hash
from etl_models.domain.jsonvalue import canonical, dumps
from etl_models.domain.naming import name_problem
from etl_models.domain.vocabulary import DefinitionStatus, MetricDirection, MetricKind, Severity, StrategyType
from etl_models.specs.component import ComponentSpec
from etl_models.specs.document import DefinitionDocument

_names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(
    lambda name: name_problem(name) is None
) | st.sampled_from(["a", "load flights", "naïve", "数据", "👩‍💻", "name", "null", "1"])
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(_texts.filter(lambda key: key != "secret"), _values.filter(lambda v: "secret" not in str(v)))
_status = st.sampled_from([status.value for status in DefinitionStatus])


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_configured = _optional(
    description=_texts,
    status=_status,
    configuration=_objects,
    inputs=st.lists(_names, unique=True, max_size=2),
    outputs=st.lists(st.tuples(_names, _names).map("/".join), unique=True, max_size=2),
    metrics=st.lists(_names, unique=True, max_size=2),
    layout=_optional(x=st.floats(-1e6, 1e6), y=st.integers(-5, 5)),
)
_ports = st.tuples(st.sampled_from(["out", "err"]), st.sampled_from(["in", "left"]))


@st.composite
def components(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Components that depend on earlier ones only."""
    found: list[dict[str, Any]] = []
    for name in draw(st.lists(_names, unique=True, max_size=4)):
        earlier = [component["name"] for component in found]
        edges = draw(st.lists(st.tuples(st.sampled_from(earlier), _ports), unique=True, max_size=3)) if earlier else []
        depends_on = [
            up if ports == ("out", "in") else {"component": up, "out_port": ports[0], "in_port": ports[1]}
            for up, ports in edges
        ]
        found.append({"name": name, "component_type": draw(_names), "depends_on": depends_on} | draw(_configured))
    return found


_schedules = st.sampled_from(
    [
        {"trigger_type": "cron", "trigger_args": {"hour": "*/2", "day_of_week": ["mon", 3]}, "timezone": "Asia/Tokyo"},
        {"trigger_type": "interval", "trigger_args": {"hours": 1}},
        {"trigger_type": "date", "trigger_args": {"run_date": "2013-02-01T00:00:00Z"}},
    ]
)
_tags = st.dictionaries(_names.filter(lambda key: "=" not in key), st.none() | _names, max_size=3)
_jobs = st.builds(
    lambda name, parts, more: {"name": name, "components": parts} | more,
    _names,
    components(),
    _optional(
        description=_texts,
        status=_status,
        strategy_type=st.sampled_from([strategy.value for strategy in StrategyType]),
        num_of_retries=st.integers(0, 1000),
        file_logging=st.booleans(),
        tags=_tags | _tags.map(lambda tags: [{key: value} for key, value in tags.items()]),
        schedule=st.none() | _schedules,
    ),
)
_about = {"severity": st.sampled_from([severity.value for severity in Severity]), "description": _texts}
_rules = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("required"), "fields": st.lists(_names, min_size=1, max_size=2)}, optional=_about
    ),
    st.fixed_dictionaries({"type": st.just("range"), "field": _names, "min": _numbers}, optional=_about),
    st.fixed_dictionaries({"type": st.just("format"), "field": _names, "pattern": st.just("^a+$")}, optional=_about),
    st.fixed_dictionaries(
        {
            "type": st.just("allowed"),
            "field": _names,
            "values": st.lists(_texts | _numbers | st.none() | st.booleans(), min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"type": st.just("custom"), "callable": st.just("m:f")}),
)
_dataclasses = st.fixed_dictionaries(
    {"name": _names},
    optional={
        "dataclass_type": _names,
        "description": _texts,
        "schema_definition": st.fixed_dictionaries({"title": _texts, "default": _values}),
        "validation_rules": st.dictionaries(_names, _rules, max_size=3),
    },
)
_metrics = st.fixed_dictionaries(
    {"name": _names},
    optional={
        "unit": _names,
        "kind": st.sampled_from([kind.value for kind in MetricKind]),
        "direction": st.sampled_from([direction.value for direction in MetricDirection]),
    },
)


def _by_name(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({item["name"]: item for item in items}.values())


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1),
        "namespace": _names,
        "jobs": st.lists(_jobs, max_size=2).map(_by_name),
        "dataclasses": st.lists(_dataclasses, max_size=2).map(_by_name),
        "metrics": st.lists(_metrics, max_size=2).map(_by_name),
        "component_types": st.lists(st.fixed_dictionaries({"name": _names}), max_size=2).map(_by_name),
    },
)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS)
def test_a_document_rebuilds_its_spec(given_document: dict[str, Any]) -> None:
    """document() is complete and canonical: it rebuilds the spec, even after a database has sorted its keys."""
    spec = DefinitionDocument.model_validate(given_document)
    document = spec.document()
    assert canonical(document, "document") == document
    stored = json.loads(dumps(document))
    again = DefinitionDocument.model_validate(stored)
    assert again == spec
    assert again.document() == document
    assert content_hash(again.document()) == content_hash(document)


@settings(max_examples=100, deadline=None)
@given(_jobs, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_change_the_hash(job: dict[str, Any], random: Any) -> None:
    """Two ways to write the same job are the same content."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)
            return {key: shuffled(item) for key, item in items}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    hashes = {
        content_hash(DefinitionDocument.model_validate({"jobs": [each]}).document()) for each in (job, shuffled(job))
    }
    assert len(hashes) == 1


def test_what_differs_has_another_hash() -> None:
    """Order of dependencies, ports and values all count."""
    base: dict[str, Any] = {"name": "c", "component_type": "t", "depends_on": ["a", "b"], "configuration": {"n": 1}}
    variants = [
        base,
        base | {"depends_on": ["b", "a"]},
        base | {"depends_on": ["a", {"component": "b", "in_port": "x"}]},
        base | {"configuration": {"n": "1"}},
        base | {"configuration": {"n": True}},
        base | {"status": "draft"},
        base | {"layout": {"x": 0}},
    ]
    assert len({content_hash(ComponentSpec.model_validate(each).document()) for each in variants}) == len(variants)
