"""Privacy requests of customers: export and erasure."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from redis.exceptions import RedisError

from api.access import require_token
from api.customer_ids import plain_id
from api.customers import models_of, redis_unavailable
from api.errors import RETRY_AFTER_S, UNREADABLE_RESPONSE, Refused
from api.parts import Parts, parts_of
from infra.clickhouse.failures import ClickHouseRefused, ClickHouseUnavailable
from infra.clock import now_ms
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.records import DEFAULT
from infra.privacy.deliveries import calls_of, deliveries_of
from infra.privacy.erasure_state import ArchiveState, archive_state
from infra.privacy.exporting import archived_ids, archived_lines, export_line
from infra.privacy.quality import read_names, read_quality
from infra.redis.profile_reader import Found
from streams.codec.codec import encode_event
from streams.identity.profile_key import usable_id
from streams.privacy.erasure import erase_event, is_tombstone
from streams.views.customer_view import customer_view, instant

router = APIRouter(tags=["privacy"], dependencies=[Depends(require_token)])

FromParts = Annotated[Parts, Depends(parts_of)]
CustomerId = Annotated[
    str, Path(description="user id or anonymous id; escape a slash as %2F or leave it")
]


@router.delete("/v1/customers/{customer_id:path}/erasure", include_in_schema=False)
@router.delete("/v1/customers/{customer_id:path}/export", include_in_schema=False)
async def not_to_forget() -> Response:
    """Guards against an erasure by a mistake in the path."""
    raise Refused(405, "method_not_allowed", "DELETE /v1/customers/{id}", {"Allow": "GET"})


@router.delete(
    "/v1/customers/{customer_id:path}",
    summary="Forget a customer",
    status_code=202,
    responses={400: {"description": "`bad_request`: no id"}, **UNREADABLE_RESPONSE},
)
async def forget(customer_id: CustomerId, parts: FromParts) -> Response:
    """202 once the erasure is on the log: `{"customer_id", "erased_at", "ids"}`, where `ids` are
    all ids erased with it; `…/erasure` of each tells the progress. An unknown id is erased, too:
    late events never begin a profile. 503 while Kafka or Redis is unavailable: repeat it. 409 where
    the profile cannot be read: its merged ids are then unknown."""
    key = _key(customer_id)
    found = await _find(parts, key)
    at = now_ms()
    ids = await _ids(parts, key, found)
    await parts.events.put([(one, encode_event(erase_event(one, at))) for one in ids])
    return _answer({"customer_id": ids[0], "erased_at": instant(at), "ids": ids}, 202)


@router.get(
    "/v1/customers/{customer_id:path}/erasure",
    summary="How far an erasure has come",
    responses={404: {"description": "`not_erased`"}, **UNREADABLE_RESPONSE},
)
async def erasure(customer_id: CustomerId, parts: FromParts) -> Response:
    """`{"customer_id", "erased_at", "profile", "archive", "rows_left"}`: `erased` or `pending`, and
    `unknown` while ClickHouse does not answer. 404 where the id was not erased, or not yet."""
    key = _key(customer_id)
    found = await _find(parts, key)
    if not found.erased_at:
        raise Refused(404, "not_erased", f"nothing of {customer_id!r} is erased")
    try:
        state = await asyncio.to_thread(archive_state, parts.settings, key, found.erased_at)
    except (ClickHouseUnavailable, ClickHouseRefused):
        state = ArchiveState("unknown")
    return _answer(
        {
            "customer_id": key,
            "erased_at": instant(found.erased_at),
            "profile": "erased",
            "archive": state.state,
            "rows_left": state.rows_left,
        }
    )


@router.get(
    "/v1/customers/{customer_id:path}/export",
    summary="Everything held on a customer",
    responses={
        200: {"content": {"application/x-ndjson": {}}},
        404: {"description": "`customer_not_found`"},
        **UNREADABLE_RESPONSE,
    },
)
async def export(customer_id: CustomerId, parts: FromParts) -> Response:
    """One line of JSON per item: `{"kind", "data"}`, of the kinds `customer` (the 360°
    view), `delivery`, `call`, `consent`, `event`, `trigger`, `dead_letter`; the last line is `end`
    with the number of lines before it: without it the export is not complete.

    503 while Redis or ClickHouse is unavailable.
    """
    key = _key(customer_id)
    found = await _find(parts, key)
    ids = await _ids(parts, key, found, needs_archive=True)
    begin = await _held_in_redis(parts, found, ids)
    rows = archived_lines(parts.settings, ids)
    try:
        first = await asyncio.to_thread(next, rows, None)
    except (ClickHouseUnavailable, ClickHouseRefused) as problem:
        raise _archive_away(problem) from None
    if not begin and first is None:
        raise Refused(404, "customer_not_found", f"nobody is known as {customer_id!r}")
    lines = _all_lines(begin, first, rows)
    return StreamingResponse(
        lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"}
    )


@router.get("/v1/quality", summary="What is doubtful in what comes in")
async def quality(
    parts: FromParts, days: Annotated[int, Query(ge=1, le=3_650, description="of the last")] = 7
) -> Response:
    """`{"findings": [{"source", "check", "events", "customers", "last_day", "examples"}], "names":
    [{"type", "name", "events", "in_no_dialogue", "share", "looks_like"}]}`, the most first;
    `examples` are message ids, `customers` those of the day with the most. `names` has the event
    names of which events are in no dialogue. 503 while ClickHouse is unavailable."""
    try:
        found = await asyncio.to_thread(read_quality, parts.settings, days)
        named = await asyncio.to_thread(read_names, parts.settings, days)
    except (ClickHouseUnavailable, ClickHouseRefused) as problem:
        raise _archive_away(problem) from None
    nearest = parts.playbook.dispatch.nearest
    names = [
        {
            **msgspec.to_builtins(one),
            "share": round(one.in_no_dialogue / one.events, 4),
            "looks_like": nearest(one.name),
        }
        for one in named
    ]
    return _answer({"findings": msgspec.to_builtins(found), "names": names})


def _all_lines(begin: list[bytes], first: bytes | None, rows: Iterator[bytes]) -> Iterator[bytes]:
    count = 0
    for line in begin:
        count += 1
        yield line
    if first is not None:
        count += 1
        yield first
        for line in rows:
            count += 1
            yield line
    yield export_line("end", {"lines": count})


async def _held_in_redis(parts: Parts, found: Found, ids: list[str]) -> list[bytes]:
    lines = []
    try:
        remembered = await EndpointStates(parts.redis).remembered()
        endpoints = list(dict.fromkeys([DEFAULT, *parts.playbook.source.endpoints, *remembered]))
        if found.profile is not None and not is_tombstone(found.profile):
            models = await models_of(parts, found.profile)
            view = customer_view(found.profile, parts.playbook, models, now_ms())
            lines.append(export_line("customer", view))
        for partition in sorted({parts.profiles.partition(one) for one in ids}):
            async for delivery in deliveries_of(parts.redis, partition, ids, endpoints):
                lines.append(export_line("delivery", delivery))
        async for call in calls_of(parts.redis, ids):
            lines.append(export_line("call", call))
    except (RedisError, OSError):
        raise redis_unavailable() from None
    return lines


async def _ids(parts: Parts, key: str, found: Found, *, needs_archive: bool = False) -> list[str]:
    """The customer's id, the one they were named by, and every one that was merged into it."""
    profile = found.profile
    customer = profile.key if profile is not None else key
    merged = [] if profile is None else [one for one, is_in in profile.identities.items() if is_in]
    # The archive has merges beyond the bound of the profile.
    with suppress(ClickHouseRefused):
        try:
            merged += await asyncio.to_thread(archived_ids, parts.settings, customer)
        except ClickHouseUnavailable as problem:
            if needs_archive:
                raise _archive_away(problem) from None
    return list(dict.fromkeys([customer, key, *sorted(merged)]))


async def _find(parts: Parts, key: str) -> Found:
    try:
        return await parts.profiles.find(key)
    except (RedisError, OSError):
        raise redis_unavailable() from None


def _key(customer_id: str) -> str:
    key = usable_id(plain_id(customer_id))
    if key is None:
        raise Refused(400, "bad_request", f"{customer_id!r} names nobody")
    return key


def _archive_away(problem: Exception) -> Refused:
    what = f"ClickHouse cannot answer now: {problem}"
    return Refused(503, "unavailable", what, {"Retry-After": str(RETRY_AFTER_S)})


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
