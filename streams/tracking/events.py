"""One item of the tracking protocol into an event, or the reason why not."""

from collections.abc import Mapping
from typing import cast

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.dead_letter import DeadLetterReason
from schemas.event import EventType, WireEvent
from streams.identity.profile_key import usable_id
from streams.tracking.body import LARGEST_KEPT, Body
from streams.tracking.channels import channel_of
from streams.tracking.readable import UnreadableError, readable_context
from streams.tracking.times import corrected_time, dated_ahead, parse_time

LARGEST_EVENT = 32 * 1024
"""Bytes."""
MAX_MESSAGE_ID_LENGTH = 100
"""Characters."""
REPLACED = "replaced-"
"""Beginning of a message id that stands for one that is no id, or too long."""
KINDS = frozenset({"track", "page", "screen", "identify", "group", "alias"})

Scalar = str | int | float | bool | None
_NOTHING = msgspec.Raw(b"{}")
_ABSENT = msgspec.Raw(b"")
_NO_OBJECT = (b"", b"null", b"{}", b"[]", b'""', b"false")
"""PHP writes an empty object as `[]`."""
_SHORT = 16
_EARLIEST = 1
"""Milliseconds: 0 stands for a time that has not come."""
_LATEST = 253_402_300_799_999


class Rejected(msgspec.Struct, frozen=True):
    """An item that is no event: why, and the bytes as they came, at most `LARGEST_KEPT` of them."""

    reason: DeadLetterReason
    detail: str
    payload: bytes


class _Item(msgspec.Struct, rename="camel"):
    type: str | None = None
    message_id: str | int | float | None = None
    user_id: Scalar = None
    anonymous_id: Scalar = None
    previous_id: Scalar = None
    group_id: Scalar = None
    event: str | None = None
    name: Scalar = None
    category: Scalar = None
    channel: Scalar = None
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    sent_at: str | int | float | None = None
    properties: msgspec.Raw = _ABSENT
    traits: msgspec.Raw = _ABSENT
    context: msgspec.Raw = _ABSENT


class _Library(msgspec.Struct):
    name: Scalar = None


class _ContextHead(msgspec.Struct):
    library: _Library | None = None
    traits: msgspec.Raw = _ABSENT


_NO_HEAD = _ContextHead()
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_head = msgspec.json.Decoder(_ContextHead).decode
_decode_anything = msgspec.json.Decoder().decode
_TIMES = frozenset({"timestamp", "originalTimestamp", "sentAt"})
_PLAIN = _TIMES | {"type", "messageId", "userId", "anonymousId", "previousId", "groupId", "event",
                   "name", "category", "channel"}  # fmt: skip
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Request(msgspec.Struct, frozen=True):
    """What all items of one request share; times in milliseconds."""

    kind: str | None
    received_at: int
    source: str
    sent_at: int | None
    context: msgspec.Raw


class _InvalidError(Exception):
    """The item is no event; the text says why."""


def read_events(
    body: Body, kind: str | None, received_at: int, source: str
) -> tuple[list[tuple[str, WireEvent]], list[Rejected]]:
    """The (profile key, event) pairs of a body and its items that are none, in their order.

    `kind` is the type of every item where the route names it, else each item names its own.
    `received_at` in milliseconds. Never raises: a bad item does not condemn the good ones.
    """
    events: list[tuple[str, WireEvent]] = []
    rejected: list[Rejected] = []
    request = _Request(
        kind, received_at, source, _forgiving_time(body.batched_sent_at), body.batched_context
    )
    for index, raw in enumerate(body.items):
        if len(memoryview(raw)) > LARGEST_EVENT:
            rejected.append(_too_large(raw))
            continue
        try:
            event = _event(raw, _item(raw), request, index)
        except (_InvalidError, UnreadableError, msgspec.ValidationError) as problem:
            rejected.append(Rejected("invalid_event", str(problem), bytes(raw)))
            continue
        except (msgspec.DecodeError, RecursionError) as problem:
            rejected.append(Rejected("unreadable", str(problem), bytes(raw)))
            continue
        key = event.user_id or event.anonymous_id
        if key is None:
            detail = "neither userId nor anonymousId names anybody"
            rejected.append(Rejected("no_identity", detail, bytes(raw)))
            continue
        events.append((key, event))
    return events, rejected


def _item(raw: msgspec.Raw) -> _Item:
    """The item; a list or object where a text belongs is absent, a number is a text. Raises
    `msgspec.DecodeError`."""
    try:
        return _decode_item(raw)
    except msgspec.ValidationError as problem:
        fields = _decode_anything(raw)
        if not isinstance(fields, dict):
            raise
        mended = {}
        for name, value in fields.items():
            if name in _PLAIN and isinstance(value, list | dict):
                if name in _TIMES:  # the receipt would silently become the time of the event
                    raise problem
                continue
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            mended[name] = str(value) if name in ("event", "type") and is_number else value
        return _decode_item(_encode(mended))


def _too_large(raw: msgspec.Raw) -> Rejected:
    size = len(memoryview(raw))
    detail = f"an event has at most {LARGEST_EVENT} bytes, this one {size}"
    if size > LARGEST_KEPT:
        detail += f", of which the first {LARGEST_KEPT} are kept"
    return Rejected("too_large", detail, bytes(memoryview(raw)[:LARGEST_KEPT]))


