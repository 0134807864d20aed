"""A FastAPI application on tables of the toolkit's tests, with blocking or asynchronous routes, and ways to call it."""

# Derived shapes are classes made at run time, which mypy does not take for types.
# mypy: disable-error-code="valid-type,attr-defined"

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Response
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from etl_models.db import AsyncRepository, Repository, create_shape, read_shape, tenant_scope, update_shape
from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.fastapi import (
    CursorPage,
    OffsetPage,
    PageResponse,
    QueryFilters,
    SearchResponse,
    connect,
    etag,
    get_cursor_page,
    get_expected_version,
    get_filters,
    get_offset_page,
    get_read_session,
    get_repository,
    get_session,
    get_sync_read_session,
    get_sync_session,
    problem_responses,
)
from tests.support.toolkit_models import Advert, Note, Person

AdvertRead, AdvertCreate, AdvertUpdate = read_shape(Advert), create_shape(Advert), update_shape(Advert)
PersonRead, NoteRead = read_shape(Person), read_shape(Note)


class Adverts(Repository[Advert]):
    """Adverts, blocking."""

    search_fields = ("name", "note")


class AsyncAdverts(AsyncRepository[Advert]):
    """Adverts, asynchronous."""

    core = Adverts


class Persons(Repository[Person]):
    """Persons, blocking."""


class AsyncPersons(AsyncRepository[Person]):
    """Persons, asynchronous."""


class Notes(Repository[Note]):
    """Notes of tenants, blocking."""


class AsyncNotes(AsyncRepository[Note]):
    """Notes of tenants, asynchronous."""


Filters = Annotated[
    QueryFilters,
    Depends(
        get_filters(
            Adverts,
            {
                "name": ("eq", "ne", "contains", "icontains", "startswith", "iexact", "matches", "in", "not_in"),
                "budget": ("eq", "gte", "lt", "in", "between"),
                "color": ("eq", "in"),
                "created_at": ("gte", "lt"),
                "note": ("isnull", "icontains"),
                "data": "isnull",
                "id": "eq",
                "person__email": ("eq", "iendswith"),
            },
            order_by=("name", "budget", "created_at"),
            default_order="name",
            search=True,
        )
    ),
]
Offsets = Annotated[OffsetPage, Depends(get_offset_page(maximum=50))]
Cursors = Annotated[CursorPage, Depends(get_cursor_page())]
Version = Annotated[int | None, Depends(get_expected_version())]
Pause = Callable[[], Any]


async def tenant(tenant: str | None = None) -> AsyncIterator[None]:
    """Lets a request work for the tenant it names."""
    if tenant is None:
        yield
    else:
        with tenant_scope(tenant):
            yield


def async_routes(pause: Pause) -> APIRouter:  # noqa: C901  (a list of routes)
    """Routes that are coroutines."""
    router = APIRouter()
    adverts = Annotated[AsyncAdverts, Depends(get_repository(AsyncAdverts))]
    readers = Annotated[AsyncAdverts, Depends(get_repository(AsyncAdverts, readonly=True))]
    session_here = Annotated[AsyncSession, Depends(get_session)]

    @router.post("/adverts", status_code=201, response_model=AdvertRead, responses=problem_responses(409))
    async def create(repo: adverts, data: AdvertCreate) -> Any:
        return await repo.create(data)

    @router.post("/adverts/late", status_code=201)
    async def create_late(session: session_here, data: AdvertCreate) -> str:
        session.add(Advert(**data.model_dump(exclude_unset=True)))
        return "created"

    @router.post("/adverts/broken", status_code=201)
    async def create_broken(repo: adverts, data: AdvertCreate, status: int = 0) -> None:
        await repo.create(data)
        if status:
            raise HTTPException(status, "no")
        raise RuntimeError("secret of the program")

    @router.post("/adverts/slow", status_code=201)
    async def create_slow(repo: adverts, data: AdvertCreate) -> str:
        await repo.create(data)
        await pause()
        return "created"

    @router.get("/adverts", response_model=SearchResponse[AdvertRead])
    async def search(repo: adverts, filters: Filters, page: Offsets) -> Any:
        return await repo.search(*filters.criteria, **filters.arguments, **page.arguments)

    @router.get("/adverts/pages", response_model=PageResponse[AdvertRead])
    async def pages(repo: readers, filters: Filters, page: Cursors) -> Any:
        return await repo.page(*filters.criteria, **filters.arguments, **page.arguments)

    @router.get("/adverts/{ident}", response_model=AdvertRead, responses=problem_responses(404))
    async def get(repo: readers, ident: uuid.UUID, response: Response) -> Any:
        advert = await repo.get(ident)
        response.headers["ETag"] = etag(advert)
        return advert

    @router.patch("/adverts/{ident}", response_model=AdvertRead, responses=problem_responses(404, 409, 412))
    async def change(repo: adverts, ident: uuid.UUID, data: AdvertUpdate, version: Version) -> Any:
        return await repo.update(ident, data, expected_version=version)

    @router.get("/reader/writes")
    async def reader_writes(repo: readers) -> None:
        await repo.create(name="by a reader")

    @router.get("/sessions")
    async def sessions(repo: readers, session: Annotated[AsyncSession, Depends(get_read_session)]) -> list[int]:
        await repo.count()
        await pause()
        return [id(repo.session.sync_session), id(session.sync_session)]

    @router.get("/persons/raw")
    async def persons_raw(repo: Annotated[AsyncPersons, Depends(get_repository(AsyncPersons))]) -> list[Person]:
        return await repo.find_all()

    @router.get("/persons", response_model=SearchResponse[PersonRead])
    async def persons(repo: Annotated[AsyncPersons, Depends(get_repository(AsyncPersons))]) -> Any:
        return await repo.search()

    @router.get("/notes", response_model=list[NoteRead], dependencies=[Depends(tenant)])
    async def notes(repo: Annotated[AsyncNotes, Depends(get_repository(AsyncNotes))], page: Offsets) -> Any:
        return await repo.find_all(limit=page.limit)

    return router


