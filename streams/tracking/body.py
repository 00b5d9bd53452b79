"""A request's body, taken apart without looking into its events."""

from typing import TypeVar

import msgspec

from streams.values.json_mending import mended_json

MAX_EVENTS = 2_500
"""Events of one batch."""
LARGEST_KEPT = 512 * 1024
"""Bytes that are kept of an event that is too large: as a dead letter they fit a Kafka record. A
single event that is larger is refused."""

LARGEST_CONTEXT = 32 * 1024
"""Bytes of a batch's own context."""
LARGEST_SPREAD = 16 * 1024 * 1024
"""Bytes that the batch's own context comes to, written into each of its events."""

_NONE = msgspec.Raw(b"")


class BodyError(Exception):
    """The body as a whole cannot be taken: `status` (400 or 413), `code` and what is wrong."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Body(msgspec.Struct, frozen=True):
    """What a request carries. `batched` fields stand for every item that has none of its own."""

    items: list[msgspec.Raw]
    write_key: str | None
    batched_sent_at: str | float | None = None
    batched_context: msgspec.Raw = _NONE


class _Fields(msgspec.Struct, rename="camel"):
    sent_at: str | int | float | None = None
    context: msgspec.Raw = _NONE


class _Batch(_Fields, rename="camel", kw_only=True):
    batch: list[msgspec.Raw]
    write_key: str | None = None


class _Single(msgspec.Struct, rename="camel"):
    write_key: str | None = None


_B = TypeVar("_B", _Batch, _Fields, _Single)

_batch_decoder = msgspec.json.Decoder(_Batch)
_fields_decoder = msgspec.json.Decoder(_Fields)
_single_decoder = msgspec.json.Decoder(_Single)


def read_batch(data: bytes) -> Body:
    """The parts of a `/v1/batch` body. BodyError where it is no JSON object with a list `batch`,
    the list is too long, or the context too large to be the context of every item."""
    batch = _decode(data, _batch_decoder)[1]
    if len(batch.batch) > MAX_EVENTS:
        raise BodyError(413, "too_many_events", f"at most {MAX_EVENTS} events a batch")
    context = len(memoryview(batch.context))
    if context > LARGEST_CONTEXT or context * len(batch.batch) > LARGEST_SPREAD:
        raise BodyError(413, "context_too_large", "the context is too large for so many events")
    return Body(batch.batch, batch.write_key, batch.sent_at, batch.context)


def read_single(data: bytes) -> Body:
    """The parts of the body of one event, `/v1/track` and so on. BodyError where it is no JSON
    object."""
    data, single = _decode(data, _single_decoder)
    item = msgspec.Raw(data)
    _check_size(item)
    return Body([item], single.write_key)


def batch_fields(body: Body) -> bytes:
    """What the batch says for all of its items, as JSON; empty where it says nothing."""
    fields: dict[str, object] = {}
    if body.batched_sent_at is not None:
        fields["sentAt"] = body.batched_sent_at
    if body.batched_context:
        fields["context"] = body.batched_context
    return msgspec.json.encode(fields) if fields else b""


def read_again(payload: bytes, batch: bytes) -> Body:
    """The body of one item that was kept, with the `batch_fields` it came with. BodyError where
    these are none, UnicodeDecodeError where the item is no text."""
    payload.decode()
    fields = _decode(batch or b"{}", _fields_decoder)[1]
    return Body([msgspec.Raw(payload)], None, fields.sent_at, fields.context)


def _check_size(item: msgspec.Raw) -> None:
    if len(memoryview(item)) > LARGEST_KEPT:
        raise BodyError(413, "event_too_large", f"an event has more than {LARGEST_KEPT} bytes")


def _decode(data: bytes, decoder: "msgspec.json.Decoder[_B]") -> "tuple[bytes, _B]":
    try:
        data.decode()
        return data, decoder.decode(data)
    except msgspec.ValidationError as problem:
        raise BodyError(400, "invalid_body", str(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        data = _mended(data)
    except RecursionError:
        raise BodyError(400, "invalid_json", "the body is nested too deeply") from None
    try:
        return data, decoder.decode(data)
    except msgspec.ValidationError as problem:
        raise BodyError(400, "invalid_body", str(problem)) from None
    except (msgspec.DecodeError, RecursionError) as problem:
        raise BodyError(400, "invalid_json", f"the body is not JSON: {problem}") from None


def _mended(data: bytes) -> bytes:
    try:
        return mended_json(data)
    except (ValueError, RecursionError) as problem:
        raise BodyError(400, "invalid_json", f"the body is not JSON: {problem}") from None
