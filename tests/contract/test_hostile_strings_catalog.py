"""Hostile strings in every text of a definition: refused with a clear error, or read back exactly as given."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest

from etl_models.errors import DefinitionError, InvalidInputError, NotFoundError
from etl_models.specs.loader import load
from etl_models.store import Store
from tests.support.definitions import Document
from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.contract


class Field(NamedTuple):
    """A text of a definition: the document that holds it, and how it is read back from a store."""

    document: Callable[[str, str], Document]
    read: Callable[[Store, str, str], Any]


def _job(name: str, **keys: Any) -> Document:
    return {"namespace": "hostile", "jobs": [{"name": name, **keys}]}


def _with_component(name: str, *others: Document, **keys: Any) -> Document:
    return _job(name, components=[*others, {"name": "c", "component_type": "t", **keys}])


def _dataclass(name: str, **keys: Any) -> Document:
    return {"namespace": "hostile", "dataclasses": [{"name": name, **keys}]}


def _metric(name: str, **keys: Any) -> Document:
    return {"namespace": "hostile", "metrics": [{"name": name, **keys}]}


def _type(name: str, **keys: Any) -> Document:
    return {"component_types": [{"name": name, **keys}]}


def _component(store: Store, label: str) -> Any:
    return store.catalog.jobs.get(f"hostile/{label}").components[-1]


_UPSTREAM: Document = {"name": "up", "component_type": "t"}

FIELDS: dict[str, Field] = {
    "job.namespace": Field(
        lambda label, text: {"jobs": [{"namespace": text, "name": label}]},
        lambda store, label, text: store.catalog.jobs.get(f"{text}/{label}").namespace,
    ),
    "job.name": Field(
        lambda label, text: _job(text), lambda store, label, text: store.catalog.jobs.get(f"hostile/{text}").name
    ),
    "job.description": Field(
        lambda label, text: _job(label, description=text),
        lambda store, label, text: store.catalog.jobs.get(f"hostile/{label}").description,
    ),
    "job.tag": Field(
        lambda label, text: _job(label, tags=[text]),
        lambda store, label, text: next(iter(store.catalog.jobs.get(f"hostile/{label}").tags)),
    ),
    "job.tag.value": Field(
        lambda label, text: _job(label, tags=[{"key": text}]),
        lambda store, label, text: store.catalog.jobs.get(f"hostile/{label}").tags["key"] or "",
    ),
    "component.name": Field(
        lambda label, text: _job(label, components=[{"name": text, "component_type": "t"}]),
        lambda store, label, text: store.catalog.components.get(text, job=f"hostile/{label}").name,
    ),
    "component.component_type": Field(
        lambda label, text: _job(label, components=[{"name": "c", "component_type": text}]),
        lambda store, label, text: _component(store, label).component_type,
    ),
    "component.description": Field(
        lambda label, text: _with_component(label, description=text),
        lambda store, label, text: _component(store, label).description,
    ),
    "component.configuration": Field(
        lambda label, text: _with_component(label, configuration={"value": text, "list": [text, {"deep": text}]}),
        lambda store, label, text: _component(store, label).configuration["list"][1]["deep"],
    ),
    "component.configuration.key": Field(
        lambda label, text: _with_component(label, configuration={text: 1}),
        lambda store, label, text: next(iter(_component(store, label).configuration)),
    ),
    "component.in_port": Field(
        lambda label, text: _with_component(label, _UPSTREAM, depends_on=[{"component": "up", "in_port": text}]),
        lambda store, label, text: _component(store, label).depends_on[0].in_port,
    ),
    "component.metric": Field(
        lambda label, text: _with_component(label, metrics=[text]),
        lambda store, label, text: _component(store, label).metrics[0],
    ),
    "dataclass.name": Field(
        lambda label, text: _dataclass(text),
        lambda store, label, text: store.catalog.dataclasses.get(f"hostile/{text}").name,
    ),
    "dataclass.dataclass_type": Field(
        lambda label, text: _dataclass(label, dataclass_type=text),
        lambda store, label, text: store.catalog.dataclasses.get(f"hostile/{label}").dataclass_type,
    ),
    "dataclass.description": Field(
        lambda label, text: _dataclass(label, description=text),
        lambda store, label, text: store.catalog.dataclasses.get(f"hostile/{label}").description,
    ),
    "dataclass.property": Field(
        lambda label, text: _dataclass(label, schema_definition={"properties": {text: {"type": "string"}}}),
        lambda store, label, text: next(
            iter(store.catalog.dataclasses.get(f"hostile/{label}").schema_definition["properties"])
        ),
    ),
    "dataclass.schema.description": Field(
        lambda label, text: _dataclass(label, schema_definition={"description": text}),
        lambda store, label, text: store.catalog.dataclasses.get(f"hostile/{label}").schema_definition["description"],
    ),
    "dataclass.rule.name": Field(
        lambda label, text: _dataclass(label, validation_rules={text: {"type": "required", "field": "a"}}),
        lambda store, label, text: next(iter(store.catalog.dataclasses.get(f"hostile/{label}").validation_rules)),
    ),
    "dataclass.rule.field": Field(
        lambda label, text: _dataclass(label, validation_rules={"r": {"type": "required", "field": text}}),
        lambda store, label, text: store.catalog.dataclasses.get(f"hostile/{label}").validation_rules["r"]["field"],
    ),
    "metric.name": Field(
        lambda label, text: _metric(text), lambda store, label, text: store.catalog.metrics.get(f"hostile/{text}").name
    ),
    "metric.unit": Field(
        lambda label, text: _metric(label, unit=text),
        lambda store, label, text: store.catalog.metrics.get(f"hostile/{label}").unit,
    ),
    "metric.description": Field(
        lambda label, text: _metric(label, description=text),
        lambda store, label, text: store.catalog.metrics.get(f"hostile/{label}").description,
    ),
    "component_type.name": Field(
        lambda label, text: _type(text), lambda store, label, text: store.catalog.component_types.get(text).name
    ),
    "component_type.description": Field(
        lambda label, text: _type(label, description=text),
        lambda store, label, text: store.catalog.component_types.get(label).description,
    ),
}
FREE_TEXT = {
    "job.description",
    "component.description",
    "component.configuration",
    "component.configuration.key",
    "dataclass.description",
    "dataclass.property",
    "dataclass.schema.description",
    "metric.description",
    "component_type.description",
}


@cache
def accepted_by(name: str) -> dict[str, str]:
    """The strings a field takes, by label; the others are refused by a definition error that is safe to print."""
    field = FIELDS[name]
    accepted = {}
    for label, text in HOSTILE.items():
        try:
            load(field.document(label, text))
        except DefinitionError as error:
            assert_is_printable(error.message)
        else:
            accepted[label] = text
    return accepted


def assert_is_printable(message: str) -> None:
    """A message is short, can be encoded, and cannot steer a terminal."""
    assert len(message) < 2000
    message.encode()
    steering = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [character for character in message if character != "\n" and unicodedata.category(character) in steering]


def together(documents: list[Document]) -> Document:
    """One document that defines what all of them define."""
    merged: Document = {"namespace": "hostile"}
    for document in documents:
        for key, items in document.items():
            if isinstance(items, list):
                merged.setdefault(key, []).extend(items)
    return merged


def test_the_corpus_is_large_enough() -> None:
    """At least 150 strings, all different, none of them forgotten by a field that takes nearly everything."""
    assert len(set(HOSTILE.values())) >= 150
    assert len(accepted_by("job.description")) > 230
    assert 60 < len(accepted_by("job.name")) < 180


@pytest.mark.parametrize("name", FIELDS)
def test_a_string_is_refused_or_read_back_exactly(sync_store: Store, name: str) -> None:
    """No field of any definition changes a string silently, on any database."""
    assert_kept(sync_store, name)


@pytest.mark.parametrize("name", ["job.name", "component.configuration", "dataclass.description"])
def test_other_drivers_change_nothing_either(store: Store, name: str) -> None:
    """A name, a JSON value and a long text come through the drivers of both faces."""
    assert_kept(store, name)


def assert_kept(store: Store, name: str) -> None:
    """Every string that the field takes is stored as it is, and registering it again changes nothing."""
    field = FIELDS[name]
    accepted = accepted_by(name)
    # NUL and lone surrogates cannot be stored anywhere; what is free text takes nearly all the rest.
    assert not {"nul-only", "surrogate-high", "surrogate-escape"} & accepted.keys()
    assert len(accepted) > (220 if name in FREE_TEXT else 60)
    document = together([field.document(label, text) for label, text in accepted.items()])
    store.catalog.apply(document)
    for label, text in accepted.items():
        assert field.read(store, label, text) == text, label
    assert not store.catalog.apply(document).changed


def test_asking_for_a_hostile_string_is_answered(sync_store: Store) -> None:
    """Lists and finders refuse it as input, or find nothing: no other error, whatever the argument."""
    for label, text in HOSTILE.items():
        for number, ask in enumerate(questions(sync_store, text)):
            try:
                answer = ask()
            except (InvalidInputError, NotFoundError) as error:
                assert_is_printable(error.message)
            else:
                assert answer is None or answer.items == (), (label, number)


def questions(store: Store, text: str) -> list[Callable[[], Any]]:
    """Everything that can be asked for by a text."""
    catalog = store.catalog
    return [
        lambda: catalog.jobs.find(text),
        lambda: catalog.jobs.get(f"ns/{text}"),
        lambda: catalog.components.find(text, job="ns/job"),
        lambda: catalog.components.get(text, job="ns/job"),
        lambda: catalog.dataclasses.get(text),
        lambda: catalog.metrics.get(text),
        lambda: catalog.tags.get(text),
        lambda: catalog.component_types.get(text),
        lambda: catalog.jobs.list(name=text),
        lambda: catalog.jobs.list(namespace=text, tags={text: text}),
        lambda: catalog.jobs.list(status=text),
        lambda: catalog.jobs.list(cursor=text),
        lambda: catalog.tags.list(name=text),
        lambda: catalog.components.list(component_type=text),
        lambda: catalog.jobs.delete(text),
    ]
