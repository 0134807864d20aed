"""Errors as RFC 9457 problem details (``application/problem+json``).

A problem holds the facts that errors of ours carry for clients: the model, the fields, the versions. It never holds
stored values, SQL, or names of hosts and tables; of an error that is not the client's it says only that there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from etl_models import errors
from etl_models.db import errors as db_errors

MEDIA_TYPE = "application/problem+json"
TYPES = "urn:etl-models:problem:"


class ProblemItem(BaseModel):
    """One thing wrong with a request."""

    model_config = ConfigDict(extra="allow")

    detail: str
    pointer: str | None = Field(default=None, description="JSON Pointer (RFC 6901, as URI fragment) into the body.")
    parameter: str | None = Field(default=None, description="Name of the parameter or header.")
    code: str | None = Field(default=None, description="The kind of error, for programs.")


class Problem(BaseModel):
    """RFC 9457 problem details; further members are facts about the error."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="URI that names the kind of problem.")
    title: str
    status: int
    detail: str | None = None
    instance: str | None = Field(default=None, description="Path of the request.")
    errors: list[ProblemItem] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status, the end of its type, its title; ``detail`` instead of the error's message."""

    status: int
    name: str
    title: str
    detail: str | None = None


UNAVAILABLE = Kind(503, "unavailable", "The database is not available", "It may be again in a moment; try again then.")
INTERNAL = Kind(500, "internal-error", "Internal server error", "The request failed for a reason that is not in it.")
STALE_TAG = Kind(412, "precondition-failed", "The version named by If-Match is not the present one")

# The first that fits.
KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (errors.NotFoundError, Kind(404, "not-found", "Not found")),
    (db_errors.StaleDataError, Kind(409, "stale-data", "The row has changed since it was read")),
    (errors.DuplicateError, Kind(409, "duplicate", "The value is already taken")),
    (errors.ConflictError, Kind(409, "conflict", "The request contradicts what is stored")),
    (db_errors.InvalidFilterError, Kind(422, "invalid-filter", "A filter, an order or a cursor cannot be used")),
    (errors.InvalidInputError, Kind(422, "invalid-data", "A value is refused")),
    (
        db_errors.TenantRequiredError,
        Kind(403, "tenant-required", "This tenant may not do that", "No such tenant here."),
    ),
    (errors.AccessDeniedError, Kind(403, "access-denied", "Not allowed")),
    (errors.DatabaseUnavailableError, UNAVAILABLE),
)
_FACTS = ("model", "field", "fields", "operator", "columns", "identity", "expected", "found")


def kind_of(error: Exception) -> Kind:
    """Return the kind of problem that an error of ours is for a client."""
    for known, kind in KINDS:
        # What says where the database is speaks of the account in its URL, not of the client's rights.
        if isinstance(error, known) and not (known is errors.AccessDeniedError and "place" in _details(error)):
            return kind
    return INTERNAL


def problem_of(error: Exception) -> dict[str, Any]:
    """Return the problem details of an error of ours, without ``instance``."""
    kind = kind_of(error)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return describe(kind)
    details = _details(error)
    facts = {name: value for name in _FACTS if (value := details.get(name)) not in (None, [], ())}
    return describe(kind, str(error), _items(error, details), facts)


def describe(
    kind: Kind, detail: str | None = None, items: Sequence[dict[str, Any]] = (), facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a problem of that kind."""
    problem = {"type": f"{TYPES}{kind.name}", "title": kind.title, "status": kind.status, **(facts or {})}
    if detail := kind.detail or detail:
        problem["detail"] = detail
    if items:
        problem["errors"] = list(items)
    return problem


def http_problem(status: int, detail: Any) -> dict[str, Any]:
    """Return the problem of an HTTPException: its detail where it is text, its members where it is a mapping."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    problem = {"type": "about:blank", "title": title, "status": status}
    if isinstance(detail, Mapping):
        return {**detail, **problem}
    if detail and detail != title:
        problem["detail" if isinstance(detail, str) else "info"] = detail
    return problem


def refused(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the problem of a request that FastAPI refused; without the values that were sent."""
    items = [_item(error) for error in found]
    kind = Kind(422, "invalid-request", "The request is not valid")
    return describe(kind, "; ".join(f"{_place(item)}: {item['detail']}" for item in items[:_MOST_NAMED]), items)


_MOST_NAMED = 5


def _item(error: Mapping[str, Any]) -> dict[str, Any]:
    location, code = tuple(error["loc"]), error["type"]
    place, *path = location or ("body",)
    item: dict[str, Any] = {"detail": error["msg"], "code": code}
    if place == "body":
        # Where the text is no JSON, FastAPI gives the position instead of a path.
        item["pointer"] = pointer(() if code == "json_invalid" else path)
    else:
        item["parameter"] = ".".join(str(part) for part in path)
        item["in"] = str(place)
    return item


def _place(item: Mapping[str, Any]) -> str:
    return str(item.get("parameter") or item.get("pointer"))


def pointer(path: Iterable[Any]) -> str:
    """Return a JSON Pointer as URI fragment: ``#/items/0/name``."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{quote(part, safe='~', errors='replace')}" for part in parts)


def _items(error: Exception, details: Mapping[str, Any]) -> list[dict[str, Any]]:
    if isinstance(error, db_errors.InvalidFilterError):
        name, operator = details.get("field"), details.get("operator")
        parameter = name if operator in (None, "eq") else f"{name}__{operator}"
        return [{"detail": str(error), "parameter": parameter, "in": "query"}] if name else []
    return [
        {"detail": problem["reason"], "pointer": pointer(str(problem["field"]).split(".") if problem["field"] else ())}
        for problem in details.get("problems", ())
        if "reason" in problem and "field" in problem
    ]


def _details(error: Exception) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(error, "details", {})
    return found
