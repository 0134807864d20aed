"""Rows are locked where databases can, and a hundred thousand rows need no more memory than a few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from etl_models.db.engine import build_engine
from etl_models.db.errors import NotFoundError
from etl_models.db.repository import Repository
from etl_models.db.selection import Lock, Scope, Selection
from etl_models.db.target import Target
from tests.support.toolkit import Rows, opened
from tests.support.toolkit_models import Person

pytestmark = pytest.mark.contract
PEOPLE: sa.Table = Person.__table__


@contextmanager
def _other_session(url: str) -> Iterator[Repository[Person]]:
    engine = build_engine(Target.parse(url))
    with Session(engine) as session:
        yield Repository(session, Person)
        session.rollback()
    engine.dispose()


@pytest.mark.database("postgresql", "mariadb")
def test_locked_rows_are_skipped_or_refused(rows_of: Callable[..., Rows], database_url: str) -> None:
    """What another session has locked is left out with ``skip_locked`` and an error at once with ``nowait``."""
    rows = rows_of(Person)
    people = rows.repository(Person)
    people.bulk_create({"email": f"{number}@x"} for number in range(3))
    rows.commit()
    with _other_session(database_url) as other:
        held = other.for_update().find(email="1@x")
        assert held is not None
        ident = held.id
        skipping, refusing = people.for_update(skip_locked=True), people.for_update(nowait=True)
        assert sorted(row.email for row in skipping.find_all()) == ["0@x", "2@x"]
        assert [row.email for row in skipping.search(order_by="email").items] == ["0@x", "2@x"]
        assert [row.email for row in skipping.page(order_by="email").items] == ["0@x", "2@x"]
        with pytest.raises(NotFoundError):
            skipping.get(ident)
        for ask in (lambda: refusing.find(email="1@x"), lambda: refusing.get(ident)):
            with pytest.raises(sa.exc.OperationalError):  # trying again mends it, so it is no error of ours
                ask()
            rows.rollback()
    assert people.for_update(nowait=True).get(ident).email == "1@x"


@pytest.mark.parametrize("lock", [Lock(), Lock(skip_locked=True), Lock(nowait=True)], ids=str)
def test_sqlite_is_not_asked_to_lock(lock: Lock) -> None:
    """SQLite locks the whole file for who writes: the same statement goes without the clause."""
    engine = sa.create_engine("sqlite://")
    statement = Selection.of(Person, Scope(lock=lock), (), {}).rows()
    assert "FOR UPDATE" not in str(statement.compile(engine))


@pytest.mark.database("sqlite")
def test_many_rows_need_no_more_memory_than_some(database_url: str) -> None:
    """Rows are taken from their source a chunk at a time, validated, sent and let go."""
    with opened(database_url, "sync", PEOPLE) as rows:
        people = rows.repository(Person)
        work: tuple[tuple[str, Callable[[Any], Any]], ...] = (
            ("create", people.bulk_create),
            ("upsert", lambda given: people.bulk_upsert(given, match=["email"])),
        )
        for name, method in work:
            peaks = [_peak(method, f"{name}{count}", count) for count in (6_000, 18_000)]
            assert peaks[1] < 1.3 * peaks[0]
        assert people.count() == 48_000


def _peak(method: Callable[[Any], Any], name: str, count: int) -> int:
    tracemalloc.start()
    try:
        assert method({"email": f"{name} {number}@x"} for number in range(count)) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
