"""Bytes in, events out: what is broken is kept, what is whole is read."""

import json

import pytest
from hypothesis import given

from schemas.dead_letter import DeadLetter
from schemas.event import Event
from streams.codec.codec import (
    decode_dead_letter,
    decode_envelope,
    decode_wire_envelope,
    encode_dead_letter,
    encode_envelope,
    encode_event,
)
from tests.harness.histories import BEGIN, event, histories, law

GOOD = encode_event(event("m1", name="Product Viewed", user_id="u1", properties={"a": 1}))


@law
@given(histories(12))
def test_an_event_survives_its_json(history: list[Event]) -> None:
    data = encode_envelope([encode_event(happened) for happened in history])
    assert decode_envelope(data) == (history, [])
    wire, unreadable = decode_wire_envelope(data)
    assert not unreadable
    assert decode_envelope(encode_envelope([encode_event(e) for e in wire])) == (history, [])


def test_one_event_needs_no_list() -> None:
    assert decode_envelope(GOOD) == decode_envelope(b"[" + GOOD + b"]")


def test_what_the_fold_does_not_read_is_no_hindrance() -> None:
    fields = json.loads(GOOD) | {
        "context": {"ip": [1], "page": {"path": "/a", "search": 7}},
        "x": 1,
    }
    events, unreadable = decode_envelope(json.dumps(fields).encode())
    assert not unreadable
    assert events[0].context.page is not None
    assert events[0].context.page.path == "/a"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"{}", "invalid_event"),
        (b"null", "invalid_event"),
        (b"7", "invalid_event"),
        (GOOD.replace(b'"track"', b'"tracked"'), "invalid_event"),
        (GOOD.replace(b'"m1"', b"1"), "invalid_event"),
        (GOOD.replace(str(BEGIN).encode(), b"0"), "invalid_event"),
        (GOOD.replace(b'"u1"', b'"u1","channel":"' + b"c" * 65 + b'"'), "invalid_event"),
        (GOOD.replace(b"u1", b"\xff"), "unreadable"),
    ],
)
def test_a_broken_event_does_not_condemn_the_good_ones(broken: bytes, reason: str) -> None:
    for decode in (decode_envelope, decode_wire_envelope):
        events, unreadable = decode(b"[" + GOOD + b"," + broken + b"," + GOOD + b"]")
        assert [happened.message_id for happened in events] == ["m1", "m1"]
        (part,) = unreadable
        assert (part.payload, part.index, part.reason) == (broken, 1, reason)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"[", b'{"a":', b"\xff\xfe", GOOD[:-1], b"[" + GOOD]
)
def test_broken_json_is_kept_whole(data: bytes) -> None:
    events, (part,) = decode_envelope(data)
    assert events == []
    assert (part.payload, part.reason) == (data, "unreadable")


def test_an_empty_envelope_is_nothing() -> None:
    assert decode_envelope(b"[]") == ([], [])


def test_a_dead_letter_keeps_any_bytes() -> None:
    letter = DeadLetter(
        id="d1", reason="unreadable", detail="x", origin="o", at=BEGIN, payload=bytes(range(256))
    )
    assert decode_dead_letter(encode_dead_letter(letter)) == letter
