"""What the archive gives back is what the fold was given."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from infra.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import Event
from streams.archive_rows import EVENT_COLUMNS, Place, event_columns
from streams.codec import decode_envelope, decode_wire_envelope, encode_envelope, encode_event
from streams.identity import profile_key
from streams.partitioning import partition_of
from streams.replaying import REPLAY_COLUMNS, replayed_event, replayed_owner
from tests.unit.histories import event, histories, law

BOOK = read_playbook(SHIPPED_PLAYBOOK)


def archived(envelope: bytes) -> list[list[Any]]:
    """The rows that a rebuild reads, as the archive keeps an envelope."""
    found, _ = decode_wire_envelope(envelope)
    columns = event_columns([(Place("log", 0, 1), found)], BOOK)
    named = dict(zip(EVENT_COLUMNS, columns, strict=True))
    sought = [
        named[name.removeprefix("toUnixTimestamp64Milli(").rstrip(")")] for name in REPLAY_COLUMNS
    ]
    return [
        [value.encode() if isinstance(value, str) else value for value in row]
        for row in zip(*sought, strict=True)
    ]


@law
@given(histories())
def test_an_event_comes_back_as_it_was_folded(history: list[Event]) -> None:
    envelope = encode_envelope([encode_event(happened) for happened in history])
    folded, _ = decode_envelope(envelope)
    assert [replayed_event(row) for row in archived(envelope)] == folded


@pytest.mark.parametrize("fields", [
    {"type": "link", "key": "v", "properties": {"to": "c", "alias": True}},
    {"type": "timer", "key": "c", "name": "left", "properties": {"kind": "left", "due": 5}},
    {"type": "contact", "key": "c", "user_id": "other", "direction": "inbound", "operator": "Kim"},
    {"type": "alias", "user_id": "c", "previous_id": "d"},
    {"type": "page", "anonymous_id": "v", "context": {"page": {"path": "/products/hat"}}},
    {"type": "track", "anonymous_id": "v", "key": "c", "hops": 2, "name": "Order Completed"},
])  # fmt: skip
def test_every_field_the_fold_reads_comes_back(fields: dict[str, Any]) -> None:
    envelope = msgspec.json.encode(
        [{"message_id": "é", "occurred_at": 1, "received_at": 2, "source": "shop", **fields}]
    )
    (folded,), _ = decode_envelope(envelope)
    (row,) = archived(envelope)
    found = replayed_event(row)
    assert found == folded
    assert profile_key(found) == profile_key(folded)


@pytest.mark.parametrize("fields", [{"properties": [1]}, {"context": {"page": 7}}])
def test_what_no_worker_could_fold_is_not_replayed(fields: dict[str, Any]) -> None:
    happened = {"message_id": "m", "type": "page", "occurred_at": 1, "received_at": 2}
    envelope = msgspec.json.encode([{**happened, "user_id": "u", **fields}])
    assert decode_envelope(envelope)[0] == []
    (row,) = archived(envelope)
    assert replayed_event(row) is None


def test_an_event_is_folded_where_its_profile_lives() -> None:
    happened = event("m", user_id="u1", anonymous_id="a1")
    own = partition_of("u1", 8)
    assert replayed_owner(happened, own, 8) == "u1"
    assert replayed_owner(happened, (own + 1) % 8, 8) is None
    copy = replace(happened, key="u2", hops=1)
    assert replayed_owner(copy, partition_of("u2", 8), 8) == "u2"
    nobody = replace(happened, user_id="null", anonymous_id=None)
    assert replayed_owner(nobody, own, 8) is None
