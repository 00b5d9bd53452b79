"""The playbook over HTTP: read, check, adopt, dry run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from api.access import require_token
from api.bodies import read_body
from api.errors import Refused
from api.parts import Parts, parts_of
from infra.dry_run.question import MAX_EVENTS, USUAL_EVENTS, Answer, Question
from infra.dry_run.running import DryRunFailedError, dry_run
from infra.kafka.definitions import ReplacedError
from infra.playbook.active_definitions import DEFAULT_CHURN, Compiler, UnusableError
from infra.playbook.check import check_playbook
from infra.playbook.playbook_file import Mistake
from schemas.definition import CHURN_MODEL, PLAYBOOK, Definition
from schemas.models import ChurnModels
from schemas.trigger import Trigger
from streams.definitions.definitions import version_of
from streams.definitions.dry_run import Tally

MAX_BYTES = 1_000_000
"""Of a playbook's text."""

_NDJSON = "application/x-ndjson"
_busy = asyncio.Semaphore(1)

router = APIRouter(tags=["playbook"], dependencies=[Depends(require_token)])


@router.get("/v1/playbook", summary="The playbook adopted last")
async def playbook(parts: Annotated[Parts, Depends(parts_of)]) -> Response:
    """`{"version", "text", "since", "by"}`; the version is the `ETag` too."""
    return _answer(_shown(_latest(parts)))


