"""Targets of links in mails: open pixel, click, unsubscribe. They need no token; only signed links
have an effect."""

from base64 import b64decode
from contextlib import suppress
from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.parts import Parts, parts_of
from infra.clock import now_ms
from infra.delivery.outcomes import reaction_event, unsubscribed_event
from infra.delivery.tracking import Link, LinkKind, LinkSigner
from infra.kafka.log_writer import KafkaUnavailable
from schemas.event import WireEvent
from streams.codec.codec import encode_event

_GIF = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}

router = APIRouter(prefix="/mail", tags=["mail"])

FromParts = Annotated[Parts, Depends(parts_of)]


@router.get("/open/{token}", summary="The pixel of a mail that was opened")
async def opened(token: str, parts: FromParts) -> Response:
    """Always an image; an opened mail is one event on the log."""
    link = _link(parts, "open", token)
    if link is not None:
        # A reader of a mail never sees an error of our tracking.
        with suppress(KafkaUnavailable):
            await _put(parts, link, reaction_event(link, now_ms()))
    return Response(_GIF, media_type="image/gif", headers=_HEADERS)


@router.get("/click/{token}", summary="A link of a mail", status_code=302)
async def clicked(token: str, parts: FromParts) -> Response:
    """302 to the target of the link; 404 for an unsigned one."""
    link = _link(parts, "click", token)
    if link is None:
        return _page("This link does not work", "It is not complete, or too old.", 404)
    with suppress(KafkaUnavailable):
        await _put(parts, link, reaction_event(link, now_ms()))
    return Response(status_code=302, headers={**_HEADERS, "Location": _ascii(link.url)})


@router.get("/unsubscribe/{token}", summary="The page that asks whether to unsubscribe")
async def unsubscribing(token: str, parts: FromParts) -> Response:
    """Changes nothing: link scanners of mail programs request it, too."""
    link = _link(parts, "unsubscribe", token)
    if link is None:
        return _page("This link does not work", "It is not complete, or too old.", 404)
    button = '<form method="post"><button>Unsubscribe</button></form>'
    return _page(
        "No more messages?", f"We will stop writing to you by {link.channel}.", 200, button
    )


@router.post("/unsubscribe/{token}", summary="One-click unsubscription (RFC 8058)")
async def unsubscribe(token: str, parts: FromParts) -> Response:
    """200 once the withdrawal of consent for the mail's channel is on the log; 503 while Kafka is
    unavailable, 404 for an unsigned link."""
    link = _link(parts, "unsubscribe", token)
    if link is None:
        return _page("This link does not work", "It is not complete, or too old.", 404)
    await _put(parts, link, unsubscribed_event(link, now_ms()))
    return _page("Done", f"You will get no more messages from us by {link.channel}.", 200)


def _link(parts: Parts, kind: LinkKind, token: str) -> Link | None:
    secrets = parts.settings.link_secrets
    return LinkSigner("", secrets).read(kind, token) if secrets else None


async def _put(parts: Parts, link: Link, event: WireEvent) -> None:
    await parts.events.put([(link.customer_id, encode_event(event))])


def _ascii(url: str) -> str:
    """The URL for a header: non-ASCII escaped, no line ends."""
    return "".join(
        char
        if 32 < ord(char) < 127
        else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
        for char in url
    )


def _page(title: str, text: str, status: int, form: str = "") -> Response:
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}</p>{form}"
    )
    return Response(body, status, _HEADERS, media_type="text/html")
