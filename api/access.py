"""Who may read: everything but the collector asks for the API token."""

from hmac import compare_digest

from fastapi import Depends, Request

from api.errors import Refused
from api.parts import Parts, parts_of


def require_token(request: Request, parts: Parts = Depends(parts_of)) -> None:  # noqa: B008
    """Refuses the request unless it carries the API token: `Authorization: Bearer TOKEN`, or the
    query `token=TOKEN` because a browser's EventSource cannot send headers.

    Refused: 403 while no token is set (nothing can be read), 401 for a missing or wrong one.
    """
    token = parts.settings.api_token.get_secret_value()
    if not token:
        raise Refused(403, "reading_disabled", "no API token is set; set DAEHWA_API_TOKEN to read")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = request.query_params.get("token", "")
    if not compare_digest(given.strip().encode(), token.encode()):
        raise Refused(
            401,
            "unauthorized",
            "send the API token: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )
