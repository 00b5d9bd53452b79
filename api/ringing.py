"""Webhook of telephone systems (CTI) for a ringing call."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.access import require_token
from api.bodies import read_body
from api.contact import MAX_BYTES, SOURCE, event_of, keyed
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from schemas.contact import Contact, Moment, Text
from streams.codec.codec import UNREADABLE
from streams.views.screen_pop import CODE

router = APIRouter(tags=["calls"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]
CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class RingingCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inbound call that nobody has answered yet."""

    call_id: CallId
    """Call id of the telephone system; a repeated one is a duplicate."""
    number: str | None = None
    """Caller's number, with + or as dialled in DAEHWA_REGION; absent where withheld."""
    operator: Text | None = None
    extension: Text | None = None
    line: Text | None = None
    """The number that was called."""
    occurred_at: Moment | None = None


_decode = msgspec.json.Decoder(RingingCall).decode


@router.post(
    "/v1/calls/ringing",
    summary="A telephone rings",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": msgspec.json.schema_components(
                        [RingingCall], ref_template="#/components/schemas/{name}"
                    )[1]["RingingCall"]
                }
            },
        }
    },
    responses={400: {"description": "`invalid_call`: what is wrong with the body"}},
)
async def ringing(request: Request, parts: FromParts) -> Response:
    """Fires `screen.pop` with the caller's record, keeps the call as a contact event, and answers
    200 with `{"message_id"}` once Kafka has both. 400 with the mistake; 503 with `Retry-After`
    while Kafka or Redis is unavailable: send it again.
    """
    call = _read(await read_body(request, MAX_BYTES))
    said: dict[str, Any] = {"call_id": call.call_id}
    if call.extension is not None:
        said["extension"] = call.extension
    if call.line is not None:
        said["line"] = call.line
    number = (call.number or "").strip()[:200]
    contact = Contact(
        code=CODE,
        channel="call",
        phone=number or None,
        operator=call.operator,
        occurred_at=call.occurred_at,
        message_id=f"ringing:{call.call_id}",
        properties=said,
    )
    try:
        event = await event_of(contact, now_ms(), SOURCE, parts)
    except Refused as problem:
        if problem.code != "no_identity":
            raise
        # Withheld, or `anonymous`: staff want to see that too, and the call is a contact as well.
        unnamed = msgspec.structs.replace(contact, anonymous_id=f"call:{call.call_id}")
        event = await event_of(unnamed, now_ms(), SOURCE, parts)
    await parts.events.put([keyed(event)])
    return Response(
        msgspec.json.encode({"message_id": event.message_id}), media_type="application/json"
    )


def _read(body: bytes) -> RingingCall:
    try:
        return _decode(body)
    except UNREADABLE as problem:
        raise Refused(400, "invalid_call", str(problem)) from None