def _event(raw: msgspec.Raw, item: _Item, request: _Request, index: int) -> WireEvent:
    received_at = request.received_at
    named = request.kind or item.type
    if named not in KINDS:
        raise _InvalidError(f"`type` is {named!r}; write one of {', '.join(sorted(KINDS))}")
    of_type = cast(EventType, named)
    context = _object(item.context, "context")
    if request.context:
        context = _merged(_object(request.context, "context"), context)
    properties, head = _facts(item, of_type, context)
    context = readable_context(properties, context)
    stated, sent_at = _times(item, request.sent_at)
    # A sender that states both `timestamp` and `originalTimestamp` has dated the event itself.
    dated = item.timestamp is not None and item.original_timestamp is not None
    occurred_at = corrected_time(stated, None if dated else sent_at, received_at)
    if occurred_at < _EARLIEST:
        raise _InvalidError("`timestamp` lies before 1970")
    channel = _text(item.channel)
    if channel is None and of_type not in ("page", "screen"):
        head = head or _head(context)
        library = _text(head.library.name) if head.library is not None else None
    else:
        library = None
    users, visitors = _text(item.user_id), _text(item.anonymous_id)
    user_id, anonymous_id = usable_id(users), usable_id(visitors)
    context = _with_own_form(context, {"userId": (users, user_id),
                                       "anonymousId": (visitors, anonymous_id)})  # fmt: skip
    return WireEvent(
        message_id=_message_id(item, raw, received_at, index),
        type=of_type,
        occurred_at=occurred_at,
        received_at=received_at,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=usable_id(_text(item.previous_id)) if of_type == "alias" else None,
        channel=channel_of(of_type, channel, library),
        name=_name(item, of_type),
        properties=properties,
        context=context,
        sent_at=sent_at,
        source=request.source,
        stated_at=stated if dated_ahead(stated, sent_at, received_at) else None,
    )


def _with_own_form(
    context: msgspec.Raw, ids: Mapping[str, tuple[str | None, str | None]]
) -> msgspec.Raw:
    """The context with the ids as they were sent, where Daehwa keeps them in another form."""
    own = {
        name: sent
        for name, (sent, kept) in ids.items()
        if sent is not None and kept is not None and not sent.isascii() and sent.strip() != kept
    }
    if not own:
        return context
    return _merged(context, msgspec.Raw(_encode({"as_sent": own})))


def _facts(
    item: _Item, kind: EventType, context: msgspec.Raw
) -> tuple[msgspec.Raw, _ContextHead | None]:
    """What becomes the event's properties: an identify's and a group's are its traits, which some
    libraries write into the context only."""
    if kind in ("identify", "group"):
        traits = _object(item.traits, "traits")
        if traits is not _NOTHING or kind == "group":
            return traits, None
        head = _head(context)
        return _object(head.traits, "context.traits"), head
    return _object(item.properties, "properties"), None


def _times(item: _Item, batched_sent_at: int | None) -> tuple[int | None, int | None]:
    """(what the sender says when it happened, when it sent it), in milliseconds."""
    first = item.timestamp if item.timestamp is not None else item.original_timestamp
    try:
        stated = parse_time(first)
    except (ValueError, OverflowError):
        raise _InvalidError(f"`timestamp` is {first!r}; write it as ISO 8601") from None
    sent_at = _forgiving_time(item.sent_at)
    return stated, batched_sent_at if sent_at is None else sent_at


def _forgiving_time(value: str | float | None) -> int | None:
    """A time that only corrects: one that is none corrects nothing."""
    try:
        found = parse_time(value)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _EARLIEST <= found <= _LATEST else None


def _message_id(item: _Item, raw: msgspec.Raw, received_at: int, index: int) -> str:
    """The item's own id, or one made of its bytes; a placeholder such as `undefined` is no id.

    Made of bytes and not at random, so that what is sent again unchanged counts once. Equal bytes
    that bear no time may be two happenings: theirs is made of the moment and place of receipt too.
    """
    stated = _text(item.message_id)
    given = usable_id(stated)
    if given is not None and len(given) <= MAX_MESSAGE_ID_LENGTH:
        return given
    if given is not None:
        return REPLACED + xxh3_128_hexdigest(given.encode("utf-8", "surrogatepass"))
    content = bytes(raw)
    if item.timestamp is None and item.original_timestamp is None:
        content += b"\x1f%d\x1f%d" % (received_at, index)
    return ("bytes-" if stated is None else REPLACED) + xxh3_128_hexdigest(content)


def _name(item: _Item, kind: EventType) -> str | None:
    if kind == "track":
        if not item.event or not item.event.strip():
            raise _InvalidError("a track event needs `event`")
        return item.event
    if kind == "group":
        group = usable_id(_text(item.group_id))
        if group is None:
            raise _InvalidError("a group event needs `groupId`")
        return group
    if kind in ("page", "screen"):
        parts = [part for part in (_text(item.category), _text(item.name)) if part]
        return " ".join(parts) or None
    return None


def _text(value: Scalar) -> str | None:
    """Ids come as numbers too; 7 and 7.0 are the same id."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(raw: msgspec.Raw, name: str) -> msgspec.Raw:
    """The JSON object in `raw`; an empty one where there is none."""
    data = bytes(raw)
    if data in _NO_OBJECT or (
        len(data) < _SHORT and data.translate(None, b" \t\r\n") in _NO_OBJECT
    ):
        return _NOTHING
    if not data.startswith(b"{"):
        raise _InvalidError(f"`{name}` is no object")
    return raw


def _head(context: msgspec.Raw) -> _ContextHead:
    try:
        return _decode_head(context)
    except msgspec.ValidationError:
        return _NO_HEAD


def _merged(batched: msgspec.Raw, own: msgspec.Raw) -> msgspec.Raw:
    """The batch's context under the item's own."""
    if batched is _NOTHING:
        return own
    if own is _NOTHING:
        return batched
    return msgspec.Raw(_encode({**_decode_fields(batched), **_decode_fields(own)}))
