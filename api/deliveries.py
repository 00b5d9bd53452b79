"""Deliveries and endpoints over HTTP: pending, given up, replay."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from redis.exceptions import RedisError

from api.access import require_token
from api.bodies import read_body
from api.customers import redis_unavailable
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from infra.delivery.circuit import mode
from infra.delivery.dispatcher import Endpoints
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.listing import DeliveryListing, Done, Shown
from infra.delivery.records import Delivery
from infra.delivery.schedule import DeliverySchedule
from streams.codec.codec import UNREADABLE
from streams.views.customer_view import instant

MAX_LISTED = 1_000
LARGEST_BODY = 256 * 1024
"""Bytes of a replay's body: room for thousands of ids."""

router = APIRouter(tags=["deliveries"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]
OfEndpoint = Annotated[str | None, Query(description="only of this endpoint")]


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which given-up deliveries are replayed: those of these triggers, or all."""

    triggers: tuple[str, ...] = ()
    """Ids of triggers; empty: every one, up to `limit`."""
    endpoint: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LISTED)] = MAX_LISTED
    given_up_until: datetime | None = None
    """Only deliveries given up by then."""


@router.get("/v1/deliveries", summary="Deliveries that wait, or were given up")
async def deliveries(
    parts: FromParts,
    status: Annotated[Literal["waiting", "given_up"], Query()] = "waiting",
    endpoint: OfEndpoint = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 50,
) -> Response:
    """`{"deliveries": [...]}`: waiting ones soonest first, given-up ones latest first."""
    try:
        names = await _names(parts, endpoint)
        found = await _listing(parts).find(status, names, limit)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return _answer({"deliveries": [_shown(one) for one in found]})


@router.get("/v1/deliveries/{trigger_id}", summary="What became of one trigger")
async def delivery(trigger_id: str, parts: FromParts) -> Response:
    """`{"deliveries": [...]}`, finished ones included as long as they are remembered. 404
    `no_delivery`."""
    try:
        found = await _listing(parts).of_trigger(trigger_id, await _names(parts, None))
    except (RedisError, OSError):
        raise redis_unavailable() from None
    if not found:
        raise Refused(404, "no_delivery", f"nothing was delivered for the trigger {trigger_id!r}")
    return _answer({"deliveries": [_known(one) for one in found]})


@router.post("/v1/deliveries/replay", summary="Try again what was given up")
async def replay(request: Request, parts: FromParts) -> Response:
    """Body `{"triggers"?: [id, ...], "endpoint"?, "limit"?, "given_up_until"?}`. `{"replayed": N,
    "given_up_until"}`: they are due now, with the whole schedule before them, under their old ids.
    Send the answer's `given_up_until` again until N is 0: deliveries given up again meanwhile are
    left out. 404 `no_delivery` where none of the triggers named was given up."""
    try:
        requested = msgspec.json.decode(
            await read_body(request, LARGEST_BODY) or b"{}", type=Replay
        )
    except UNREADABLE as problem:
        raise Refused(400, "bad_request", str(problem)) from None
    listing, now = _listing(parts), now_ms()
    until = None if requested.given_up_until is None else _ms(requested.given_up_until)
    try:
        found = await listing.find(
            "given_up",
            await _names(parts, requested.endpoint),
            requested.limit,
            requested.triggers,
            until,
        )
        if requested.triggers and not found:
            raise Refused(404, "no_delivery", "none of these was given up")
        replayed = await listing.replay(found, now)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return _answer(
        {"replayed": replayed, "given_up_until": instant(now if until is None else until)}
    )


@router.get("/v1/endpoints", summary="Who is told, and whether they answer")
async def endpoints(parts: FromParts) -> Response:
    """`{"endpoints": [...]}`, each with `circuit` (closed, probing, open, disabled) and how much
    waits. One that the playbook no longer has is `removed`, and shown while deliveries wait for
    it."""
    known = _endpoints(parts)
    now = now_ms()
    schedule = DeliverySchedule(parts.redis, parts.settings)
    views = []
    try:
        names = await _names(parts, None)
        states = await EndpointStates(parts.redis).read(names)
        for name in names:
            state = states[name]
            backlog = await schedule.backlog(range(parts.settings.partitions), name)
            removed = known.get(name) is None
            if removed and not backlog.waiting:
                continue
            views.append(
                {
                    "name": name,
                    "kind": None if removed else known.kind(name),
                    "removed": True if removed else None,
                    "circuit": mode(state, now),
                    "failures": state.failures,
                    "not_before": instant(state.not_before) if state.not_before > now else None,
                    "disabled_at": instant(state.disabled_at),
                    "detail": state.detail,
                    "waiting": backlog.waiting,
                }
            )
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return _answer({"endpoints": views})


@router.post("/v1/endpoints/{name}/enable", summary="Send to a disabled endpoint again")
async def enable(name: str, parts: FromParts) -> Response:
    """Also closes its circuit. Deliveries given up meanwhile stay so until replayed. 404
    `no_endpoint`."""
    try:
        await _names(parts, name)
        await EndpointStates(parts.redis).enable(name)
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return _answer({"enabled": name})


async def _names(parts: Parts, endpoint: str | None) -> list[str]:
    # Endpoints of a former playbook are shown while deliveries are left.
    remembered = await EndpointStates(parts.redis).remembered()
    names = list(dict.fromkeys([*_endpoints(parts).names(), *remembered]))
    if endpoint is None:
        return names
    if endpoint not in names:
        raise Refused(404, "no_endpoint", f"there is no endpoint {endpoint!r}")
    return [endpoint]


def _endpoints(parts: Parts) -> Endpoints:
    return Endpoints(parts.settings, lambda: parts.playbook.source)


def _listing(parts: Parts) -> DeliveryListing:
    return DeliveryListing(parts.redis, parts.settings)


def _shown(shown: Shown) -> dict[str, Any]:
    given_up = shown.delivery.status == "failed"
    return {**_known(shown.delivery), "given_up_at" if given_up else "due_at": instant(shown.at)}


def _known(found: Delivery | Done) -> dict[str, Any]:
    if isinstance(found, Done):
        trigger_id, _, endpoint = found.id.partition("/")
        return {
            "trigger_id": trigger_id,
            "endpoint": endpoint,
            "status": found.status,
            "attempts": found.attempts,
            "last_at": instant(found.at),
        }
    return {
        "trigger_id": found.trigger.id,
        "endpoint": found.endpoint,
        "status": "given_up" if found.status == "failed" else found.status,
        "attempts": found.attempts,
        "last_at": instant(found.last_at),
        "created_at": instant(found.created_at),
        "detail": found.detail,
        "trigger": found.trigger,
    }


def _ms(moment: datetime) -> int:
    utc = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round((utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def _answer(body: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(body),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
