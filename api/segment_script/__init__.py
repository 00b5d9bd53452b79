"""Segment's open-source script at the path of its snippet.

The files are `dist/umd/standalone.js` and its bundles of the npm package `@segment/analytics-next`
1.84.0 (MIT), as they are published, but for the line that names a source map. As Segment's own
server does, this one puts the write key into it. A line before it says that settings come from the
host of the script: by itself it knows that of HTTPS only, and would ask Segment otherwise.
"""

from functools import lru_cache
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.pages import read_text
from api.parts import Parts, parts_of
from api.tracker import script_response

router = APIRouter(include_in_schema=False)

FromParts = Annotated[Parts, Depends(parts_of)]

_PLACE = "__WRITE_KEY__"
_FROM_HERE = (
    "(function(s){var a=window.analytics=window.analytics||[];"
    "if(s&&s.src&&!a._cdn)a._cdn=new URL(s.src).origin})(document.currentScript);\n"
)


@router.api_route("/analytics.js/v1/{write_key}/analytics.min.js", methods=["GET", "HEAD"])
@router.api_route("/analytics.js/v1/{write_key}/analytics.js", methods=["GET", "HEAD"])
async def segment_script(write_key: str, request: Request, parts: FromParts) -> Response:
    """The script with the write key in it. Refused: 401 for an unknown write key."""
    if write_key not in parts.settings.write_keys:
        raise Refused(401, "unknown_write_key", "the write key is unknown; see DAEHWA_WRITE_KEYS")
    return script_response(request, _with_key(write_key))


@router.api_route("/analytics-next/bundles/{name}", methods=["GET", "HEAD"])
async def segment_bundle(name: str, request: Request) -> Response:
    """A part of the script that it loads when it needs it. Refused: 404."""
    if name not in _bundles():
        raise Refused(404, "not_found", f"there is no part {name!r} of the script")
    return script_response(request, read_text("api.segment_script", name).encode())


@lru_cache(maxsize=1)
def _bundles() -> frozenset[str]:
    files = resources.files("api.segment_script").iterdir()
    return frozenset(one.name for one in files if ".bundle." in one.name)


@lru_cache(maxsize=16)
def _with_key(write_key: str) -> bytes:
    script = read_text("api.segment_script", "analytics.min.js").replace(_PLACE, write_key)
    return (_FROM_HERE + script).encode()
