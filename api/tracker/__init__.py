"""The tracker at `/daehwa.js`: built from `source/` with esbuild."""

import gzip
from functools import lru_cache
from hashlib import sha256

from fastapi import APIRouter, Request, Response

from api.pages import read_text

router = APIRouter(include_in_schema=False)

_HEADERS = {
    # The URL has no version: an old tracker is cached for a day at most.
    "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    # Any site may load it, also with `integrity` and under Cross-Origin-Embedder-Policy.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@router.api_route("/daehwa.js", methods=["GET", "HEAD"])
async def tracker(request: Request) -> Response:
    """The tracker, gzipped where the browser takes that, 304 where it has it already."""
    return script_response(request, read_text("api.tracker", "daehwa.min.js").encode())


def script_response(request: Request, script: bytes) -> Response:
    """A script that any site may load, gzipped where the browser takes it, 304 where it has it."""
    plain, packed, tag = _built(script)
    headers = _HEADERS | {"ETag": tag}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    content = plain
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        content = packed
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="text/javascript", headers=headers)


@lru_cache(maxsize=32)
def _built(plain: bytes) -> tuple[bytes, bytes, str]:
    """(plain, gzipped, ETag). The tag is weak: it stands for both."""
    return plain, gzip.compress(plain, 9, mtime=0), f'W/"{sha256(plain).hexdigest()[:20]}"'


def _has(known: str, tag: str) -> bool:
    """Whether `If-None-Match` names the present tracker."""
    return any(one.strip() in ("*", tag, tag.removeprefix("W/")) for one in known.split(","))


def _takes_gzip(encodings: str) -> bool:
    """Whether `Accept-Encoding` names gzip without refusing it (`q=0`)."""
    for one in encodings.lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return quality.replace(" ", "").rstrip("0.") != "q="
    return False
