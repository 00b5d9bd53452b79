"""Dead letters over HTTP: list, show, replay after a fix."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.access import require_token
from api.bodies import read_body
from api.errors import RETRY_AFTER_S, Refused
from api.parts import Parts, parts_of
from api.source_letters import read_source_letter
from infra.clickhouse.failures import ClickHouseUnavailable
from infra.dead_letters.archived_letters import ArchivedLetters, LetterHead
from infra.dead_letters.filter import DeadLetterFilter
from infra.dead_letters.replaying import MAX_AT_ONCE, LetterReplayer, Policy
from schemas.dead_letter import DeadLetterReason, DeadLetterState
from streams.codec.codec import UNREADABLE
from streams.dead_letters.dead_letter import shown_payload
from streams.views.customer_view import instant

MAX_LISTED = 1_000
MAX_IDS = 1_000
LARGEST_BODY = 256 * 1024
"""Bytes of a replay's body: room for a thousand ids."""

T = TypeVar("T")

_replaying = asyncio.Lock()

router = APIRouter(
    tags=["dead letters"],
    dependencies=[Depends(require_token)],
    responses={503: {"description": "`unavailable`: ClickHouse or Kafka does not answer"}},
)

FromParts = Annotated[Parts, Depends(parts_of)]
Since = Annotated[datetime | None, Query(description="found then or later: ISO 8601 (UTC)")]
Until = Annotated[datetime | None, Query(description="found before: ISO 8601 (UTC)")]
Origin = Annotated[
    str | None, Query(description="what the origin begins with, such as `collector:shop`")
]


def _list_filter(
    reason: Annotated[DeadLetterReason | None, Query()] = None,
    state: Annotated[DeadLetterState, Query()] = "open",
    since: Since = None,
    until: Until = None,
    origin: Origin = None,
) -> DeadLetterFilter:
    return DeadLetterFilter(
        reason=reason, state=state, since=_ms(since), until=_ms(until), origin=origin
    )


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters are replayed, and the policy for those that would be dead again."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_IDS)] = ()
    reason: DeadLetterReason | None = None
    state: DeadLetterState = "open"
    since: datetime | None = None
    until: datetime | None = None
    origin: str | None = None
    policy: Policy = "keep"
    dry_run: bool = False
    by: Annotated[str, msgspec.Meta(max_length=200)] = "api"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_AT_ONCE)] = MAX_AT_ONCE
    after: str = ""


@router.get(
    "/v1/dead-letters",
    summary="Dead letters, the latest first",
    responses={400: {"description": "`bad_request`: no cursor of this list"}},
)
async def dead_letters(
    parts: FromParts,
    letter_filter: Annotated[DeadLetterFilter, Depends(_list_filter)],
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 50,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> Response:
    """`{"dead_letters": [...], "next": cursor or null}`; `docs/how-to/dead-letters.md` says what
    each reason means and how to mend it."""
    after = _read_cursor(cursor) if cursor else None
    found = await _asked(parts, lambda spool: spool.listed(letter_filter, limit, after))
    last = _cursor(found[-1]) if len(found) == limit else None
    return _answer({"dead_letters": [_shown(one) for one in found], "next": last})


@router.get(
    "/v1/dead-letters/{letter_id}",
    summary="One dead letter, with its payload",
    responses={404: {"description": "`no_dead_letter`"}},
)
async def dead_letter(
    letter_id: Annotated[str, Path(description="its id")], parts: FromParts
) -> Response:
    """As in the list, and `payload`: `{"json"}`, `{"text"}` or `{"hex"}`, whichever fits; `batch`
    has the fields that its batch stated for all items."""
    found = await _asked(parts, lambda spool: spool.find(letter_id))
    if found is None:
        raise Refused(404, "no_dead_letter", f"there is no dead letter {letter_id!r}")
    head, letter = found
    batch = shown_payload(letter.batch) if letter.batch else None
    return _answer({**_shown(head), "payload": shown_payload(letter.payload), "batch": batch})


@router.post(
    "/v1/dead-letters/replay",
    summary="Replay dead letters after a fix",
    responses={400: {"description": "`bad_request`"}, 413: {"description": "`too_large`"}},
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": msgspec.json.schema_components(
                        [Replay], ref_template="#/components/schemas/{name}"
                    )[1]["Replay"]
                }
            }
        }
    },
)
async def replay(request: Request, parts: FromParts) -> Response:
    """One page of a replay. `{"replayed", "already", "kept", "discarded", "reasons", "failures",
    "next"}`; send it again with `after` = `next` until that is null. With `after` empty also
    `total`: the number of selected letters. 200 once Kafka has acknowledged every event and the
    letters are marked; after any other answer it is safe to repeat.
    """
    letter_filter = await _read(request)
    letters = DeadLetterFilter(
        ids=letter_filter.ids,
        reason=letter_filter.reason,
        state=None if letter_filter.ids else letter_filter.state,
        since=_ms(letter_filter.since),
        until=_ms(letter_filter.until),
        origin=letter_filter.origin,
    )
    replayer = LetterReplayer(
        parts.settings, parts.events, parts.playbook, partial(read_source_letter, parts=parts)
    )
    total = None
    if not letter_filter.after:
        total = await _asked(parts, lambda spool: spool.counted(letters))
    try:
        async with _replaying:
            done = await replayer.replay(
                letters,
                letter_filter.by,
                policy=letter_filter.policy,
                after=letter_filter.after,
                most=letter_filter.limit,
                dry_run=letter_filter.dry_run,
            )
    except ClickHouseUnavailable as problem:
        raise _away(problem) from None
    answer = msgspec.to_builtins(done)
    return _answer(answer if total is None else {"total": total, **answer})


async def _read(request: Request) -> Replay:
    body = await read_body(request, LARGEST_BODY)
    try:
        return msgspec.json.decode(body or b"{}", type=Replay)
    except UNREADABLE as problem:
        raise Refused(400, "bad_request", str(problem)) from None


async def _asked(parts: Parts, ask: Callable[[ArchivedLetters], T]) -> T:
    def answer() -> T:
        spool = ArchivedLetters(parts.settings)
        try:
            return ask(spool)
        finally:
            spool.close()

    try:
        return await asyncio.to_thread(answer)
    except ClickHouseUnavailable as problem:
        raise _away(problem) from None


def _away(problem: ClickHouseUnavailable) -> Refused:
    return Refused(
        503,
        "unavailable",
        f"ClickHouse cannot answer now: {problem}",
        {"Retry-After": str(RETRY_AFTER_S)},
    )


def _shown(head: LetterHead) -> dict[str, Any]:
    return {
        "id": head.id,
        "reason": head.reason,
        "detail": head.detail,
        "origin": head.origin,
        "at": instant(head.at),
        "bytes": head.bytes,
        "state": head.state,
        "state_at": instant(head.state_at) if head.state_at else None,
        "state_by": head.state_by or None,
        "state_detail": head.state_detail or None,
    }


def _cursor(head: LetterHead) -> str:
    return urlsafe_b64encode(f"{head.at}/{head.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, slash, letter_id = text.partition("/")
        if not slash or not at.isascii() or not at.isdecimal() or len(at) > 15:
            raise ValueError
        return int(at), letter_id
    except ValueError:
        raise Refused(400, "bad_request", "`cursor` is not the `next` of a page") from None


def _ms(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    utc = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0, round((utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000))


def _answer(body: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(body),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
