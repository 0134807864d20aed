"""What an application with the toolkit's handlers says: problems, the OpenAPI document, and nothing without FastAPI."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.security import APIKeyQuery
from jsonschema import Draft202012Validator
from sqlalchemy import event

from etl_models import errors
from etl_models.db import errors as db_errors
from etl_models.db.connections import AsyncDatabaseManager, DatabaseManager
from etl_models.db.errors import InvalidFilterError
from etl_models.db.fastapi import (
    QueryFilters,
    add_problem_handlers,
    connect,
    get_filters,
    get_offset_page,
    get_repository,
    get_session,
    get_session_of,
    get_sync_session,
)
from etl_models.errors import ConfigurationError
from tests.support.sources import ROOT
from tests.support.toolkit_app import Adverts, Api, AsyncAdverts
from tests.support.toolkit_models import Advert, Sample

SECRET = "hunter2"


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client that gets answers, as one on a network does, and not exceptions."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


async def answer_to(error: Exception, **headers: str) -> httpx.Response:
    """What a client gets when a route raises."""
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/x")
    async def route() -> None:
        raise error

    async with client_of(app) as client:
        return await client.get("/x", headers=headers)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (db_errors.NotFoundError("Advert", identity=7), 404),
        (errors.NotFoundError("no such thing"), 404),
        (db_errors.MultipleResultsFoundError("Advert", fields=["name"]), 409),
        (db_errors.DuplicateError("taken", columns=["name"]), 409),
        (db_errors.StaleDataError("Advert", expected=1, found=2), 409),
        (errors.TransitionError("not now"), 409),
        (db_errors.InvalidFilterError("no", field="a", operator="gte"), 422),
        (db_errors.InvalidDataError("no", problems=[{"field": "a.b", "reason": "no"}]), 422),
        (errors.InvalidInputError("no"), 422),
        (db_errors.TenantRequiredError("no tenant"), 403),
        (errors.AccessDeniedError("not yours"), 403),
        (errors.DatabaseUnavailableError(f"{SECRET} at db.internal", place="db.internal"), 503),
        (errors.AccessDeniedError(f"account {SECRET}", place="db.internal"), 500),
        (errors.SchemaVersionError(f"at {SECRET}"), 500),
        (db_errors.ReadOnlyError(SECRET), 500),
        (errors.ConfigurationError(SECRET), 500),
        (errors.EtlModelsError(SECRET), 500),
        (RuntimeError(SECRET), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_every_error_has_its_status(error: Exception, status: int) -> None:
    """A client learns whose fault it is; of what is not its fault it learns nothing else."""
    answer = await answer_to(error)
    found = answer.json()
    assert (answer.status_code, found["status"], found["instance"]) == (status, status, "/x")
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert "db.internal" not in answer.text
    assert (answer.headers.get("Retry-After") is not None) is (status == 503)


async def test_facts_are_members() -> None:
    """What an error knows of fields and versions is there for programs; names of tables and constraints are not."""
    stale = (await answer_to(db_errors.StaleDataError("Advert", identity=3, expected=1, found=2))).json()
    assert (stale["model"], stale["identity"], stale["expected"], stale["found"]) == ("Advert", "3", 1, 2)
    assert (await answer_to(db_errors.StaleDataError("Advert"), **{"If-Match": '"1"'})).status_code == 412
    taken = await answer_to(db_errors.DuplicateError("no", constraint="uq_x", table="t_x", columns=["a"]))
    assert taken.json()["columns"] == ["a"]
    assert "_x" not in taken.text
    data = (await answer_to(db_errors.InvalidDataError("no", problems=[{"field": "a.b", "reason": "r"}]))).json()
    assert data["errors"] == [{"detail": "r", "pointer": "#/a/b"}]
    wrong = (await answer_to(db_errors.InvalidFilterError("no", field="a", operator="gte"))).json()
    assert wrong["errors"] == [{"detail": "no", "parameter": "a__gte", "in": "query"}]


async def test_a_database_that_is_not_there_is_503() -> None:
    """Neither address, account nor password of the database are told, on either face."""
    app = FastAPI()
    url = f"postgresql://somebody:{SECRET}@127.0.0.1:1/nothing"
    connect(app, AsyncDatabaseManager(url), DatabaseManager(url))

    @app.get("/a")
    async def one(repo: Annotated[AsyncAdverts, Depends(get_repository(AsyncAdverts))]) -> int:
        return await repo.count()

    @app.get("/b")
    def two(repo: Annotated[Adverts, Depends(get_repository(Adverts))]) -> int:
        return repo.count()

    async with app.router.lifespan_context(app), client_of(app) as client:
        for path in ("/a", "/b"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert not [word for word in (SECRET, "127.0.0.1", "somebody", "nothing") if word in answer.text]


async def test_handlers_of_the_application_stay() -> None:
    """Who answers an error in another way goes on doing so."""
    app = FastAPI()

    @app.exception_handler(errors.EtlModelsError)
    async def own(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("mine", 418)

    add_problem_handlers(app)

    @app.get("/x")
    async def route() -> None:
        raise errors.NotFoundError("x")

    async with client_of(app) as client:
        assert (await client.get("/x")).text == "mine"
        assert (await client.get("/y")).json()["title"] == "Not Found"


# -- wiring ------------------------------------------------------------------------------------------------------------


async def test_databases_have_names(tmp_path: Any) -> None:
    """Two databases of one application are told apart; a name is taken once, and one that nobody connected is a bug."""
    app = FastAPI()
    for name in ("default", "reports"):
        manager = AsyncDatabaseManager(f"sqlite:///{tmp_path / name}.db")
        connect(app, manager, name=name)
        with pytest.raises(ConfigurationError, match=name):
            connect(app, manager, name=name)

    @app.get("/{name}")
    async def route(
        name: str,
        default: Annotated[Any, Depends(get_session)],
        reports: Annotated[Any, Depends(get_session_of("reports"))],
    ) -> Any:
        bind = {"default": default, "reports": reports}[name].get_bind()
        return bind.url.database.rpartition("/")[2]

    @app.get("/missing/one")
    async def missing(_: Annotated[Any, Depends(get_session_of("nobody"))]) -> None: ...

    @app.get("/missing/face")
    def face(_: Annotated[Any, Depends(get_sync_session)]) -> None: ...

    async with app.router.lifespan_context(app), client_of(app) as client:
        assert [(await client.get(f"/{name}")).json() for name in ("default", "reports")] == [
            "default.db",
            "reports.db",
        ]
        assert [(await client.get(f"/missing/{name}")).status_code for name in ("one", "face")] == [500, 500]


async def test_the_lifespan_of_the_application_is_kept() -> None:
    """What the application starts itself still ends, then connections are closed; and it can be started again."""
    from contextlib import asynccontextmanager

    told: list[Any] = []
    manager = AsyncDatabaseManager("sqlite://")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, int]]:
        event.listen(manager.engine.sync_engine, "engine_disposed", lambda _: told.append("disconnected"))
        yield {"number": 7}
        told.append("ended")

    app = FastAPI(lifespan=lifespan)
    connect(app, manager)
    for _ in range(2):
        async with app.router.lifespan_context(app) as state:
            assert state == {"number": 7}
            async with manager.session() as session:
                await session.connection()
    assert told[:2] == ["ended", "disconnected"]


async def test_a_session_can_be_replaced_for_tests() -> None:
    """Overriding get_session overrides it for repositories too."""
    app = FastAPI()

    @app.get("/")
    async def route(repo: Annotated[AsyncAdverts, Depends(get_repository(AsyncAdverts))]) -> str:
        return str(repo.session)

    app.dependency_overrides[get_session] = lambda: "mine"
    async with client_of(app) as client:
        assert (await client.get("/")).json() == "mine"


# -- declared parameters -----------------------------------------------------------------------------------------------


async def test_parameters_of_routes_and_routers_are_known() -> None:
    """What a route, its router, its inclusion or a security scheme declares is no unknown parameter; ``also`` adds."""

    async def of_router(a: int = 0) -> None: ...
    async def of_inclusion(b: int = 0) -> None: ...

    router = APIRouter(dependencies=[Depends(of_router)])
    filters = get_filters(Advert, {"budget": "eq"}, also=["by_hand"])

    @router.get("/x", dependencies=[Depends(APIKeyQuery(name="key"))])
    async def route(
        _: Annotated[QueryFilters, Depends(filters)], __: Annotated[Any, Depends(get_offset_page())], c: int = 0
    ) -> None: ...

    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(router, prefix="/p", dependencies=[Depends(of_inclusion)])
    async with client_of(app) as client:
        assert (await client.get("/p/x?key=1&a=1&b=1&c=1&by_hand=1&budget=3&limit=2")).status_code == 200
        assert (await client.get("/p/x?key=1&d=1")).status_code == 422


async def test_a_field_may_be_called_like_a_parameter_of_pages() -> None:
    """Then its operator is part of the name; and its lookup is never taken for an argument of search()."""
    filters = get_filters(Sample, {"name": ("eq", "in")})
    parameters = set(filters.__signature__.parameters) - {"_"}  # type: ignore[attr-defined]
    assert parameters == {"name", "name__in"}
    found = await filters(name="x", name__in=None)
    assert (dict(found.lookups), found.arguments) == ({"name__eq": "x"}, {"name__eq": "x", "order_by": ()})


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": {"nothing": "eq"}},
        {"fields": {"name": "like"}},
        {"fields": {"person__nothing": "eq"}},
        {"fields": {"nobody__email": "eq"}},
        {"fields": {"data": "eq"}},
        {"fields": {"budget": "contains"}},
        {"order_by": ["nothing"]},
        {"default_order": "-nothing"},
        {"search": ["budget"]},
    ],
    ids=repr,
)
def test_a_wrong_declaration_is_found_when_it_is_made(wrong: dict[str, Any]) -> None:
    """Not by the first client that uses it."""
    with pytest.raises(InvalidFilterError):
        get_filters(Advert, **wrong)


# -- the document ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sync", "async"])
def document(request: pytest.FixtureRequest) -> Any:
    """The OpenAPI document of the application of the tests."""
    return Api("sqlite://", request.param).app.openapi()


def _inside(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from _inside(item)


def test_the_document_is_whole(document: dict[str, Any]) -> None:
    """Every reference leads somewhere, every schema is one, nothing is named that nobody refers to."""
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    targets = {item["$ref"] for item in _inside(document) if "$ref" in item}
    assert targets == {f"#/components/schemas/{name}" for name in schemas}
    assert {"Problem", "ProblemItem"} < schemas.keys()
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()
    json.dumps(document, allow_nan=False)


def test_the_document_says_what_can_be_asked_and_answered(document: dict[str, Any]) -> None:
    """Filters with their types, the fields to sort by, limits, and problems in their media type."""
    search = document["paths"]["/adverts"]["get"]
    parameters = {item["name"]: item for item in search["parameters"]}
    assert {"budget__gte", "color", "order_by", "q", "limit", "offset", "person__email"} <= parameters.keys()
    assert "_" not in parameters
    assert {"type": "integer"} in parameters["budget__gte"]["schema"]["anyOf"]
    assert parameters["limit"]["schema"] | {"maximum": 50, "minimum": 1} == parameters["limit"]["schema"]
    assert "-budget" in json.dumps(parameters["order_by"])
    assert all(item.get("description") for item in parameters.values())
    assert "password_hash" not in json.dumps(document)
    for path, method, statuses in (
        ("/adverts", "get", {"200", "422"}),
        ("/adverts", "post", {"201", "409", "422"}),
        ("/adverts/{ident}", "patch", {"200", "404", "409", "412", "422"}),
    ):
        responses = document["paths"][path][method]["responses"]
        assert set(responses) == statuses
        for status, response in responses.items():
            expected = "application/problem+json" if status > "399" else "application/json"
            assert set(response["content"]) == {expected}


# -- without FastAPI ---------------------------------------------------------------------------------------------------


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_else_imports_fastapi() -> None:
    """All other public names of the data layer come without it."""
    loaded = _run(
        "import sys, etl_models.db as db\n"
        "for name in db.__all__: getattr(db, name)\n"
        "import etl_models.db.connections\n"
        "print(*sorted({'fastapi', 'starlette'} & set(sys.modules)))"
    )
    assert loaded.split() == []


def test_a_missing_fastapi_is_said_with_its_extra() -> None:
    """ConfigurationError, and what to install."""
    told = _run(
        "import importlib.util, etl_models.errors as errors\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'fastapi' else find(name, *more)\n"
        "try:\n    import etl_models.db.fastapi\n"
        "except errors.ConfigurationError as error:\n    print(error)"
    )
    assert "etl-models[fastapi]" in told
