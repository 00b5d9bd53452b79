"""Decodes Kafka records to events; undecodable ones become dead letters."""

from collections.abc import Mapping, Sequence

import msgspec

from infra.kafka.record import Record
from schemas.dead_letter import DeadLetter
from schemas.effect import Dead
from schemas.event import Event
from streams.codec.codec import (
    Unreadable,
    decode_addressees,
    decode_envelope,
    find_payload,
    pieces_of,
)
from streams.dead_letters.dead_letter import dead_letter
from streams.definitions.definitions import Adoption, adoption_of
from streams.identity.profile_key import profile_key

Keys = Sequence[str | None]
"""Of a record: the profile key of each of its events, None where no id is usable."""


class Reading(msgspec.Struct, frozen=True):
    """The contents of a record."""

    events: list[tuple[str, Event]]
    """(profile key, event), in the order of the log."""
    dead_letters: list[DeadLetter]
    adoptions: list[tuple[int, Adoption]]
    """(how many of the events come before it, control record), in the order of the log."""


def keys_of(record: Record) -> Keys:
    """The profile keys of the record's events. Never raises for its content."""
    return [profile_key(one) for one in decode_addressees(record.value or b"")]


def read_record(record: Record, keys: Keys) -> Reading:
    """The events in the record's value; `keys` is the result of `keys_of`. Never raises for its
    content."""
    found, unreadable = decode_envelope(record.value or b"")
    if unreadable:  # keys of undecodable parts are among them
        keys = [profile_key(event) for event in found]
    events: list[tuple[str, Event]] = []
    letters: list[DeadLetter] = []
    adoptions: list[tuple[int, Adoption]] = []
    for key, event in zip(keys, found, strict=True):
        if key is not None:
            events.append((key, event))
            continue
        adoption = adoption_of(event)
        if adoption is not None:
            adoptions.append((len(events), adoption))
            continue
        no_identity = Dead("no_identity", "neither user_id nor anonymous_id is usable")
        letters.append(letter_of(record, event, no_identity))
    return Reading(events, letters + _no_events(record, unreadable), adoptions)


def _no_events(record: Record, unreadable: Sequence[Unreadable]) -> list[DeadLetter]:
    return [
        dead_letter(
            piece.reason,
            piece.detail,
            f"{_origin(record)}[{piece.index}]",
            piece.payload,
            _timestamp(record),
        )
        for piece in unreadable
    ]


def letters_of(records: Sequence[Record], dead: Sequence[tuple[Event, Dead]]) -> list[DeadLetter]:
    """The dead letters of events that were read from the records and could not be folded."""
    letters = []
    for event, reason in dead:
        for record in records:
            found, _ = decode_envelope(record.value or b"")
            if event in found:
                letters.append(letter_of(record, event, reason))
                break
    return letters


def letters_about(records: Sequence[Record], why: Mapping[str, Dead]) -> list[DeadLetter]:
    """The dead letters of every event of these profiles (profile key -> why), in the order of the
    log. Reads each record once."""
    return [
        _letter(record, index, payload, dead)
        for record in records
        for index, payload, event in pieces_of(record.value or b"")
        if (dead := why.get(profile_key(event) or "")) is not None
    ]


def letter_of(record: Record, event: Event, dead: Dead) -> DeadLetter:
    """The dead letter of one event of a record."""
    return _letter(record, *find_payload(record.value or b"", event), dead)


def _letter(record: Record, index: int, payload: bytes, dead: Dead) -> DeadLetter:
    return dead_letter(
        dead.reason, dead.detail, f"{_origin(record)}[{index}]", payload, _timestamp(record)
    )


def _origin(record: Record) -> str:
    message = record.message
    return f"{message.topic}/{message.partition}/{message.offset}"


def _timestamp(record: Record) -> int:
    return int((record.message.timestamp or 0) * 1000)
