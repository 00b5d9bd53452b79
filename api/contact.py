"""Contacts on other channels: calls, e-mails, letters, stores, orders, deliveries, complaints."""

from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.access import require_token
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from schemas.event import Channel, Direction, WireEvent
from streams.codec import encode_event
from streams.identity import profile_key, usable_id
from streams.tracking.events import LARGEST_EVENT

MOST_CONTACTS = 1_000
"""Contacts of one batch."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one request."""
SOURCE = "contact"

router = APIRouter(tags=["contacts"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something said to or by a customer. A field with an unknown name is refused: a clerk's system
    that writes `outcom` should hear of it now."""

    code: Text
    """What it was: `complaint.opened`, `question.asked`, `order.placed`…; the playbook reads it."""
    channel: Annotated[Channel, msgspec.Meta(min_length=1)]
    """call, email, letter, store, order, delivery, chat…"""
    user_id: Text | None = None
    anonymous_id: Text | None = None
    customer_id: Text | None = None
    """The id that triggers and the 360° view call the customer by, of whichever kind it is."""
    direction: Direction = "inbound"
    operator: Text | None = None
    outcome: Text | None = None
    occurred_at: Moment | None = None
    """ISO 8601 with a zone; now where it is missing, and never later."""
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    """Makes sending again harmless."""
    properties: dict[str, Any] = {}
    """`about`, `category`, `subject`, `total`…: what the playbook's topics are made of."""


_decode_one = msgspec.json.Decoder(Contact).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


@router.post("/v1/contact", summary="One contact")
async def contact(request: Request, parts: FromParts) -> Response:
    """Takes one contact and answers 200 with its `message_id` once Kafka has it.

    400 with what is wrong, 413 over 32 KB; 503 with `Retry-After` while Kafka is away.
    """
    event = _event(await _body(request), now_ms())
    await parts.events.put([_keyed(event)])
    return _answer({"message_id": event.message_id})


@router.post("/v1/contact/batch", summary="Many contacts")
async def contacts(request: Request, parts: FromParts) -> Response:
    """Takes a JSON array of contacts. The good are kept whatever the others are: answers 200 with
    `{"accepted": N, "refused": [{"index", "code", "message"}, …]}` once Kafka has them.

    400 where the body is no array, 413 where it is too large, 503 while Kafka is away.
    """
    try:
        pieces = _decode_parts(await _body(request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Refused(400, "invalid_json", f"send a JSON array of contacts: {problem}") from None
    if len(pieces) > MOST_CONTACTS:
        raise Refused(413, "too_large", f"send at most {MOST_CONTACTS} contacts at once")
    now = now_ms()
    good: list[tuple[str, bytes]] = []
    refused: list[dict[str, object]] = []
    for index, piece in enumerate(pieces):
        try:
            good.append(_keyed(_event(bytes(piece), now)))
        except Refused as problem:
            refused.append({"index": index, "code": problem.code, "message": problem.message})
    await parts.events.put(good)
    return _answer({"accepted": len(good), "refused": refused})


def _event(body: bytes, now: int) -> WireEvent:
    """The contact as an event received at `now`. Refused: 400, 413."""
    try:
        found = _decode_one(body)
    except msgspec.ValidationError as problem:
        raise Refused(400, "invalid_contact", str(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Refused(400, "invalid_json", str(problem)) from None
    if len(body) > LARGEST_EVENT:  # Kafka takes no record of megabytes
        raise Refused(413, "too_large", f"a contact has at most {LARGEST_EVENT} bytes")
    try:
        at = int(found.occurred_at.timestamp() * 1000) if found.occurred_at is not None else now
    except OverflowError:
        at = 0
    if at < 1:
        raise Refused(400, "invalid_contact", "occurred_at is before 1970")
    event = WireEvent(
        message_id=found.message_id or str(uuid4()),
        type="contact",
        occurred_at=min(at, now),
        received_at=now,
        user_id=usable_id(found.user_id),
        anonymous_id=usable_id(found.anonymous_id),
        key=usable_id(found.customer_id),
        channel=found.channel,
        name=found.code,
        direction=found.direction,
        operator=found.operator,
        outcome=found.outcome,
        properties=msgspec.Raw(_encode(found.properties)),
        source=SOURCE,
    )
    if profile_key(event) is None:
        raise Refused(
            400, "no_identity", "say who it was: a usable user_id, anonymous_id or customer_id"
        )
    return event


def _keyed(event: WireEvent) -> tuple[str, bytes]:
    key = profile_key(event)
    assert key is not None  # noqa: S101 - _event refuses a contact without
    return key, encode_event(event)


async def _body(request: Request) -> bytes:
    pieces = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BYTES:
            raise Refused(413, "too_large", f"send at most {MOST_BYTES >> 20} MB at once")
        pieces.append(piece)
    return b"".join(pieces)


def _answer(value: dict[str, object]) -> Response:
    return Response(_encode(value), media_type="application/json")
