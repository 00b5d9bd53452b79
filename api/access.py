"""Access control: every route but the collector's requires the API token."""

from hmac import compare_digest

from fastapi import Depends, Request

from api.errors import Refused
from api.parts import Parts, parts_of
from api.tickets import is_ticket


def require_token(request: Request, parts: Parts = Depends(parts_of)) -> None:  # noqa: B008
    """Refuses the request unless it carries the API token: `Authorization: Bearer TOKEN`.

    A token in a URL is refused: URLs end in logs, histories and referrers. Refused: 403 while no
    token is set (nothing can be read), 401 for a missing or wrong one.
    """
    if not _has_token(request, _token(parts)):
        raise _unauthorized()


def require_token_or_ticket(request: Request, parts: Parts = Depends(parts_of)) -> None:  # noqa: B008
    """As `require_token`; a valid `ticket=TICKET` of the query is taken, too (event streams)."""
    token = _token(parts)
    ticket = request.query_params.get("ticket", "")
    if not (ticket and is_ticket(ticket, token)) and not _has_token(request, token):
        raise _unauthorized()


def _token(parts: Parts) -> str:
    token = parts.settings.api_token.get_secret_value()
    if not token:
        raise Refused(403, "reading_disabled", "no API token is set; set DAEHWA_API_TOKEN to read")
    return token


def _has_token(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())


def _unauthorized() -> Refused:
    return Refused(
        401,
        "unauthorized",
        "send the API token: Authorization: Bearer TOKEN",
        {"WWW-Authenticate": "Bearer"},
    )
