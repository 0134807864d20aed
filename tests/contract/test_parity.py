"""Both faces are one: the same names, the same parameters, the same documentation, one of them with ``await``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from etl_models.database import AsyncDatabase, Database
from etl_models.recorder import asynchronous, blocking
from etl_models.store import AsyncStore, Store, catalog, history
from etl_models.store.faces import Face

SPECIAL = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def pairs() -> Iterator[tuple[type, type]]:
    """The classes of both faces: those given here, and every class of a module whose name has a twin."""
    yield Database, AsyncDatabase
    yield Store, AsyncStore
    for first, second in ((catalog, catalog), (history, history), (blocking, asynchronous)):
        for name, kind in inspect.getmembers(first, inspect.isclass):
            if kind.__module__ == first.__name__ and not name.startswith(("Async", "_")):
                yield kind, getattr(second, f"Async{name}", type(None))


PAIRS = list(pairs())


def public(kind: type) -> dict[str, Any]:
    """Public members by the blocking name, those of our own bases included."""
    names = {name for base in kind.__mro__ if base is not object for name in vars(base)}
    back = {other: name for name, other in SPECIAL.items()}
    return {
        back.get(name, name): inspect.getattr_static(kind, name)
        for name in names
        if not name.startswith("_") or name in {*SPECIAL, *back, "__init__"}
    }


def parameters(method: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter; annotations differ where they name the other face."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(method).parameters.values()]


@pytest.mark.parametrize(("sync", "async_"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_both_faces_have_the_same_members(sync: type, async_: type) -> None:
    """No class lacks its twin, and no public name is on one face only."""
    assert async_ is not type(None), f"{sync.__name__} has no asynchronous twin"
    assert public(sync).keys() == public(async_).keys()


@pytest.mark.parametrize(("sync", "async_"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_methods_take_the_same_parameters(sync: type, async_: type) -> None:
    """Names, order, kinds and defaults of parameters are equal."""
    twins = public(async_)
    for name, member in public(sync).items():
        if inspect.isfunction(member):
            assert parameters(member) == parameters(twins[name]), f"{sync.__name__}.{name}"


@pytest.mark.parametrize(("sync", "async_"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_what_reaches_the_database_is_awaited(sync: type, async_: type) -> None:
    """No method of the blocking face is a coroutine; on the other face of stores and executors, all are."""
    assert not [name for name, member in public(sync).items() if inspect.iscoroutinefunction(member)]
    if sync.__module__ != blocking.__name__:  # a recorder also makes handles and takes notes, which wait for nothing
        plain = [name for name, member in public(async_).items() if inspect.isfunction(member)]
        assert [name for name in plain if not inspect.iscoroutinefunction(public(async_)[name])] in ([], ["__init__"])


@pytest.mark.parametrize(("sync", "async_"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_every_public_method_is_documented(sync: type, async_: type) -> None:
    """On both faces, with a sentence."""
    for kind in (sync, async_):
        for name, member in public(kind).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                assert (inspect.getdoc(member) or "").rstrip()[-1:] in {".", ";", ":"}, f"{kind.__name__}.{name}"


def test_all_nouns_of_the_catalog_have_the_same_shape() -> None:
    """get, find and list everywhere; delete and restore together; no noun invents a name of its own."""
    shape = {"get", "find", "list", "history", "delete", "restore", "export"}
    nouns = {kind.__name__: kind for kind, _ in PAIRS if issubclass(kind, Face)}
    assert {"Jobs", "Components", "Dataclasses", "Metrics", "Tags", "ComponentTypes"} <= nouns.keys()
    for name in nouns.keys() - {"Catalog", "History"}:
        kind = nouns[name]
        methods = public(kind).keys() - {"__init__"}
        assert methods <= shape, name
        assert {"get", "find", "list"} <= methods, name
        assert ("delete" in methods) == ("restore" in methods), name


def test_a_facade_shows_the_parameters_of_its_operation() -> None:
    """What help() and editors see of a method: everything but the session."""
    signature = inspect.signature(catalog.Jobs.list)
    assert list(signature.parameters)[:3] == ["self", "namespace", "status"]
    assert "session" not in catalog.Jobs.list.__annotations__
    assert (catalog.Jobs.list.__doc__ or "").startswith("Return a page of jobs")
