"""Pixel routes: events as image requests, for places without scripts."""

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from api.collector.collecting import accept
from api.errors import Refused
from api.parts import Parts
from infra.kafka.log_writer import KafkaUnavailable
from infra.metrics import EVENTS_REFUSED
from streams.tracking.body import BodyError, read_single

GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent pixel."""

MAX_QUERY_LENGTH = 32 * 1024
"""Bytes."""

_ONE_ALPHABET = str.maketrans("-_ ", "+/+")
_OBJECTS = ("properties", "traits", "context", "integrations")
_HEADERS = {"Cache-Control": "no-store, max-age=0", "X-Content-Type-Options": "nosniff"}


async def pixel(request: Request, parts: Parts, kind: str) -> Response:
    """One event in the query: `data` holds it as base64 of JSON, or each field is a parameter
    (`properties.plan=pro` for fields of its objects).

    Always 200 with an image: a mail client shows a broken image for anything else. An invalid event
    is a dead letter; an event that could not be kept is counted.
    """
    try:
        body = read_single(_document(request))
        await accept(request, parts, body, kind)
    except (BodyError, Refused) as problem:
        EVENTS_REFUSED.labels(problem.code).inc()
    except KafkaUnavailable:
        EVENTS_REFUSED.labels("unavailable").inc()
    return Response(GIF, media_type="image/gif", headers=_HEADERS)


def _document(request: Request) -> bytes:
    query = request.scope["query_string"]
    if len(query) > MAX_QUERY_LENGTH:
        raise BodyError(413, "too_large", f"a query has at most {MAX_QUERY_LENGTH} bytes")
    fields = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace"))
    data = fields.get("data")
    if data is None:
        try:
            return json.dumps(_nested(fields)).encode()
        except RecursionError:
            raise BodyError(400, "invalid_json", "its parameters are nested too deep") from None
    try:
        # Senders use both alphabets, without padding too, and a query turns + into a space.
        text = data.rstrip("=").translate(_ONE_ALPHABET)
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as problem:
        raise BodyError(400, "invalid_data", f"`data` is not base64: {problem}") from None


def _nested(fields: dict[str, str]) -> dict[str, Any]:
    """`{"properties.a.b": "1"}` as `{"properties": {"a": {"b": "1"}}}`; other dots stay."""
    document: dict[str, Any] = {}
    for name, value in fields.items():
        head, dot, rest = name.partition(".")
        if not dot or head not in _OBJECTS:
            document[name] = value
            continue
        place = document.setdefault(head, {})
        *path, last = rest.split(".")
        for part in path:
            if not isinstance(place, dict):
                break
            place = place.setdefault(part, {})
        if isinstance(place, dict):
            place[last] = value
    return document
