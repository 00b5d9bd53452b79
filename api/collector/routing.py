"""The collector's routes: one look-up, no dependency injection, errors that SDKs understand."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from api.collector.collecting import accepted, collect
from api.collector.pixels import pixel
from api.collector.sdk_settings import rudderstack_settings, segment_settings
from api.cors import cors_headers, preflight_headers
from api.errors import RETRY_AFTER_S, Refused, error_response
from api.parts import Parts, parts_of
from infra.kafka.log_writer import KafkaUnavailable
from infra.metrics import EVENTS_REFUSED

Handler = Callable[[Request, Parts], Awaitable[Response]]

KINDS = ("track", "identify", "page", "screen", "group", "alias")
_PROJECTS = "/v1/projects/"
_SETTINGS = "/settings"
_SLASHES = re.compile("/{2,}")


async def _dropped(_request: Request, _parts: Parts) -> Response:
    """Metrics that SDKs send about themselves."""
    return accepted()


def _posts() -> dict[str, Handler]:
    batch: Handler = partial(collect, kind=None)
    routes: dict[str, Handler] = {
        "/v1/batch": batch,
        "/v1/b": batch,
        "/v1/import": batch,
        "/beacon/v1/batch": batch,
        "/v1/m": _dropped,
        "/rsaMetrics": _dropped,
    }
    for kind in KINDS:
        routes[f"/v1/{kind}"] = routes[f"/v1/{kind[0]}"] = partial(collect, kind=kind)
    return routes


POSTS = _posts()


def _gets() -> dict[str, Handler]:
    routes: dict[str, Handler] = {
        "/sourceConfig": rudderstack_settings,
    }
    for kind in KINDS:
        for path in (f"/v1/pixel/{kind}", f"/pixel/v1/{kind}"):
            routes[path] = partial(pixel, kind=kind)
    return routes


GETS = _gets()


class CollectorRoutes(BaseRoute):
    """All paths of the tracking protocol as one route of the app."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is one of the collector's, whatever the method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = _plain(scope["path"])
        if path in POSTS or path in GETS or _is_project(path):
            return Match.FULL, {"path": path}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """The collector's routes have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        parts = parts_of(request)
        response = await _answer(request, parts)
        response.headers.update(cors_headers(request.headers, parts.origins))
        await response(scope, receive, send)


async def _answer(request: Request, parts: Parts) -> Response:
    method = request.method
    path = request.scope["path"]
    post = POSTS.get(path)
    if method == "OPTIONS":
        methods = "GET, OPTIONS" if post is None else "POST, OPTIONS"
        return Response(
            status_code=204, headers=preflight_headers(request.headers, parts.origins, methods)
        )
    try:
        if post is not None and method == "POST":
            return await post(request, parts)
        if post is None and method in ("GET", "HEAD"):
            return await GETS.get(path, segment_settings)(request, parts)
        raise Refused(
            405,
            "method_not_allowed",
            f"{method} is not possible at {path}; see /docs",
            {"Allow": "GET, OPTIONS" if post is None else "POST, OPTIONS"},
        )
    except Refused as problem:
        refused = problem
    except KafkaUnavailable as problem:
        # Never a 4xx: SDKs drop events at 4xx and keep them at 503.
        refused = Refused(503, "unavailable", str(problem), {"Retry-After": str(RETRY_AFTER_S)})
    EVENTS_REFUSED.labels(refused.code).inc()
    return error_response(refused.status, refused.code, refused.message, refused.headers)


def _plain(path: str) -> str:
    """The path without doubled slashes and without one at its end: Segment's Java SDK posts to
    `/v1/import/`."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return path.rstrip("/") if path.endswith("/") else path


def _is_project(path: str) -> bool:
    return (
        path.startswith(_PROJECTS)
        and path.endswith(_SETTINGS)
        and "/" not in path[len(_PROJECTS) : -len(_SETTINGS)]
        and len(path) > len(_PROJECTS) + len(_SETTINGS)
    )
