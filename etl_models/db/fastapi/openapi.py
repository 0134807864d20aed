"""What the OpenAPI document says of problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from etl_models.db.fastapi.problems import MEDIA_TYPE, Problem

_TEXTS = {
    400: "The request cannot be understood.",
    401: "Authentication is needed.",
    403: "Not allowed.",
    404: "There is no such thing.",
    409: "The request contradicts what is stored.",
    412: "The version named by If-Match is not the present one.",
    422: "The request is not valid.",
    428: "If-Match is needed.",
    500: "The request failed for a reason that is not in it.",
    503: "The database is not available; Retry-After says when to try again.",
}
_JSON = "application/json"


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return ``responses=`` of a route that answers problems of these statuses.

    The media type is right in the document of an application with :func:`add_problem_handlers`.
    """
    return {status: {"model": Problem, "description": _TEXTS.get(status, "The request failed.")} for status in statuses}


def describe_problems(app: FastAPI) -> None:
    """Let the OpenAPI document say that refused requests are answered by problems."""
    if getattr(app.openapi, "says_problems", False):
        return
    usual = app.openapi

    def openapi() -> dict[str, Any]:
        document = usual()
        _with_problems(document)
        return document

    openapi.says_problems = True  # type: ignore[attr-defined]
    app.openapi = openapi  # type: ignore[method-assign]


def _with_problems(document: dict[str, Any]) -> None:
    schemas = document.get("components", {}).get("schemas", {})
    used = False
    for response in _responses(document):
        content = response.get("content", {})
        name = content.get(_JSON, {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in {"HTTPValidationError", "Problem"}:
            used = True
            content[MEDIA_TYPE] = {"schema": {"$ref": "#/components/schemas/Problem"}}
            del content[_JSON]
            if name == "HTTPValidationError":
                response["description"] = _TEXTS[422]
    if used:
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas["Problem"] = schema


def _responses(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        response
        for part in ("paths", "webhooks")
        for path in document.get(part, {}).values()
        for operation in path.values()
        if isinstance(operation, dict)
        for response in operation.get("responses", {}).values()
    ]
