"""CORS of the collector."""

from starlette.datastructures import Headers

from api.origins import AllowedOrigins

_HEADERS = frozenset(
    {"authorization", "content-type", "content-encoding", "x-retry-count", "anonymousid", "sentat",
     "x-write-key"}
)  # fmt: skip
_RUDDERSTACK = "rsa-"
_REMEMBERED_S = 86_400


def cors_headers(headers: Headers, allowed: AllowedOrigins) -> dict[str, str]:
    """Headers that let the page's origin read the answer; empty for other senders."""
    origin = headers.get("origin")
    if origin is None or not allowed.may_ask(origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def preflight_headers(headers: Headers, allowed: AllowedOrigins, methods: str) -> dict[str, str]:
    """The answer to a preflight request."""
    found = cors_headers(headers, allowed)
    if not found:
        return {"Vary": "Origin"}
    asked = headers.get("access-control-request-headers", "").lower().split(",")
    names = [name for name in map(str.strip, asked) if may_send(name)]
    return found | {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(names),
        "Access-Control-Max-Age": str(_REMEMBERED_S),
    }


def may_send(name: str) -> bool:
    """Whether a script may send the header (lower case)."""
    return name in _HEADERS or name.startswith(_RUDDERSTACK)
