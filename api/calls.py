"""The call list of the call centre over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from redis.exceptions import RedisError

from api.access import require_token
from api.bodies import read_body
from api.customers import redis_unavailable
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from infra.delivery.call_list import Call, CallList, CallTakenError, NoCallError, OpenCall
from infra.delivery.outcomes import called_event, uncalled_event
from schemas.event import WireEvent
from schemas.profile import Profile
from streams.codec.codec import UNREADABLE, encode_event
from streams.consent.consent import MARKETING, may_speak
from streams.views.customer_view import instant

MAX_CALLS = 500
LARGEST_BODY = 64 * 1024
"""Bytes."""

router = APIRouter(prefix="/v1/calls", tags=["calls"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator who is going to call."""

    operator: Text


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Outcome of a call."""

    operator: Text
    outcome: Text
    """reached, not reached, voicemail, wrong number, ...: yours to choose."""
    note: Annotated[str, msgspec.Meta(max_length=4_000)] = ""


@router.get("", summary="Whom to call, the most urgent first")
async def calls(
    parts: FromParts, limit: Annotated[int, Query(ge=1, le=MAX_CALLS)] = 50
) -> Response:
    """`{"calls": [...]}` by priority, then age. `claimed_by` and `claimed_until` (ISO 8601) say who
    is calling."""
    try:
        found = await CallList(parts.redis).open(limit)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    now = now_ms()
    return _answer({"calls": [_view(one, now) for one in found]})


@router.post("/{call_id}/claim", summary="I am calling them")
async def claim(call_id: str, request: Request, parts: FromParts) -> Response:
    """Body `{"operator"}`. The claim lasts 15 minutes; claiming again prolongs it.

    404 `no_call`; 409 `claimed` where another operator has it, `withheld` where the customer has
    withdrawn consent: the call is removed from the list; `profile_unreadable` where consent is
    unknown: it stays.
    """
    operator = _read(await read_body(request, LARGEST_BODY), Claim).operator
    calls, now = CallList(parts.redis), now_ms()
    held = await _ask(calls.claim, call_id, operator)
    call = held.call
    try:
        profile = await parts.profiles.read(call.customer_id)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    if profile is None or not _may_call(profile, call):
        await _put(parts, call, uncalled_event(call, now))
        await _ask(calls.done, call_id, operator)
        raise Refused(409, "withheld", "the customer does not want to be called any more")
    return _answer(_view(held, now))


@router.post("/{call_id}/done", summary="I have called them")
async def done(call_id: str, request: Request, parts: FromParts) -> Response:
    """Body `{"operator", "outcome", "note"?}`. 200 once the call is on the log as a contact event.

    404 `no_call`; 409 `claimed` where another operator has it; 503 while Kafka is unavailable:
    repeat it.
    """
    result = _read(await read_body(request, LARGEST_BODY), Result)
    calls = CallList(parts.redis)
    # First the claim, so that only one operator reports an outcome; then the event, with the same
    # message id at a repetition; the call is removed once the event is on the log.
    held = await _ask(calls.claim, call_id, result.operator)
    event = called_event(held.call, result.operator, result.outcome, result.note, now_ms())
    await _put(parts, held.call, event)
    await _ask(calls.done, call_id, result.operator)
    return _answer({"message_id": event.message_id})


def _may_call(profile: Profile, call: Call) -> bool:
    purpose = MARKETING if call.campaign else None
    return may_speak(profile.consent, call.channel or "call", purpose)


async def _ask(ask: Any, call_id: str, operator: str) -> OpenCall:
    try:
        held: OpenCall = await ask(call_id, operator, now_ms())
    except NoCallError as problem:
        raise Refused(404, "no_call", str(problem)) from None
    except CallTakenError as problem:
        raise Refused(409, "claimed", str(problem)) from None
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return held


async def _put(parts: Parts, call: Call, event: WireEvent) -> None:
    await parts.events.put([(call.customer_id, encode_event(event))])


def _view(held: OpenCall, now: int) -> dict[str, Any]:
    view: dict[str, Any] = msgspec.to_builtins(held.call)
    view["created_at"] = instant(held.call.created_at)
    claimed = held.claimed_until > now
    view["claimed_by"] = held.operator if claimed else None
    view["claimed_until"] = instant(held.claimed_until) if claimed else None
    return view


def _read(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as problem:
        raise Refused(400, "bad_request", str(problem)) from None


def _answer(body: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(body),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
