"""The two faces of a repository are one: same names, same arguments; nothing has grown too large to read."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from etl_models.db.async_repository import AsyncRepository
from etl_models.db.reading import ReadRepository
from etl_models.db.repository import BaseRepository, Repository
from tests.support.sources import sources

ONLY_ASYNC = {"run", "core"}
ONLY_SYNC = {"search_fields"}
LONGEST_CLASS = 300


def _public(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for name, member in inspect.getmembers(kind):
        if not name.startswith("_"):
            yield name, member


def test_both_faces_have_the_same_methods() -> None:
    """What one can do, the other can, with the same arguments and the same results."""
    blocking, asynchronous = dict(_public(Repository)), dict(_public(AsyncRepository))
    assert blocking.keys() - ONLY_SYNC == asynchronous.keys() - ONLY_ASYNC
    for name in blocking.keys() & asynchronous.keys():
        if callable(blocking[name]):
            assert inspect.signature(blocking[name]) == inspect.signature(asynchronous[name]), name


def test_only_what_asks_the_database_is_awaited() -> None:
    """Choosing what to look at does no work; everything else is a coroutine."""
    plain = {"with_deleted", "only_deleted", "every_tenant", "for_update"}
    for name, member in _public(AsyncRepository):
        if inspect.isfunction(member):
            assert inspect.iscoroutinefunction(member) is (name not in plain), name


def test_names() -> None:
    """A repository is also a reading one, and known by its older name."""
    assert issubclass(Repository, ReadRepository)
    assert BaseRepository is Repository


@pytest.mark.parametrize("source", sources("etl_models/db"), ids=lambda source: source.name)
def test_no_class_is_too_long_to_read(source: Any) -> None:
    """A class fits a few screens."""
    long = [
        node.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_CLASS
    ]
    assert long == []
