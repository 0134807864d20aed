"""FastAPI on the toolkit: units of work, connections, filters, pages, problems; on every database and both faces."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any
from urllib.parse import quote_from_bytes

import anyio
import httpx
import pytest
import uvicorn

from etl_models.db import Repository, every_tenant, tenant_scope
from etl_models.db.connections import DatabaseManager
from tests.support.hostile import HOSTILE
from tests.support.toolkit_app import Adverts, Api, Notes, running
from tests.support.toolkit_models import Person

pytestmark = pytest.mark.contract

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"

Opened = Callable[..., Any]


@pytest.fixture
async def open_api(database_url: str, face: str) -> AsyncIterator[Opened]:
    """Starts an application on an empty database, on the face of the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Api:
            return await stack.enter_async_context(running(database_url, face, **options))

        yield start


@pytest.fixture
async def api(open_api: Opened) -> Api:
    """An application whose routes pause for nothing."""
    started: Api = await open_api()
    return started


@pytest.fixture
async def async_api(database_url: str) -> AsyncIterator[Api]:
    """An application on the asynchronous face only, for what both have in common."""
    async with running(database_url, "async") as started:
        yield started


def problem(answer: httpx.Response, status: int, name: str | None = None) -> dict[str, Any]:
    """The problem details of an answer, which is a problem of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    if name is not None:
        assert found["type"] == f"urn:etl-models:problem:{name}"
    return found


# -- units of work -----------------------------------------------------------------------------------------------------


async def test_what_a_route_did_is_stored_when_its_answer_arrives(api: Api) -> None:
    """A created row is read by another request, and no connection is kept."""
    created = await api.post("/adverts", name="Spring", budget=5)
    assert created.status_code == 201
    read = await api.client.get(f"/adverts/{created.json()['id']}")
    assert read.json() == created.json()
    assert api.in_use() == 0


async def test_a_duplicate_is_a_problem_and_stores_nothing(api: Api) -> None:
    """409 with the columns, no values, no SQL."""
    await api.post("/adverts", name="taken-name")
    found = problem(await api.post("/adverts", name="taken-name"), 409, "duplicate")
    assert (found["model"], found["columns"], found["instance"]) == ("Advert", ["name"], "/adverts")
    assert "taken-name" not in json.dumps(found)
    assert await api.names() == ["taken-name"]
    assert api.in_use() == 0


async def test_a_failed_commit_is_the_answer(api: Api) -> None:
    """A route that had already returned 201 is answered 409 when its row is refused at the commit."""
    assert (await api.post("/adverts/late", name="x")).status_code == 201
    problem(await api.post("/adverts/late", name="x"), 409, "duplicate")
    assert await api.names() == ["x"]
    assert api.in_use() == 0


@pytest.mark.parametrize("status", [0, 404, 418])
async def test_an_error_undoes_what_the_route_wrote(api: Api, status: int) -> None:
    """Whether a bug or an HTTPException: nothing is stored, nothing of the program is shown."""
    answer = await api.client.post("/adverts/broken", params={"status": status}, json={"name": "never"})
    assert "secret" not in json.dumps(problem(answer, status or 500))
    assert await api.names() == []
    assert api.in_use() == 0


async def test_a_client_that_has_gone_gets_nothing_stored(api: Api) -> None:
    """When the connection is lost before the commit, the unit is rolled back."""
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b'{"name": "gone"}'}, *[{"type": "http.disconnect"}] * 9]
    )
    sent = await call(api, "/adverts", lambda: next(messages))
    assert sent[0]["status"] == 499
    assert await api.names() == []
    assert api.in_use() == 0


async def call(api: Api, path: str, receive: Callable[[], Any]) -> list[Any]:
    """Speak ASGI: POST to ``path``, with the messages that ``receive`` hands out."""
    sent: list[Any] = []

    async def receiving() -> Any:
        return receive()

    async def sending(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    await api.app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "server": ("test", 80),
            "client": ("test", 1),
            "root_path": "",
        },
        receiving,
        sending,
    )
    return sent


@pytest.mark.parametrize("way", ["task", "scope"])
async def test_a_cancelled_request_stores_nothing_and_gives_its_connection_back(database_url: str, way: str) -> None:
    """Cancelled once as asyncio does it, or again at every await as middleware on anyio does it."""
    reached = asyncio.Event()

    async def pause() -> None:
        reached.set()
        await asyncio.sleep(3600)

    async with running(database_url, "async", pause=pause) as api:
        if way == "task":
            request = asyncio.ensure_future(api.post("/adverts/slow", name="cancelled"))
            await reached.wait()
            assert api.in_use() == 1
            request.cancel()
            await asyncio.wait([request])
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: api.post("/adverts/slow", name="cancelled"))
                await reached.wait()
                assert api.in_use() == 1
                group.cancel_scope.cancel()
        while api.in_use():  # noqa: ASYNC110  (given back by a task of SQLAlchemy's or ours, which tells nobody)
            await asyncio.sleep(0.01)
        assert await api.names() == []


async def test_a_cancelled_blocking_request_is_undone_when_its_thread_has_ended(database_url: str) -> None:
    """A thread cannot be cancelled: its request ends after it, rolled back."""
    reached, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        reached.set()
        go_on.wait(60)

    async with running(database_url, "sync", pause=pause) as api:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: api.post("/adverts/slow", name="cancelled"))
            await asyncio.to_thread(reached.wait, 60)
            group.cancel_scope.cancel()
            go_on.set()
        assert api.in_use() == 0
        assert await api.names() == []


async def test_requests_do_not_share_sessions(open_api: Opened, face: str) -> None:
    """Of several requests at once each has a session of its own; inside one, everything has the same."""
    count = 4
    everybody: Any = asyncio.Barrier(count) if face == "async" else threading.Barrier(count)
    api = await open_api(pause=everybody.wait)
    answers = await asyncio.gather(*(api.client.get("/sessions") for _ in range(count)))
    pairs = [answer.json() for answer in answers]
    assert all(first == second for first, second in pairs)
    assert len({first for first, _ in pairs}) == count
    assert api.in_use() == 0


async def test_many_requests_at_once_all_end_well(api: Api) -> None:
    """More requests than connections and threads: each waits for its turn, and every row is there."""
    answers = await asyncio.gather(*(api.post("/adverts", name=f"n{number:02}") for number in range(45)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await api.names()) == 45
    assert api.in_use() == 0


async def test_reading_routes_use_the_replica_and_cannot_write(
    open_api: Opened, new_database_url: Callable[[], str]
) -> None:
    """What is only in the replica is found by readers, and a reader that writes is a bug that stores nothing."""
    replica_url = new_database_url()
    with DatabaseManager(replica_url) as replica:
        async with running(replica_url, "sync"):
            pass
        with replica.session() as session:
            there = Adverts(session).create(name="in the replica").id
    api = await open_api(replica_url=replica_url)
    assert (await api.client.get(f"/adverts/{there}")).json()["name"] == "in the replica"
    assert await api.names() == []
    problem(await api.client.get("/reader/writes"), 500, "internal-error")
    with DatabaseManager(replica_url) as replica, replica.session() as session:
        assert Adverts(session).count() == 1
    assert api.in_use() == 0


async def test_tenants_see_their_own_rows(api: Api, database_url: str) -> None:
    """A tenant set by a dependency holds in the route; without one the answer is 403."""
    with DatabaseManager(database_url) as manager, manager.session() as session, tenant_scope("acme"):
        Notes(session).create(name="ours")
    problem(await api.client.get("/notes"), 403, "tenant-required")
    assert [note["name"] for note in (await api.client.get("/notes?tenant=acme")).json()] == ["ours"]
    assert (await api.client.get("/notes?tenant=globex")).json() == []
    with every_tenant():
        problem(await api.client.get("/notes?tenants=acme"), 422, "invalid-request")


# -- a real server -----------------------------------------------------------------------------------------------------


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of a server in a thread of its own, on the loopback."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)


def test_the_same_through_a_real_server(database_url: str, face: str) -> None:
    """Rows, problems, a client that hangs up; and the application can be ended and started again."""
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> Any:
        reached.set()
        return asyncio.to_thread(go_on.wait, 60) if face == "async" else go_on.wait(60)

    async def prepare() -> Api:
        async with running(database_url, "sync"):
            return Api(database_url, face, pause=wait)

    api = asyncio.run(prepare())
    with served(api.app) as address, httpx.Client(base_url=address, timeout=60) as client:
        created = client.post("/adverts", json={"name": "served"})
        assert created.status_code == 201
        problem(client.post("/adverts/late", json={"name": "served"}), 409, "duplicate")
        assert client.get(f"/adverts/{created.json()['id']}").json()["name"] == "served"
        host, _, port = address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as rude:
            body = b'{"name": "hung up"}'
            head = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            rude.sendall(b"POST /adverts/slow HTTP/1.1\r\n" + head.encode() + body)
            assert reached.wait(60)
        client.get("/nothing")  # by then the server has seen the other one go
        go_on.set()
        items = client.get("/adverts").json()["items"]
        assert [item["name"] for item in items] == ["served"]
    with served(api.app) as address:
        assert httpx.get(f"{address}/adverts", timeout=60).json()["total"] == 1


# -- filters and pages -------------------------------------------------------------------------------------------------


async def _filled(api: Api) -> Api:
    for number in range(7):
        await api.post(
            "/adverts",
            name=f"Advert {number}",
            budget=number * 10,
            color="r" if number % 2 else "b'lue",
            note=None if number else "first of ALL",
        )
    return api


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6]),
        ("budget=30", [3]),
        ("budget__gte=40", [4, 5, 6]),
        ("budget__gte=20&budget__lt=40", [2, 3]),
        ("budget__in=0&budget__in=60", [0, 6]),
        ("budget__between=10&budget__between=20", [1, 2]),
        ("color=r&order_by=-budget", [5, 3, 1]),
        ("color__in=b%27lue", [0, 2, 4, 6]),
        ("order_by=-name&limit=2", [6, 5]),
        ("offset=5", [5, 6]),
        ("q=all%20FIRST", [0]),
        ("q=advert", [0, 1, 2, 3, 4, 5, 6]),
        ("note__isnull=false", [0]),
        ("name__iexact=ADVERT%204", [4]),
        ("name__matches=*t%20%3F&budget__gte=60", [6]),
        ("name__in=Advert%201&name__in=x", [1]),
        ("person__email=nobody", []),
        ("created_at__lt=2000-01-01T00:00:00Z", []),
        ("data__isnull=true", []),
    ],
)
async def test_the_query_chooses_rows(async_api: Api, query: str, numbers: list[int]) -> None:
    """Filters, order, text search and offsets of the query string mean what repositories mean by them."""
    api = await _filled(async_api)
    answer = await api.client.get(f"/adverts?{query}")
    assert answer.status_code == 200, answer.text
    assert [item["budget"] // 10 for item in answer.json()["items"]] == numbers


async def test_a_search_is_counted_and_a_page_is_continued(api: Api) -> None:
    """Counts come with offsets, cursors lead through all rows once; a cursor belongs to its query."""
    await _filled(api)
    first = (await api.client.get("/adverts?limit=3&offset=3&budget__gte=10")).json()
    facts = ("total", "limit", "offset", "page", "total_pages", "has_next", "has_previous")
    assert [first[name] for name in facts] == [6, 3, 3, 2, 2, False, True]
    seen, cursor = [], None
    while True:
        params = {"limit": "3", "order_by": "-budget", **({"cursor": cursor} if cursor else {})}
        answer = (await api.client.get("/adverts/pages", params=params)).json()
        seen += [item["budget"] for item in answer["items"]]
        if (cursor := answer["next_cursor"]) is None:
            break
        last = cursor
    assert seen == [60, 50, 40, 30, 20, 10, 0]
    wrong = await api.client.get("/adverts/pages", params={"cursor": last, "budget": 1, "order_by": "-budget"})
    assert problem(wrong, 422, "invalid-filter")["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("budgt=3", "budgt"),
        ("budget__ne=3", "budget__ne"),
        ("is_deleted=true", "is_deleted"),
        ("budget=much", "budget"),
        ("budget__gte=1e3", "budget__gte"),
        ("budget=", "budget"),
        ("budget=99999999999999999999", "budget"),
        ("budget__between=1", "budget__between"),
        ("color=RED", "color"),
        ("created_at__gte=2020-01-01T00:00:00", "created_at__gte"),
        ("created_at__gte=yesterday", "created_at__gte"),
        ("note__isnull=perhaps", "note__isnull"),
        ("id=7", "id"),
        ("order_by=note", "order_by.0"),
        ("order_by=--name", "order_by.0"),
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("offset=-1", "offset"),
        ("offset=1000001", "offset"),
        ("cursor=x", "cursor"),
        ("q=%00", "q"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(async_api: Api, query: str, parameter: str) -> None:
    """Unknown names, undeclared operators and values of other types are named, and never ignored."""
    found = problem(await async_api.client.get(f"/adverts?{query}"), 422)
    assert [item.get("parameter") for item in found["errors"]] == [parameter]
    assert found["detail"]


async def test_hostile_text_finds_nothing_or_is_refused(async_api: Api) -> None:
    """Every text as search, pattern, cursor, name of a parameter and, in turn, as all else: 200 or 422, never SQL."""
    await _filled(async_api)
    names = ("q", "name__matches", "cursor")
    others = (
        *(
            "name",
            "name__icontains",
            "name__in",
            "person__email__iendswith",
            "budget",
            "color",
            "id",
            "created_at__gte",
        ),
        *("order_by", "limit", "note__isnull"),
    )
    wrong = []
    for number, (label, text) in enumerate(HOSTILE.items()):
        value = quote_from_bytes(text.encode("utf-8", "surrogatepass")[:15_000])
        turn = others[number % len(others)]
        for query in [f"{name}={value}" for name in (*names, turn)] + [f"{value}=1"]:
            path = "/adverts/pages" if query.startswith("cursor") else "/adverts"
            answer = await async_api.client.get(f"{path}?{query}")
            told = answer.text.lower()
            if answer.status_code not in {200, 422} or any(
                word in told for word in ("sqlalchemy", "psycopg", "from adv")
            ):
                wrong.append((label, query[:60], answer.status_code, answer.text[:300]))
    assert wrong == []
    assert async_api.in_use() == 0


@pytest.mark.parametrize(
    "place",
    [
        ["\x00", SOME_ID],
        ["\ud800", SOME_ID],
        ["x" * 2000, SOME_ID],
        ["x", "no uuid"],
        ["x"],
        [None, None],
        [{"a": 1}, []],
        "xy",
        7,
    ],
    ids=["nul", "surrogate", "long", "no-uuid", "short", "nulls", "objects", "text", "number"],
)
async def test_a_forged_cursor_is_refused_or_harmless(async_api: Api, place: Any) -> None:
    """A cursor is no secret: whoever makes one that fits the query gets rows or a refusal."""
    import base64

    await _filled(async_api)
    cursor = (await async_api.client.get("/adverts/pages?limit=1&order_by=name")).json()["next_cursor"]
    query = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))["q"]
    forged = base64.urlsafe_b64encode(json.dumps({"q": query, "k": place}).encode()).decode().rstrip("=")
    answer = await async_api.client.get("/adverts/pages", params={"cursor": forged, "order_by": "name"})
    assert answer.status_code in {200, 422}, answer.text
    assert async_api.in_use() == 0


# -- what is shown -----------------------------------------------------------------------------------------------------


async def test_excluded_fields_are_never_shown(api: Api, database_url: str) -> None:
    """Neither a shape, nor a page of shapes, nor the row itself says what is declared with exclude=True."""
    with DatabaseManager(database_url) as manager, manager.session() as session:
        Repository(session, Person).create(email="ada@example.org", password_hash="hash-of-ada")
    for path in ("/persons", "/persons/raw"):
        answer = await api.client.get(path)
        assert "ada@example.org" in answer.text
        assert "hash" not in answer.text


async def test_versions_are_entity_tags(api: Api) -> None:
    """A change of the version that was read succeeds, one of an older version is 412, and a foreign tag never fits."""
    path = f"/adverts/{(await api.post('/adverts', name='v')).json()['id']}"
    tag = (await api.client.get(path)).headers["ETag"]
    assert (await api.client.patch(path, json={"budget": 2}, headers={"If-Match": tag})).status_code == 200
    late = await api.client.patch(path, json={"budget": 3}, headers={"If-Match": tag})
    found = problem(late, 412, "precondition-failed")
    assert (found["expected"], found["found"]) == (1, 2)
    for foreign in ('W/"2"', '"x"', "2"):
        problem(await api.client.patch(path, json={"budget": 3}, headers={"If-Match": foreign}), 412)
    assert (await api.client.patch(path, json={"budget": 4}, headers={"If-Match": "*"})).json()["budget"] == 4
    assert (await api.client.patch(path, json={"budget": 5})).json()["version"] == 4


async def test_a_refused_body_is_named_by_pointers(api: Api) -> None:
    """Each problem says where in the document it is; what was sent is not repeated."""
    answer = await api.post("/adverts", **{"name": "n" * 101, "budget": -4711, "a/b~c": "my-secret-value"})
    found = problem(answer, 422, "invalid-request")
    assert {item["pointer"] for item in found["errors"]} == {"#/name", "#/budget", "#/a~1b~0c"}
    assert "secret" not in answer.text
    assert "4711" not in answer.text
    for body, status in ((b"{", 422), (b"[]", 422), (b'{"\\ud800": 1}', 422), (b"null", 422), (b"\xff", 400)):
        problem(await api.client.post("/adverts", content=body, headers={"content-type": "application/json"}), status)
    problem(await api.client.get(f"/adverts/{uuid.uuid4()}"), 404, "not-found")
    problem(await api.client.get("/nothing/%00/%ff"), 404)