@router.get("/v1/playbook/history", summary="All playbooks that were adopted, the latest first")
async def history(
    parts: Annotated[Parts, Depends(parts_of)],
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """`{"playbooks": [{"version", "since", "by", "replaces"}]}`."""
    adopted = parts.definitions.known.history(PLAYBOOK)[-limit:]
    return _answer(
        {
            "playbooks": [
                {**_named(definition), "replaces": definition.replaces or None}
                for definition in reversed(adopted)
            ]
        }
    )


@router.get(
    "/v1/playbook/versions/{version}",
    summary="One version that was adopted",
    responses={404: {"description": "`version_not_found`"}},
)
async def one_version(version: str, parts: Annotated[Parts, Depends(parts_of)]) -> Response:
    """As `GET /v1/playbook`."""
    found = parts.definitions.known.find(PLAYBOOK, version)
    if found is None:
        raise Refused(404, "version_not_found", f"no playbook {version!r} was adopted")
    return _answer(_shown(found))


@router.post("/v1/playbook/check", summary="What is wrong with a playbook")
async def check(request: Request) -> Response:
    """`{"version", "errors": [{"line", "column", "message"}]}`, 200 also where there are errors.
    The body is the playbook as it is: YAML."""
    text, mistakes = await _checked(request)
    return _answer({"version": None if mistakes else version_of(text), "errors": mistakes})


@router.put(
    "/v1/playbook",
    summary="Adopt a playbook",
    responses={
        412: {"description": "`precondition_failed`: another version than in If-Match is adopted"},
        422: {"description": "`invalid_playbook`, with `errors`"},
        503: {"description": "Kafka is unavailable: nothing or all of it happened, send it again"},
    },
)
async def adopt(
    request: Request,
    parts: Annotated[Parts, Depends(parts_of)],
    if_match: Annotated[str | None, Header(description="the version that was changed")] = None,
    by: Annotated[str, Query(max_length=200, description="who adopts it, in words")] = "the API",
) -> Response:
    """Answers as `GET /v1/playbook` once every partition of the log has it: events accepted after
    the answer are decided by it. A refused playbook changes nothing."""
    text, mistakes = await _checked(request)
    if mistakes:
        return _invalid(mistakes)
    version = None if if_match is None else if_match.strip().removeprefix("W/").strip('"')
    try:
        adopted = await parts.definition_writer.adopt(
            PLAYBOOK, text, by, replaces=None if version == "*" else version
        )
    except ReplacedError as other:
        raise Refused(
            412,
            "precondition_failed",
            f"the playbook is {other.latest.version} by now, from {other.latest.by}; "
            "look at it, then send If-Match with that version",
        ) from None
    return _answer(_shown(adopted))


@router.post(
    "/v1/playbook/dry-run",
    summary="What a playbook would have decided on the latest events",
    responses={
        409: {"description": "`busy`: another dry run goes on"},
        422: {"description": "`invalid_playbook`, with `errors`"},
        503: {"description": "the archive does not answer"},
    },
)
async def try_out(
    request: Request,
    parts: Annotated[Parts, Depends(parts_of)],
    events: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = USUAL_EVENTS,
    since: Annotated[datetime | None, Query(description="ISO 8601; nothing before it")] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Folds the latest events of the archive with the playbook in force and with the one in the
    body, both from empty profiles. With `Accept: application/x-ndjson` one JSON object a line:
    `{"done", "total"}` as it goes on, the answer last."""
    text, mistakes = await _checked(request)
    if mistakes:
        return _invalid(mistakes)
    question = Question(_latest(parts).content, text, events, _milliseconds(since), _models(parts))
    if _busy.locked():
        raise Refused(409, "busy", "another dry run goes on; try again when it is finished")
    if _NDJSON in accept:
        return StreamingResponse(_lines(question), media_type=_NDJSON)
    found: Answer | None = None
    try:
        async with _busy, aclosing(dry_run(question)) as steps:
            async for step in steps:
                if isinstance(step, Answer):
                    found = step
    except DryRunFailedError as problem:
        raise Refused(503, "unavailable", str(problem)) from None
    assert found is not None  # noqa: S101 - the last step is the answer
    return _answer(_compared(found))


async def _lines(question: Question) -> AsyncIterator[bytes]:
    try:
        async with _busy, aclosing(dry_run(question)) as steps:
            async for step in steps:
                said = _compared(step) if isinstance(step, Answer) else step
                yield msgspec.json.encode(said) + b"\n"
    except DryRunFailedError as problem:
        yield msgspec.json.encode({"code": "unavailable", "message": str(problem)}) + b"\n"


def _latest(parts: Parts) -> Definition:
    """The playbook adopted last that this version can use. Refused: 503 before any is known."""
    _ = parts.playbook
    found = parts.latest_playbook.definition
    if found is None:
        raise Refused(503, "unavailable", "the definitions on Kafka are not read yet")
    return found


def _models(parts: Parts) -> ChurnModels:
    adopted = parts.definitions.known.latest(CHURN_MODEL)
    if adopted is None:
        return DEFAULT_CHURN
    try:
        return Compiler(parts.playbook).churn(adopted)
    except UnusableError:
        return DEFAULT_CHURN


async def _checked(request: Request) -> tuple[str, list[Mistake]]:
    """The playbook in the body and its mistakes. Refused: 413, 400 for anything but text."""
    text = await _text(request)
    return text, await check_playbook(text)


async def _text(request: Request) -> str:
    body = await read_body(request, MAX_BYTES)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "bad_request", "send the playbook as YAML in UTF-8") from None


def _compared(found: Answer) -> dict[str, Any]:
    return {
        "events": found.events,
        "first_at": _iso(found.first_at) if found.events else None,
        "last_at": _iso(found.last_at) if found.events else None,
        "current": _tally(found.current),
        "new": _tally(found.new),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "version": tally.version,
        "fired": tally.fired,
        "customers": tally.customers,
        "suppressed": tally.suppressed,
        "rules": tally.rules,
        "examples": [_example(trigger) for trigger in tally.examples],
    }


def _example(trigger: Trigger) -> dict[str, Any]:
    return {
        "rule": trigger.rule,
        "type": trigger.type,
        "customer_id": trigger.customer_id,
        "topic": trigger.topic,
        "stage": trigger.stage,
        "decided_at": _iso(trigger.decided_at),
        "reason": trigger.reason,
    }


def _shown(definition: Definition) -> dict[str, Any]:
    return {**_named(definition), "text": definition.content}


def _named(definition: Definition) -> dict[str, Any]:
    return {"version": definition.version, "since": _iso(definition.at), "by": definition.by}


def _invalid(mistakes: Sequence[Mistake]) -> Response:
    first = mistakes[0]
    said = f"line {first.line}, column {first.column}: {first.message}"
    return _answer({"code": "invalid_playbook", "message": said, "errors": mistakes}, 422)


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status == 200 and "text" in body:
        headers["ETag"] = f'"{body["version"]}"'
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def _milliseconds(moment: datetime | None) -> int:
    if moment is None:
        return 0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0, int(aware.timestamp() * 1000))


def _iso(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
