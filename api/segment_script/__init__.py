"""Segment's open-source script at the path of its snippet.

The file is `dist/umd/standalone.js` of the npm package `@segment/analytics-next` 1.84.0 (MIT), as
it is published, but for the line that names its source map. As Segment's own server does, this one
puts the write key into it; the script then asks the host it came from for its settings.
"""

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.pages import read_text
from api.parts import Parts, parts_of
from api.tracker import script_response

router = APIRouter(include_in_schema=False)

FromParts = Annotated[Parts, Depends(parts_of)]

_PLACE = "__WRITE_KEY__"


@router.api_route("/analytics.js/v1/{write_key}/analytics.min.js", methods=["GET", "HEAD"])
@router.api_route("/analytics.js/v1/{write_key}/analytics.js", methods=["GET", "HEAD"])
async def segment_script(write_key: str, request: Request, parts: FromParts) -> Response:
    """The script with the write key in it. Refused: 401 for an unknown write key."""
    if write_key not in parts.settings.write_keys:
        raise Refused(401, "unknown_write_key", "the write key is unknown; see DAEHWA_WRITE_KEYS")
    return script_response(request, _with_key(write_key))


@lru_cache(maxsize=16)
def _with_key(write_key: str) -> bytes:
    return read_text("api.segment_script", "analytics.min.js").replace(_PLACE, write_key).encode()
