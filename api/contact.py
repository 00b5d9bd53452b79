"""Contacts on other channels: calls, e-mails, letters, stores, orders, deliveries, complaints."""

from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.access import require_token
from api.bodies import read_body
from api.caller import profile_named
from api.errors import Refused
from api.parts import Parts, parts_of
from api.screen_pop import pop_if_ringing
from infra.clock import now_ms
from schemas.contact import Contact
from schemas.event import WireEvent
from streams.codec.codec import UNREADABLE, encode_event
from streams.identity.profile_key import profile_key
from streams.mapping.contact_events import ContactRefused, contact_event
from streams.mapping.contact_mending import mended_contact
from streams.mapping.payloads import read_json
from streams.tracking.events import LARGEST_EVENT
from streams.values.json_mending import mended_json

MAX_CONTACTS = 1_000
"""Contacts of one batch."""
MAX_BYTES = 4 * 1024 * 1024
"""Bytes of one request."""
SOURCE = "contact"

router = APIRouter(tags=["contacts"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]

_decode_one = msgspec.json.Decoder(Contact).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


@router.post("/v1/contact", summary="One contact")
async def contact(request: Request, parts: FromParts) -> Response:
    """Accepts one contact and answers 200 with its `message_id` once Kafka has it. 400 with the
    mistake, 413 over 32 KB; 503 with `Retry-After` while Kafka is unavailable, or Redis where a
    contact names its customer by telephone number or e-mail address.
    """
    event = await event_of(_read(await read_body(request, MAX_BYTES)), now_ms(), SOURCE, parts)
    await parts.events.put([keyed(event)])
    return _answer({"message_id": event.message_id})


@router.post("/v1/contact/batch", summary="Many contacts")
async def contacts(request: Request, parts: FromParts) -> Response:
    """Accepts a JSON array of contacts. Valid ones are kept whatever the others are: answers 200
    with `{"accepted": N, "refused": [{"index", "code", "message"}, …]}` once Kafka has them.

    400 where the body is no array, 413 where it is too large, 503 while Kafka is unavailable.
    """
    try:
        pieces = _pieces(await read_body(request, MAX_BYTES))
    except UNREADABLE as problem:
        raise Refused(400, "invalid_json", f"send a JSON array of contacts: {problem}") from None
    if len(pieces) > MAX_CONTACTS:
        raise Refused(413, "too_large", f"send at most {MAX_CONTACTS} contacts at once")
    now = now_ms()
    good: list[tuple[str, bytes]] = []
    refused: list[dict[str, object]] = []
    for index, piece in enumerate(pieces):
        try:
            good.append(keyed(await event_of(_read(bytes(piece)), now, SOURCE, parts)))
        except Refused as problem:
            if problem.status == 503:
                raise
            refused.append({"index": index, "code": problem.code, "message": problem.message})
    await parts.events.put(good)
    return _answer({"accepted": len(good), "refused": refused})


def _read(body: bytes) -> Contact:
    """The contact in the JSON. Refused: 400, 413."""
    found = _decoded(body)
    if len(body) > LARGEST_EVENT:  # the limit of a Kafka record
        raise Refused(413, "too_large", f"a contact has at most {LARGEST_EVENT} bytes")
    return found


def _decoded(body: bytes) -> Contact:
    try:
        return _decode_one(body)
    except UNREADABLE:  # most need no mending
        pass
    try:
        fields = read_json(body)
        if not isinstance(fields, dict):
            raise Refused(400, "invalid_contact", "a contact is a JSON object")
        return msgspec.convert(mended_contact(fields), Contact)
    except msgspec.ValidationError as problem:
        raise Refused(400, "invalid_contact", str(problem)) from None
    except (*UNREADABLE, ValueError) as problem:
        raise Refused(400, "invalid_json", str(problem)) from None


def _pieces(body: bytes) -> list[msgspec.Raw]:
    """The items of a JSON array. Raises `UNREADABLE`."""
    try:
        body.decode()
        return _decode_parts(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        try:
            return _decode_parts(mended_json(body))
        except ValueError:
            raise problem from None


async def event_of(
    contact: Contact, now: int, source: str, parts: Parts, *, rings: bool = True
) -> WireEvent:
    """The contact as an event received at `now`; where it is a telephone that `rings`, its trigger
    is on the log when this returns. Refused: 400; 503 while Redis is unavailable and the contact
    rings or names its customer by phone or email. KafkaUnavailable."""
    named = await profile_named(contact, parts)
    try:
        event = contact_event(contact, contact.message_id or str(uuid4()), now, source, named)
    except ContactRefused as problem:
        raise Refused(400, problem.code, problem.message) from None
    if rings:
        await pop_if_ringing(contact, event, parts)
    return parts.scrub(event)


def keyed(event: WireEvent) -> tuple[str, bytes]:
    """(profile key, JSON) of an event with an id, ready for the log."""
    key = profile_key(event)
    assert key is not None  # noqa: S101 - nothing that makes events here makes one without
    return key, encode_event(event)


def _answer(value: dict[str, object]) -> Response:
    return Response(_encode(value), media_type="application/json")
