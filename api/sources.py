"""Webhooks of other systems, turned into events by their mappings."""

from typing import Annotated, Any

import httpx
import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from api.access import require_token
from api.bodies import read_body
from api.contact import MAX_BYTES, event_of, keyed
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.clock import now_ms
from infra.kafka.names import DEAD_LETTERS as DEAD_LETTERS_TOPIC
from infra.metrics import DEAD_LETTERS, EVENTS_ACCEPTED
from infra.sources.sns import SECONDS, confirmation_url
from infra.sources.sources import NoSecretError, Source
from schemas.dead_letter import DeadLetterReason
from schemas.event import WireEvent
from streams.codec.codec import encode_dead_letter
from streams.dead_letters.dead_letter import dead_letter
from streams.dead_letters.replay import ITEM, SOURCE
from streams.identity.partitioning import partition_of
from streams.mapping.mapping_items import Mapped, Unmapped
from streams.mapping.payloads import MAX_ITEMS, read_payload
from streams.tracking.body import LARGEST_KEPT, Body
from streams.tracking.events import read_events

router = APIRouter(tags=["contacts"])

FromParts = Annotated[Parts, Depends(parts_of)]
Bad = tuple[DeadLetterReason, str, bytes, str]
"""(reason, detail, payload, end of the letter's origin)."""

_encode = msgspec.json.Encoder().encode


@router.post("/v1/sources/{name}", summary="A webhook of another system")
async def source(name: str, request: Request, parts: FromParts) -> Response:
    """Maps the source's payload to events and answers 200 with
    `{"accepted", "skipped", "dead"}` once Kafka has them. An unmappable item is a dead letter, not
    an error: its sender would repeat it for ever.

    404 `no_source`, 401 for a wrong signature or token, 403 where the secret is not set, 413 over
    4 MB; 503 while Kafka is unavailable, or Redis where a customer is named by number or address.
    """
    if name not in parts.sources:
        known = ", ".join(parts.sources.names())
        raise Refused(404, "no_source", f"no source is called {name!r}; there are {known}")
    found = parts.sources[name]
    body = await read_body(request, MAX_BYTES)
    # In a thread: a signature of SNS may need its certificate.
    await to_thread.run_sync(_check, found, request, body, parts)
    confirmed = await _confirmed(found, body)
    if confirmed is not None:
        return confirmed
    now = now_ms()
    good: list[tuple[str, bytes]] = []
    bad: list[Bad] = []
    skipped = 0
    try:
        items = found.mapper.items(read_payload(found.mapping, body))
    except Unmapped as problem:
        items = []
        bad.append((problem.reason, problem.detail, body, ""))
    if len(items) > MAX_ITEMS:
        raise Refused(413, "too_large", f"send at most {MAX_ITEMS} items at once")
    for item in items:
        try:
            events = await mapped_events(found, item, now, parts)
            good += [keyed(event) for event in events]
            skipped += not events
        except Unmapped as problem:
            whole = found.mapping.reads == "form"
            payload, place = (body, "") if whole else (_encode(item), ITEM)
            bad.append((problem.reason, problem.detail, payload, place))
    if bad:
        await _keep(bad, now, name, parts)
    await parts.events.put(good)
    EVENTS_ACCEPTED.labels(name).inc(len(good))
    answer = {"accepted": len(good), "skipped": skipped, "dead": len(bad)}
    return Response(_encode(answer), media_type="application/json")


async def _confirmed(found: Source, body: bytes) -> Response | None:
    """The answer to SNS, which asks once whether its messages are wanted; None for other bodies."""
    signature = found.mapping.signature
    url = confirmation_url(body) if signature is not None and signature.scheme == "sns" else None
    if url is None:
        return None
    try:
        async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False) as client:
            (await client.get(url)).raise_for_status()
    except httpx.HTTPError as problem:
        raise Refused(503, "unavailable", f"SNS did not confirm: {problem}") from None
    return Response(_encode({"confirmed": True}), media_type="application/json")


def _check(found: Source, request: Request, body: bytes, parts: Parts) -> None:
    """Refuses a request with neither the source's signature nor the API token."""
    if not found.signed or request.headers.get("authorization", "").startswith("Bearer "):
        require_token(request, parts)
        return
    url = request.url
    urls = [str(url)]
    public = parts.settings.public_url
    if public:
        urls.append(public + url.path + (f"?{url.query}" if url.query else ""))
    try:
        if found.is_authentic(urls, request.headers, body):
            return
    except NoSecretError as problem:
        raise Refused(403, "no_secret", str(problem)) from None
    raise Refused(401, "unauthorized", "the signature is missing or wrong")


async def mapped_events(
    found: Source, item: Any, at: int, parts: Parts, *, rings: bool = True
) -> list[WireEvent]:
    """The events of an item received at `at` (milliseconds), none where the mapping skips it.
    `rings`: as in `event_of`. Raises `Unmapped`; Refused: 503 while Redis is unavailable.
    """
    return [
        await _event(mapped, at, found.mapping.name, parts, rings=rings)
        for mapped in found.mapper.events(item, received_at=at)
    ]


async def _event(mapped: Mapped, at: int, source: str, parts: Parts, *, rings: bool) -> WireEvent:
    if mapped.contact is not None:
        try:
            return await event_of(mapped.contact, at, source, parts, rings=rings)
        except Refused as problem:
            if problem.status == 503:
                raise
            reason: DeadLetterReason = (
                "no_identity" if problem.code == "no_identity" else "invalid_event"
            )
            raise Unmapped(reason, problem.message) from None
    events, rejected = read_events(Body([msgspec.Raw(mapped.body)], None), None, at, source)
    if rejected:
        raise Unmapped(rejected[0].reason, rejected[0].detail)
    return parts.scrub(events[0][1])


async def _keep(bad: list[Bad], at: int, name: str, parts: Parts) -> None:
    letters = [
        dead_letter(reason, detail, f"{SOURCE}{name}{place}", payload[:LARGEST_KEPT], at)
        for reason, detail, payload, place in bad
    ]
    await parts.writer.append_many(
        DEAD_LETTERS_TOPIC,
        partition_of(letters[0].id, parts.settings.partitions),
        [(letter.id.encode(), encode_dead_letter(letter)) for letter in letters],
    )
    for letter in letters:
        DEAD_LETTERS.labels(letter.reason).inc()
