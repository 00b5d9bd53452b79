"""Codecs of records and profiles. Profiles are msgpack with sorted keys: equal states are equal
bytes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import astuple

from schemas.dead_letter import DeadLetter
from schemas.event import Addressee, Event, WireEvent
from schemas.profile import Profile
from schemas.trigger import Trigger

E = TypeVar("E")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions of msgspec for bytes that are not the struct; the last for unbounded nesting."""

_WITHOUT_ORDERS = Profile.__struct_fields__.index("orders")

_profile_encoder = msgspec.msgpack.Encoder(order="deterministic")
_profile_decoder = msgspec.msgpack.Decoder(Profile)
_envelope_decoder = msgspec.json.Decoder(list[Event] | Event)
_addressees_decoder = msgspec.json.Decoder(list[Addressee] | Addressee)
_wire_envelope_decoder = msgspec.json.Decoder(list[WireEvent] | WireEvent)
_raw_envelope_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_event_decoder = msgspec.json.Decoder(Event)
_wire_event_decoder = msgspec.json.Decoder(WireEvent)
_trigger_decoder = msgspec.json.Decoder(Trigger)
_dead_letter_decoder = msgspec.json.Decoder(DeadLetter)
_json_encoder = msgspec.json.Encoder()


class Unreadable(msgspec.Struct, frozen=True):
    """An undecodable part of an envelope: bytes, place and reason."""

    payload: bytes
    index: int
    reason: str
    detail: str


def encode_profile(profile: Profile) -> bytes:
    """The bytes of a profile; equal profiles have equal bytes.

    What only some customers have is at the end and left out where it is empty: such a profile has
    the bytes that versions before orders wrote.
    """
    if profile.orders or profile.exits or profile.items or profile.claims:
        return _profile_encoder.encode(profile)
    return _profile_encoder.encode(astuple(profile)[:_WITHOUT_ORDERS])


def decode_profile(data: bytes) -> Profile:
    """The profile in the bytes. Raises `UNREADABLE`."""
    return _profile_decoder.decode(data)


def encode_event(event: Event | WireEvent) -> bytes:
    """One event as JSON."""
    return _json_encoder.encode(event)


def encode_envelope(events: list[bytes]) -> bytes:
    """An envelope of events encoded as JSON."""
    return b"[" + b",".join(events) + b"]"


def decode_envelope(data: bytes) -> tuple[list[Event], list[Unreadable]]:
    """The events of a Kafka record's value and its undecodable parts. Never raises."""
    try:
        found = _envelope_decoder.decode(data)
    except UNREADABLE:
        return _piece_by_piece(data, _event_decoder)
    return (found if isinstance(found, list) else [found]), []


def decode_addressees(data: bytes) -> Sequence[Addressee | Event]:
    """The profile keys of a Kafka record's events, in order, in less than half the time of
    `decode_envelope`: one per event, possibly more. Never raises."""
    try:
        found = _addressees_decoder.decode(data)
    except UNREADABLE:
        return decode_envelope(data)[0]
    return found if isinstance(found, list) else [found]


def decode_wire_envelope(data: bytes) -> tuple[list[WireEvent], list[Unreadable]]:
    """As `decode_envelope`, with properties and context left as JSON."""
    try:
        found = _wire_envelope_decoder.decode(data)
    except UNREADABLE:
        return _piece_by_piece(data, _wire_event_decoder)
    return (found if isinstance(found, list) else [found]), []


def _piece_by_piece(
    data: bytes, decoder: "msgspec.json.Decoder[E]"
) -> tuple[list[E], list[Unreadable]]:
    try:
        pieces = _raw_envelope_decoder.decode(data)
    except UNREADABLE as problem:
        if data.lstrip()[:1] == b"[":  # the list itself is broken
            return [], [Unreadable(bytes(data), 0, "unreadable", str(problem))]
        pieces = [msgspec.Raw(data)]
    events: list[E] = []
    unreadable: list[Unreadable] = []
    for index, piece in enumerate(pieces):
        try:
            events.append(decoder.decode(piece))
        except msgspec.ValidationError as problem:
            unreadable.append(Unreadable(bytes(piece), index, "invalid_event", str(problem)))
        except UNREADABLE as problem:
            unreadable.append(Unreadable(bytes(piece), index, "unreadable", str(problem)))
    return events, unreadable


def find_payload(data: bytes, event: Event) -> tuple[int, bytes]:
    """(place in the envelope, bytes as they came) of an event that was decoded from `data`.

    Raises `ValueError` where `data` does not contain it.
    """
    for index, payload, found in pieces_of(data):
        if found == event:
            return index, payload
    raise ValueError(f"event {event.message_id!r} is not in the envelope")


def pieces_of(data: bytes) -> Iterator[tuple[int, bytes, Event]]:
    """(place in the envelope, bytes as they came, event) of every event in it."""
    try:
        pieces = _raw_envelope_decoder.decode(data)
    except UNREADABLE:
        pieces = [msgspec.Raw(data)]
    for index, piece in enumerate(pieces):
        try:
            event = _event_decoder.decode(piece)
        except UNREADABLE:
            continue
        yield index, bytes(piece), event


def encode_trigger(trigger: Trigger) -> bytes:
    """One trigger as JSON."""
    return _json_encoder.encode(trigger)


def decode_trigger(data: bytes) -> Trigger:
    """The trigger in the JSON. Raises `UNREADABLE`."""
    return _trigger_decoder.decode(data)


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """One dead letter as JSON, its payload in base64."""
    return _json_encoder.encode(letter)


def decode_dead_letter(data: bytes) -> DeadLetter:
    """The dead letter in the JSON. Raises `UNREADABLE`."""
    return _dead_letter_decoder.decode(data)
