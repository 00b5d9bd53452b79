"""The collector's pipeline: body, items, events, Kafka's acknowledgement."""

from time import monotonic, perf_counter

from starlette.requests import Request
from starlette.responses import Response

from api.collector.reading import read_body
from api.collector.write_keys import source_of
from api.errors import Refused
from api.parts import Parts
from infra.clock import now_ms
from infra.kafka.names import DEAD_LETTERS as DEAD_LETTERS_TOPIC
from infra.metrics import COLLECT_SECONDS, DEAD_LETTERS, EVENTS_ACCEPTED
from streams.codec.codec import encode_dead_letter, encode_event
from streams.dead_letters.dead_letter import dead_letter
from streams.identity.partitioning import partition_of
from streams.tracking.body import Body, BodyError, batch_fields, read_batch, read_single
from streams.tracking.events import Rejected, read_events

_SUCCESS = b'{"success": true}'


async def collect(request: Request, parts: Parts, kind: str | None) -> Response:
    """Appends the events of the request to the log and answers 200 once Kafka has acknowledged.

    `kind` is the type of event the route names; None: the body is a batch. Invalid items become
    dead letters; an invalid single event is refused besides, so that its sender gets an error.
    Refused, KafkaUnavailable.
    """
    data = await read_body(request)
    started = perf_counter()
    try:
        body = read_batch(data) if kind is None else read_single(data)
    except BodyError as problem:
        raise Refused(problem.status, problem.code, problem.message) from None
    rejected = await accept(request, parts, body, kind)
    COLLECT_SECONDS.observe(perf_counter() - started)
    if rejected and kind is not None:
        raise Refused(400, rejected[0].reason, rejected[0].detail)
    return accepted()


async def accept(request: Request, parts: Parts, body: Body, kind: str | None) -> list[Rejected]:
    """Appends the events of a body to the log and its invalid items to the dead letters; returns
    the latter. Refused (401 write key, 403 web site, 429 rate), KafkaUnavailable."""
    source = source_of(request, body.write_key, parts.settings.write_keys)
    origin = request.headers.get("origin")
    if origin is not None and not parts.origins.may_send(origin, source):
        raise Refused(
            403, "origin_not_allowed", f"{origin} may not send; see DAEHWA_ALLOWED_ORIGINS"
        )
    parts.rates.take(source, len(body.items), monotonic())
    received_at = now_ms()
    events, rejected = read_events(body, kind, received_at, source)
    if rejected:
        await _keep(rejected, received_at, f"collector:{source}/{kind or 'batch'}", body, parts)
    await parts.events.put([(key, encode_event(parts.scrub(event))) for key, event in events])
    EVENTS_ACCEPTED.labels(source).inc(len(events))
    return rejected


def accepted() -> Response:
    """Exactly 200: RudderStack and old Segment SDKs take 202 for a failure and send again."""
    return Response(_SUCCESS, media_type="application/json")


async def _keep(rejected: list[Rejected], at: int, origin: str, body: Body, parts: Parts) -> None:
    batch = batch_fields(body)
    letters = [
        dead_letter(one.reason, one.detail, origin, one.payload, at, batch) for one in rejected
    ]
    await parts.writer.append_many(
        DEAD_LETTERS_TOPIC,
        partition_of(letters[0].id, parts.settings.partitions),
        [(letter.id.encode(), encode_dead_letter(letter)) for letter in letters],
    )
    for one in rejected:
        DEAD_LETTERS.labels(one.reason).inc()