def sync_routes(pause: Pause) -> APIRouter:  # noqa: C901  (a list of routes)
    """The same routes as plain functions, which FastAPI runs in threads."""
    router = APIRouter()
    adverts = Annotated[Adverts, Depends(get_repository(Adverts))]
    readers = Annotated[Adverts, Depends(get_repository(Adverts, readonly=True))]
    session_here = Annotated[Session, Depends(get_sync_session)]

    @router.post("/adverts", status_code=201, response_model=AdvertRead, responses=problem_responses(409))
    def create(repo: adverts, data: AdvertCreate) -> Any:
        return repo.create(data)

    @router.post("/adverts/late", status_code=201)
    def create_late(session: session_here, data: AdvertCreate) -> str:
        session.add(Advert(**data.model_dump(exclude_unset=True)))
        return "created"

    @router.post("/adverts/broken", status_code=201)
    def create_broken(repo: adverts, data: AdvertCreate, status: int = 0) -> None:
        repo.create(data)
        if status:
            raise HTTPException(status, "no")
        raise RuntimeError("secret of the program")

    @router.post("/adverts/slow", status_code=201)
    def create_slow(repo: adverts, data: AdvertCreate) -> str:
        repo.create(data)
        pause()
        return "created"

    @router.get("/adverts", response_model=SearchResponse[AdvertRead])
    def search(repo: adverts, filters: Filters, page: Offsets) -> Any:
        return repo.search(*filters.criteria, **filters.arguments, **page.arguments)

    @router.get("/adverts/pages", response_model=PageResponse[AdvertRead])
    def pages(repo: readers, filters: Filters, page: Cursors) -> Any:
        return repo.page(*filters.criteria, **filters.arguments, **page.arguments)

    @router.get("/adverts/{ident}", response_model=AdvertRead, responses=problem_responses(404))
    def get(repo: readers, ident: uuid.UUID, response: Response) -> Any:
        advert = repo.get(ident)
        response.headers["ETag"] = etag(advert)
        return advert

    @router.patch("/adverts/{ident}", response_model=AdvertRead, responses=problem_responses(404, 409, 412))
    def change(repo: adverts, ident: uuid.UUID, data: AdvertUpdate, version: Version) -> Any:
        return repo.update(ident, data, expected_version=version)

    @router.get("/reader/writes")
    def reader_writes(repo: readers) -> None:
        repo.create(name="by a reader")

    @router.get("/sessions")
    def sessions(repo: readers, session: Annotated[Session, Depends(get_sync_read_session)]) -> list[int]:
        repo.count()
        pause()
        return [id(repo.session), id(session)]

    @router.get("/persons/raw")
    def persons_raw(repo: Annotated[Persons, Depends(get_repository(Persons))]) -> list[Person]:
        return repo.find_all()

    @router.get("/persons", response_model=SearchResponse[PersonRead])
    def persons(repo: Annotated[Persons, Depends(get_repository(Persons))]) -> Any:
        return repo.search()

    @router.get("/notes", response_model=list[NoteRead], dependencies=[Depends(tenant)])
    def notes(repo: Annotated[Notes, Depends(get_repository(Notes))], page: Offsets) -> Any:
        return repo.find_all(limit=page.limit)

    return router


class Api:
    """An application on one database, and a client that speaks to it."""

    def __init__(self, url: str, face: str, *, pause: Pause = lambda: None, replica_url: str | None = None) -> None:
        self.face = face
        self.app = FastAPI()
        self.manager: Any = (AsyncDatabaseManager if face == "async" else DatabaseManager)(url, replica_url=replica_url)
        connect(self.app, self.manager)
        self.app.include_router((async_routes if face == "async" else sync_routes)(pause))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://test"
        )

    def in_use(self) -> int:
        """How many connections are not back in the pool."""
        return int(self.manager.engine.pool.checkedout())

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Send a JSON body."""
        return await self.client.post(path, json=body)

    async def names(self) -> list[str]:
        """The names of the adverts that are stored, as another session sees them."""
        answer = await self.client.get("/adverts", params={"limit": 50})
        return [item["name"] for item in answer.json()["items"]]


@asynccontextmanager
async def running(url: str, face: str, **options: Any) -> AsyncIterator[Api]:
    """Make tables and start an application."""
    with DatabaseManager(url) as manager:
        manager.metadata.create_all(manager.engine, [model.__table__ for model in (Person, Advert, Note)])
        from etl_models.db.versioning import history_table

        manager.metadata.create_all(manager.engine, [history_table(Advert)])
    api = Api(url, face, **options)
    async with api.app.router.lifespan_context(api.app), api.client:
        yield api
