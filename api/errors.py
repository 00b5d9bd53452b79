"""Every error body is `{"code": ..., "message": ...}`: tracking SDKs read both keys."""

from collections.abc import Mapping

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from api.cors import cors_headers
from infra.kafka.log_writer import KafkaUnavailable
from infra.redis.profile_reader import UnreadableProfileError

RETRY_AFTER_S = 2
"""`Retry-After`, whole seconds, while Kafka is unavailable."""

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}

PROFILE_UNREADABLE = "profile_unreadable"
UNREADABLE_RESPONSE: dict[int | str, dict[str, object]] = {
    409: {"description": f"`{PROFILE_UNREADABLE}`: what is stored of the customer cannot be read"}
}
"""For the routes that read a customer's profile."""

_encode = msgspec.json.Encoder().encode


class Refused(Exception):  # noqa: N818 - says what happened
    """An error answer; raised anywhere below a route."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def error_body(code: str, message: str) -> bytes:
    """The JSON of an error."""
    return _encode({"code": code, "message": message})


def error_response(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that carries an error."""
    return Response(
        error_body(code, message), status, dict(headers or {}), media_type="application/json"
    )


def answer_errors(app: FastAPI) -> None:
    """Makes every error of the app a body with code and message."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(KafkaUnavailable, _kafka_away)
    app.add_exception_handler(UnreadableProfileError, _unreadable)
    app.add_exception_handler(Exception, _failed)


async def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused)  # noqa: S101 - registered for this class only
    return error_response(problem.status, problem.code, problem.message, problem.headers)


async def _http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - registered for this class only
    status = problem.status_code
    message = str(problem.detail)
    if status == 404 and message == "Not Found":
        message = f"there is nothing at {request.url.path}; see /docs"
        # A page may read what is wrong with the address it sends to.
        problem.headers = {**(problem.headers or {}), **_readable_for_pages(request)}
    elif status == 405:
        message = f"{request.method} is not possible at {request.url.path}; see /docs"
        possible = _methods(request)
        if possible:
            problem.headers = {**(problem.headers or {}), "Allow": ", ".join(possible)}
    return error_response(status, CODES.get(status, "error"), message, problem.headers)


def _readable_for_pages(request: Request) -> dict[str, str]:
    origins = getattr(getattr(request.app.state, "parts", None), "origins", None)
    return cors_headers(request.headers, origins) if origins is not None else {}


def _methods(request: Request) -> list[str]:
    """The allowed methods of the path: the framework names only those of the first route. A route
    with a literal path hides those with a parameter."""
    fitting = [
        route
        for route in request.app.state.api_routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    named = [route for route in fitting if route.path == request.url.path] or fitting
    longest = max((len(route.path) for route in named), default=0)
    nearest = [route for route in named if len(route.path) == longest]
    shown = [route for route in nearest if route.include_in_schema] or nearest
    return sorted(set().union(*(route.methods or set() for route in shown)))


async def _invalid(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)  # noqa: S101 - registered for this class
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return error_response(422, CODES[422], f"{where}: {first['msg']}")


async def _kafka_away(_: Request, problem: Exception) -> Response:
    return error_response(503, "unavailable", str(problem), {"Retry-After": str(RETRY_AFTER_S)})


async def _unreadable(_: Request, problem: Exception) -> Response:
    # Not 503: waiting does not help, an operator has to repair it.
    return error_response(409, PROFILE_UNREADABLE, str(problem))


async def _failed(_: Request, problem: Exception) -> Response:
    message = f"a fault of the server ({type(problem).__name__}); its log says more"
    return error_response(500, CODES[500], message)
