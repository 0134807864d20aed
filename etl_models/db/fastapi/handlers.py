"""Exception handlers: whatever a route raises is answered as a problem."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from etl_models.db.errors import StaleDataError
from etl_models.db.fastapi.openapi import describe_problems
from etl_models.db.fastapi.problems import INTERNAL, MEDIA_TYPE, STALE_TAG, describe, http_problem, problem_of, refused
from etl_models.errors import EtlModelsError

RETRY_AFTER = 5
"""Seconds after which a client may ask again when the database was not there."""
CLIENT_GONE = 499
logger = logging.getLogger("etl_models.db.fastapi")


def add_problem_handlers(app: FastAPI) -> None:
    """Answer errors of ours, refused requests, HTTPException and unexpected errors as problem details.

    =========================================== ======
    NotFoundError                               404
    ConflictError, DuplicateError               409
    StaleDataError                              409, with If-Match 412
    InvalidFilterError, InvalidDataError, ...   422
    TenantRequiredError, AccessDeniedError      403
    DatabaseUnavailableError                    503 with Retry-After
    everything else                             500, logged
    =========================================== ======

    Handlers that were registered before stay. The OpenAPI document says the same of requests that are refused.
    """
    defaults = {HTTPException: http_exception_handler, RequestValidationError: request_validation_exception_handler}
    handlers: Mapping[Any, Callable[..., Any]] = {
        EtlModelsError: _answer_ours,
        RequestValidationError: _answer_refused,
        HTTPException: _answer_http,
        ClientDisconnect: _answer_gone,
        Exception: _answer_unexpected,
    }
    for error, handler in handlers.items():
        if app.exception_handlers.get(error) in (None, defaults.get(error)):
            app.add_exception_handler(error, handler)
    describe_problems(app)


async def _answer_ours(request: Any, error: Exception) -> Response:
    _only_http(request, error)
    if isinstance(error, StaleDataError) and "if-match" in request.headers:
        return _response(request, {**problem_of(error), **describe(STALE_TAG, str(error))})
    problem = problem_of(error)
    if problem["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s %s failed", request.method, request.scope.get("path"), exc_info=error)
    retry = {"Retry-After": str(RETRY_AFTER)} if problem["status"] == HTTPStatus.SERVICE_UNAVAILABLE else None
    return _response(request, problem, retry)


async def _answer_refused(request: Any, error: Exception) -> Response:
    _only_http(request, error)
    assert isinstance(error, RequestValidationError)
    return _response(request, refused(error.errors()))


async def _answer_http(request: Any, error: Exception) -> Response:
    _only_http(request, error)
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status < HTTPStatus.OK or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):  # have no body
        return Response(status_code=status, headers=error.headers)
    return _response(request, http_problem(status, jsonable_encoder(error.detail)), error.headers)


async def _answer_gone(request: Any, error: Exception) -> Response:
    _only_http(request, error)
    return Response(status_code=CLIENT_GONE)  # for the access log


async def _answer_unexpected(request: Any, error: Exception) -> Response:
    _only_http(request, error)
    return _response(request, describe(INTERNAL))  # the server logs the error


def _only_http(request: Any, error: Exception) -> None:
    if not isinstance(request, Request):  # nobody would answer a websocket: let the server close it
        raise error


def _response(request: Request, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    path = quote(request.scope.get("path", ""), safe="/:@!$&'()*+,;=~", errors="replace")
    # ASCII, because half a surrogate pair in a refused name could not be sent otherwise.
    body = json.dumps({**problem, "instance": path}, ensure_ascii=True)
    return Response(body, problem["status"], headers, media_type=MEDIA_TYPE)
