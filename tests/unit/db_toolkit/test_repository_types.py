"""What a type checker knows of a repository: the model it is for. Wrong types here are errors of mypy."""

from __future__ import annotations

from typing import assert_type

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from etl_models.db import AsyncRepository, BaseRepository, ReadRepository, Repository, SearchResult
from etl_models.domain.paging import Page
from tests.support.toolkit_models import Advert, Person


class Adverts(Repository[Advert]):
    """Five lines of a user."""

    def find_cheap(self, limit: int) -> list[Advert]:
        """Cheap ones."""
        return self.find_all(budget__lt=limit, order_by="name")


class AsyncAdverts(AsyncRepository[Advert]):
    """And for the other face."""

    core = Adverts

    async def find_cheap(self, limit: int) -> list[Advert]:
        """Cheap ones."""
        return await self.run(Adverts.find_cheap, limit)


def check(session: Session) -> None:
    """Every method speaks of the model."""
    adverts = Adverts(session)
    assert_type(adverts.get(1), Advert)
    assert_type(adverts.get_by_id(1), Advert | None)
    assert_type(adverts.find(name="x"), Advert | None)
    assert_type(adverts.get_one(name="x"), Advert)
    assert_type(adverts.find_all(), list[Advert])
    assert_type(adverts.search(), SearchResult[Advert])
    assert_type(adverts.search().items, list[Advert])
    assert_type(adverts.page(), Page[Advert])
    assert_type(adverts.create(name="x"), Advert)
    assert_type(adverts.update(1, name="x"), Advert)
    assert_type(adverts.upsert(name="x"), Advert)
    assert_type(adverts.with_deleted(), Adverts)
    assert_type(adverts.for_update().find_cheap(5), list[Advert])
    assert_type(Repository(session, Person).get(1), Person)
    assert_type(ReadRepository(session, Person).count(), int)


async def check_async(session: AsyncSession) -> None:
    """So does every coroutine."""
    adverts = AsyncAdverts(session)
    assert_type(await adverts.get(1), Advert)
    assert_type(await adverts.find(), Advert | None)
    assert_type(await adverts.search(), SearchResult[Advert])
    assert_type(await adverts.every_tenant().find_cheap(5), list[Advert])
    assert_type(await AsyncRepository(session, Person).find_all(), list[Person])


@pytest.mark.parametrize("kind", [Adverts, AsyncAdverts])
def test_the_model_is_known_at_run_time_too(kind: type[Adverts]) -> None:
    """The argument in brackets is the model, also of subclasses of subclasses."""
    assert kind.model is Advert
    assert type("Cheaper", (kind,), {}).model is Advert  # type: ignore[attr-defined]
    assert BaseRepository is Repository
