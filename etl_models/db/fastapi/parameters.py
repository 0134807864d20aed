"""Query parameters that no part of a route knows are refused: a misspelt filter would silently choose every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from etl_models.domain.text import printable, short

_ALSO = "etl_models_query_parameters"


async def refuse_unknown(request: Request) -> None:
    """Refuse query parameters that neither the route nor one of its dependencies declares.

    Raises RequestValidationError.
    """
    known = set(_declared(request))
    if unknown := [name for name in request.query_params if name not in known]:
        raise RequestValidationError(_problems(unknown, known))


def also_known(dependency: Callable[..., Any], names: Iterable[str]) -> None:
    """Let routes with this dependency take query parameters that they read by hand."""
    setattr(dependency, _ALSO, frozenset(names))


def _problems(unknown: list[str], known: Iterable[str]) -> list[dict[str, Any]]:
    listed = ", ".join(sorted(known)) or "none"
    return [
        {
            "type": "extra_forbidden",
            "loc": ("query", printable(short(name))),
            "msg": f"There is no such query parameter; there are: {listed}",
        }
        for name in unknown
    ]


def _declared(request: Request) -> Iterator[str]:
    # What include_router() adds is only in the context of the present inclusion, where FastAPI has such a thing.
    context = request.scope.get("fastapi", {}).get("effective_route_context")
    for holder in (request.scope.get("route"), context):
        if (dependant := getattr(holder, "dependant", None)) is not None:
            yield from _names(dependant)


def _names(dependant: Any) -> Iterator[str]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (item.alias or name for name, item in kind.model_fields.items())
        else:
            yield field.alias
    scheme = getattr(dependant.call, "model", None)
    if isinstance(dependant.call, SecurityBase) and isinstance(name := getattr(scheme, "name", None), str):
        yield name
    yield from getattr(dependant.call, _ALSO, ())
    for inner in dependant.dependencies:
        yield from _names(inner)
