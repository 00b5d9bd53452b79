"""The collector's routes in the OpenAPI document; they are no FastAPI routes, for speed."""

from typing import Any

from api.collector.routing import KINDS

_ERRORS = {
    "400": "No JSON, or a single event that is none (kept as a dead letter): "
    '`{"code", "message"}`. Sending it again is of no use.',
    "401": "Unknown write key.",
    "403": "A page from a web site that may not send for this source.",
    "413": "More than 4 MB, 2,500 events, 512 KB in one, 32 KB of the batch's own context, or "
    "16 MB once that is written into every event.",
    "415": "Another `Content-Encoding` than gzip, deflate, br or zstd.",
    "429": "The source sends more than its rate; send the same again after `Retry-After` seconds.",
    "503": "Kafka has not acknowledged; send the same again after `Retry-After` seconds.",
}
_SECURITY: list[dict[str, list[str]]] = [{"writeKey": []}, {}]
_ID = {"description": "a text or a number; a list or an object is absent"}
_TIME = {
    "type": ["string", "number", "null"],
    "description": "ISO 8601, or seconds to nanoseconds since 1970 by its magnitude",
}
_OBJECT = {
    "anyOf": [{"type": ["object", "null"]}, {"enum": [[], "", False]}],
    "description": "an object; PHP writes an empty one as `[]`",
}
_EVENT: dict[str, Any] = {
    "messageId": {"description": "at most 100 characters; of a longer one a hash is used"},
    "userId": _ID,
    "anonymousId": _ID,
    "previousId": {"description": "alias"},
    "groupId": {"description": "group"},
    "event": {"description": "track: what happened"},
    "name": {"description": "page and screen"},
    "context": _OBJECT,
    "timestamp": _TIME,
    "sentAt": _TIME,
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": 2500,
            "items": {"description": "an event with its `type`; what is none is a dead letter"},
        },
        "sentAt": _TIME,
        "context": {"description": "an object, for every event that has none of its own"},
        "writeKey": {"type": ["string", "null"]},
    },
}


def _event(kind: str) -> dict[str, Any]:
    facts = "traits" if kind in ("identify", "group") else "properties"
    return {
        "type": "object",
        "description": "As Segment and RudderStack SDKs send it, at most 32 KB.",
        "properties": {**_EVENT, facts: _OBJECT},
    }


def document_collector(schema: dict[str, Any]) -> None:
    """Adds the collector's routes to an OpenAPI document."""
    paths: dict[str, Any] = schema.setdefault("paths", {})
    for path in ("/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch"):
        paths[path] = {"post": _post("A batch of events", _BATCH, path)}
    for kind in KINDS:
        for path in (f"/v1/{kind}", f"/v1/{kind[0]}"):
            paths[path] = {"post": _post(f"One {kind} event", _event(kind), path)}
    for path in ("/v1/m", "/rsaMetrics"):
        paths[path] = {
            "post": _operation("An SDK's telemetry: accepted and dropped", path, {"200": "Always."})
        }
    for kind in KINDS:
        for path in (f"/v1/pixel/{kind}", f"/pixel/v1/{kind}"):
            paths[path] = {"get": _pixel(kind, path)}
    paths["/v1/projects/{writeKey}/settings"] = {
        "get": _operation(
            "Settings of Segment's browser SDK", "segment-settings", {"200": "", "401": ""}
        )
        | {
            "parameters": [
                {"name": "writeKey", "in": "path", "required": True, "schema": {"type": "string"}}
            ]
        }
    }
    paths["/sourceConfig/"] = {
        "get": _operation(
            "Settings of RudderStack's SDKs", "rudderstack-settings", {"200": "", "401": ""}
        )
    }
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["writeKey"] = {
        "type": "http",
        "scheme": "basic",
        "description": "The write key as user, no password; or in the header `x-write-key`, "
        "the query `writeKey` or the body's `writeKey`.",
    }


def _post(summary: str, body: dict[str, Any], path: str) -> dict[str, Any]:
    found = _operation(
        summary, path, {"200": '`{"success": true}`: Kafka has acknowledged it.', **_ERRORS}
    )
    content = {"application/json": {"schema": body}}
    return found | {
        "requestBody": {
            "required": True,
            "description": "JSON whatever the content type says, packed or not.",
            "content": content,
        }
    }


def _pixel(kind: str, path: str) -> dict[str, Any]:
    found = _operation(f"One {kind} event as a picture", path, {"200": "Always: a GIF."})
    data = {"name": "data", "in": "query", "description": "The event's JSON as base64."}
    return found | {"parameters": [{**data, "schema": {"type": "string"}}]}


def _operation(summary: str, name: str, answers: dict[str, str]) -> dict[str, Any]:
    return {
        "tags": ["collector"],
        "summary": summary,
        "operationId": "collector_" + name.strip("/").replace("/", "_").replace("-", "_"),
        "security": _SECURITY,
        "responses": {
            status: {"description": text or ("The settings." if status == "200" else "Refused.")}
            for status, text in answers.items()
        },
    }
