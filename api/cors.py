"""CORS of the collector."""

import re

from starlette.datastructures import Headers

from api.origins import AllowedOrigins

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
"""A header name (RFC 9110)."""

_MAX_NAMES = 32
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
    # Any name: the routes are public, and tracing tools add headers of their own to every request.
    names = [name for name in map(str.strip, asked) if _TOKEN.fullmatch(name)][:_MAX_NAMES]
    return found | {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ", ".join(names),
        "Access-Control-Max-Age": str(_REMEMBERED_S),
    }
