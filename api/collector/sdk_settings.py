"""Settings that browser SDKs fetch before they send."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.collector.write_keys import source_of
from api.errors import Refused
from api.parts import Parts

_DESTINATIONS = {
    "Segment.io": "/v1",
    "Customer.io Data Pipelines": "/v1",
    "Hightouch.io": "",
}
"""Destination by which each vendor's build of the SDK sends -> what its host ends with. One that is
not named here would send to its own vendor."""


async def segment_settings(request: Request, parts: Parts) -> Response:
    """Segment's: where the SDK sends to. Refused: 401 for an unknown write key."""
    key = request.url.path.split("/")[-2]
    if key not in parts.settings.write_keys:
        raise Refused(401, "unknown_write_key", "the write key is unknown; see DAEHWA_WRITE_KEYS")
    host = request.url.netloc
    integrations = {
        name: {
            "apiKey": key,
            "apiHost": host + path,
            "protocol": request.url.scheme,
            "bundlingStatus": "unbundled",  # nothing to load into the page for it
        }
        for name, path in _DESTINATIONS.items()
    }
    return _json({"integrations": integrations, "metrics": {"sampleRate": 0}})


async def rudderstack_settings(request: Request, parts: Parts) -> Response:
    """RudderStack's: the source, without destinations to load into the page.

    Refused: 401 for an unknown write key."""
    source = source_of(request, None, parts.settings.write_keys)
    off = {"enabled": False}
    return _json(
        {
            "source": {
                "id": source,
                "name": source,
                "enabled": True,
                "config": {"statsCollection": {"errors": off, "metrics": off}},
                "destinations": [],
            }
        }
    )


def _json(document: object) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
