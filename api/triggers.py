"""Triggers over HTTP: the latest as a list, new ones as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from api.access import require_token, require_token_or_ticket
from api.parts import Parts, parts_of
from api.tickets import TICKET_S, issue_ticket
from infra.kafka.trigger_tail import KEPT, fits
from streams.codec.codec import encode_trigger
from streams.triggers.registry import KINDS

PING_S = 15.0
"""Seconds of silence after which a comment keeps the connection open."""

_RECONNECT_MS = 2_000

router = APIRouter(tags=["triggers"], dependencies=[Depends(require_token)])
streams = APIRouter(tags=["triggers"], dependencies=[Depends(require_token_or_ticket)])
"""The route that a browser's EventSource opens, with a ticket in its URL."""

TriggerType = StrEnum("TriggerType", {name: name for name in KINDS})  # type: ignore[misc]
"""A trigger type of the registry; any other is refused with the list."""

OfType = Annotated[TriggerType | None, Query(alias="type", description="only this type")]
OfCustomer = Annotated[str | None, Query(description="only of this customer")]
Suppressed = Annotated[bool, Query(description="true: also decisions that policy held back")]
FromParts = Annotated[Parts, Depends(parts_of)]


@router.get("/v1/triggers", summary="The latest triggers, newest first")
async def triggers(
    parts: FromParts,
    limit: Annotated[int, Query(ge=1, le=KEPT)] = 50,
    type: OfType = None,  # noqa: A002 - the field's name
    customer: OfCustomer = None,
    suppressed: Suppressed = False,
) -> Response:
    """`{"triggers": [...]}` out of the latest 500, each as it is on the Kafka topic."""
    found = parts.triggers.recent(limit, type, customer, suppressed=suppressed)
    return Response(
        msgspec.json.encode({"triggers": found}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.post("/v1/triggers/tickets", summary="A ticket for the stream, good for a minute")
async def ticket(parts: FromParts) -> Response:
    """`{"ticket", "expires_in"}`: put `?ticket=` into the URL of `GET /v1/triggers/stream` within
    so many seconds. It opens the stream and nothing else."""
    issued = issue_ticket(parts.settings.api_token.get_secret_value())
    return Response(
        msgspec.json.encode({"ticket": issued, "expires_in": TICKET_S}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@streams.get("/v1/triggers/stream", summary="Triggers as they fire (server-sent events)")
async def stream(
    parts: FromParts,
    type: OfType = None,  # noqa: A002 - the field's name
    customer: OfCustomer = None,
    suppressed: Suppressed = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """One message a trigger: its id as `id`, its JSON as `data`. `Last-Event-ID` resumes after that
    trigger. A comment comes once the stream listens and in every silence of 15 s. A browser's
    EventSource sends `?ticket=` of `POST /v1/triggers/tickets` instead of a header."""

    async def messages() -> AsyncIterator[bytes]:
        feed = parts.triggers.subscribe(last_event_id or None)
        try:
            clock = asyncio.get_running_loop().time
            yield b"retry: %d\n: listening\n\n" % _RECONNECT_MS
            spoke = clock()
            while True:
                try:
                    async with asyncio.timeout_at(spoke + PING_S):
                        trigger = await anext(feed)
                except TimeoutError:
                    yield b": ping\n\n"
                    spoke = clock()
                    continue
                except StopAsyncIteration:
                    return
                if fits(trigger, type, customer, suppressed=suppressed):
                    yield b"id: %s\ndata: %s\n\n" % (trigger.id.encode(), encode_trigger(trigger))
                    spoke = clock()
        finally:
            feed.close()

    return StreamingResponse(
        messages(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
