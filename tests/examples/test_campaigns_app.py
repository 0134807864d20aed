"""The API of the campaigns example, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from campaigns.app import create_app
from campaigns.load import Loader
from campaigns.models import Marketing
from campaigns.settings import JOBS
from etl_models import Store
from etl_models.db import DatabaseManager

BEN = {"X-User": "Ben@example.org"}
TEASER = {
    "name": "Autumn Teaser",
    "platform": "tiktok",
    "settings": {"hashtags": ["autumn"]},
    "starts_on": "2026-09-01",
    "budget_micros": 5_000_000,
    "budget_currency": "EUR",
}


@pytest.fixture
async def api(campaigns_url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(campaigns_url)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


async def one(api: httpx.AsyncClient, slug: str) -> dict[str, Any]:
    """The campaign with this slug."""
    (found,) = (await api.get("/campaigns", params={"q": slug})).json()["items"]
    return found  # type: ignore[no-any-return]


async def test_campaigns_are_listed_filtered_and_paged(api: httpx.AsyncClient) -> None:
    """By status, platform, owner and words; in pages that say how many there are."""

    async def names(**query: Any) -> list[str]:
        response = await api.get("/campaigns", params=query)
        assert response.status_code == 200, response.text
        return [item["name"] for item in response.json()["items"]]

    assert await names() == ["New Arrivals", "Spring Sale", "Summer Teaser"]
    assert await names(order_by="-budget_micros", limit=2) == ["New Arrivals", "Summer Teaser"]
    assert await names(status="draft") == ["Summer Teaser"]
    assert await names(platform="meta", owner__email="ben@example.org") == ["New Arrivals"]
    assert await names(q="sale") == ["Spring Sale"]
    page = (await api.get("/campaigns", params={"limit": 1, "offset": 2})).json()
    assert (page["total"], page["page"], page["has_next"], len(page["items"])) == (3, 3, False, 1)
    assert (await api.get("/campaigns", params={"colour": "red"})).status_code == 422


async def test_a_campaign_comes_with_all_that_belongs_to_it(api: httpx.AsyncClient) -> None:
    """Its owner without secrets, ads, creatives, and its version as ETag."""
    found = await one(api, "spring-sale")
    response = await api.get(f"/campaigns/{found['id']}")
    assert (response.status_code, response.headers["etag"]) == (200, '"1"')
    body = response.json()
    assert body["owner"] == {"email": "ada@example.org", "full_name": "Ada Berg"}
    assert {ad["code"]: len(ad["creatives"]) for ad in body["ads"]} == {"g-1001": 1, "g-1002": 2}
    missing = await api.get(f"/campaigns/{uuid4()}")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


async def test_planners_add_campaigns(api: httpx.AsyncClient) -> None:
    """They own what they add; a slug that is taken and settings of another platform are problems."""
    response = await api.post("/campaigns", json=TEASER, headers=BEN)
    assert response.status_code == 201, response.text
    body = response.json()
    assert (body["slug"], body["created_by"], body["status"]) == ("autumn-teaser", "ben@example.org", "draft")
    assert body["settings"] == {"hashtags": ["autumn"], "optimize_for": "views"}
    owner = (await api.get(f"/campaigns/{body['id']}")).json()["owner"]
    assert owner["email"] == "ben@example.org"

    again = await api.post("/campaigns", json=TEASER, headers=BEN)
    assert (again.status_code, again.json()["columns"]) == (409, ["slug"])
    wrong = await api.post("/campaigns", json={**TEASER, "name": "x", "platform": "google"}, headers=BEN)
    assert wrong.status_code == 422
    assert {"detail": "Field required", "pointer": "#/settings/google/network"} in wrong.json()["errors"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 422), ({"X-User": "nobody@example.org"}, 401), ({"X-User": "cem@example.org"}, 403)],
)
@pytest.mark.database("sqlite")  # who may do what is no matter of the database
async def test_nobody_else_changes_anything(api: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    """Nobody without a name, nobody unknown, no analyst."""
    found = await one(api, "spring-sale")
    assert (await api.post("/campaigns", json=TEASER, headers=headers)).status_code == status
    patch = await api.patch(f"/campaigns/{found['id']}", json={"tags": "x"}, headers={**headers, "If-Match": '"1"'})
    assert patch.status_code == status
    assert (await api.get("/campaigns")).json()["total"] == 3


async def test_a_change_names_the_version_it_is_based_on(api: httpx.AsyncClient) -> None:
    """Without one it is refused, with an old one too; the history says who changed what."""
    path = f"/campaigns/{(await one(api, 'spring-sale'))['id']}"
    change = {"budget_micros": 1_500_000_000, "ends_on": "2026-04-15"}
    assert (await api.patch(path, json=change, headers=BEN)).status_code == 428
    done = await api.patch(path, json=change, headers={**BEN, "If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"], done.json()["ends_on"]) == (200, '"2"', "2026-04-15")
    late = await api.patch(path, json={"name": "Late"}, headers={**BEN, "If-Match": '"1"'})
    assert (late.status_code, late.json()["expected"], late.json()["found"]) == (412, 1, 2)
    other = await api.patch(path, json={"budget_currency": "USD"}, headers={**BEN, "If-Match": '"2"'})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "#/budget_currency")
    refused = await api.patch(path, json={"ends_on": "2026-01-01"}, headers={**BEN, "If-Match": '"2"'})
    assert (refused.status_code, "ends_on is before starts_on" in refused.text) == (422, True)

    history = (await api.get(f"{path}/history")).json()
    assert [(entry["version"], entry["changed_by"]) for entry in history] == [
        (1, "ada@example.org"), (2, "ben@example.org"),
    ]  # fmt: skip
    assert {"budget_micros", "ends_on"} < set(history[1]["fields"])


async def test_what_was_loaded_can_be_asked_for(api: httpx.AsyncClient, campaigns_url: str) -> None:
    """Days by cursor, each with the execution that wrote it, and spend against budget."""
    with Store(campaigns_url) as store, DatabaseManager(campaigns_url, metadata=Marketing.metadata) as database:
        store.catalog.apply(JOBS)
        loader = Loader(store, database)
        for day in ("2026-03-01", "2026-03-02"):
            loader.load(day)
        executions = {item.key: str(item.id) for item in store.history.list(job="marketing/load-performance").items}

    path = f"/campaigns/{(await one(api, 'spring-sale'))['id']}/days"
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await api.get(path, params=query)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [row["day"] for row in found] == ["2026-03-02", "2026-03-02", "2026-03-01", "2026-03-01"]
    assert {(row["day"], row["execution_id"]) for row in found} == set(executions.items())
    assert len((await api.get(path, params={"day__gte": "2026-03-02"})).json()["items"]) == 2
    assert (await api.get(f"/campaigns/{uuid4()}/days")).status_code == 404

    spend = {row["name"]: row for row in (await api.get("/spend")).json()}
    assert spend["Spring Sale"]["spent"] == {"micros": 196_934_000, "currency": "EUR"}
    assert spend["Spring Sale"]["share"] == pytest.approx(0.196934)


async def test_health_says_whether_the_database_answers(api: httpx.AsyncClient) -> None:
    """Facts without the URL; 503 where there is no database."""
    response = await api.get("/health")
    assert response.status_code == 200
    assert response.json()["ok"] is True
    assert "url" not in response.json()
    gone = create_app("postgresql://nobody@127.0.0.1:1/none")
    async with (
        gone.router.lifespan_context(gone),
        httpx.AsyncClient(transport=httpx.ASGITransport(gone), base_url="http://test") as client,
    ):
        assert (await client.get("/health")).status_code == 503


def test_the_document_names_the_shapes() -> None:
    """What the API takes and gives has the names of ``shapes.py``, and problems are in it."""
    document = create_app("sqlite://").openapi()
    schemas = document["components"]["schemas"]
    assert {"CampaignCreate", "CampaignUpdate", "CampaignRead", "CampaignWhole", "Problem"} <= schemas.keys()
    assert set(schemas["CampaignCreate"]["required"]) == {
        "name", "platform", "settings", "starts_on", "budget_micros", "budget_currency",
    }  # fmt: skip
