"""Adds errors and authentication of every route to the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access import require_token, require_token_or_ticket

_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
}
_AS_JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_PAGE = {"text/html": {"schema": {"type": "string"}}}
_SUCCESS = {
    "/metrics": ("text/plain", "200"),
    "/v1/triggers/stream": ("text/event-stream", "200"),
    "/v1/playbook/dry-run": ("application/x-ndjson", "200"),
    "/mail/open/{token}": ("image/gif", "200"),
    "/mail/unsubscribe/{token}": ("text/html", "200"),
}
"""Path -> media type of its success, where that is not JSON."""


def document_common(schema: dict[str, Any], routes: list[BaseRoute]) -> None:
    """Adds the error body `{"code", "message"}` to every operation, and the authentication to those
    that require the API token."""
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = _ERROR
    components.setdefault("securitySchemes", {})["token"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "DAEHWA_API_TOKEN; or the query `token`.",
    }
    guarded = set(_guarded(routes))
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe(path, operation["responses"])
            for parameter in operation.get("parameters", ()):
                _allow_seconds(parameter["schema"])
            if (path, method.upper()) in guarded:
                operation["security"] = [{"token": []}]


def _describe(path: str, responses: dict[str, Any]) -> None:
    responses.pop("422", None)
    found = _PAGE | _AS_JSON if path.startswith("/mail/") else _AS_JSON
    for status, response in responses.items():
        if status >= "400":
            response.setdefault("content", found)
    responses["default"] = {"description": "Not possible: `code` and why.", "content": found}
    if path in _SUCCESS:
        media_type, status = _SUCCESS[path]
        responses[status]["content"] = {media_type: {"schema": {}}}


def _allow_seconds(schema: dict[str, Any]) -> None:
    """A time may be a number too: seconds or milliseconds since 1970."""
    kinds = schema.get("anyOf", ())
    if any(kind.get("format") == "date-time" for kind in kinds):
        schema["anyOf"] = [*kinds, {"type": "number"}]


def _guarded(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, APIRoute) and _asks_for_token(route.dependant):
            for method in route.methods or ():
                yield route.path_format, method


def _asks_for_token(dependant: Dependant) -> bool:
    return dependant.call in (require_token, require_token_or_ticket) or any(
        map(_asks_for_token, dependant.dependencies)
    )
