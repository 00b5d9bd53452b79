"""What the archive gives back is what the fold was given."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from infra.playbook.playbook_file import read_playbook
from infra.rebuilding.definitions import Definers
from infra.rebuilding.expirations import Expirations
from infra.rebuilding.profile_spool import ProfileSpool
from infra.rebuilding.replay import ReplayPlan, replay_partition
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import Event
from streams.archive.replay import REPLAY_COLUMNS, replayed_event, replayed_owner
from streams.archive.rows import Place, event_columns
from streams.archive.tables import EVENT_COLUMNS
from streams.codec.codec import (
    decode_envelope,
    decode_wire_envelope,
    encode_envelope,
    encode_event,
    encode_profile,
)
from streams.definitions.definitions import Definitions
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import profile_key
from tests.harness.histories import BEGIN, DAY, event, fold_all, histories, law

BOOK = read_playbook(SHIPPED_PLAYBOOK)
LIVES = Expirations(long=30 * DAY, short=3 * DAY)


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


def replayed(*happened: Event, archived_at: list[int] | None = None) -> ProfileSpool:
    """The spool after these events, archived when they were received unless said."""
    rows = archived(encode_envelope([encode_event(each) for each in happened]))
    times = archived_at or [each.received_at for each in happened]
    spool = ProfileSpool(Path(":memory:"))
    block = [(*row, at) for row, at in zip(rows, times, strict=True)]
    plan = ReplayPlan(Definers(Definitions(), BOOK), 1, LIVES)
    replay_partition([block], spool, 0, plan, lambda _: None)
    return spool


@law
@given(histories())
def test_a_replay_gives_the_profile_of_the_fold(history: list[Event]) -> None:
    spool = replayed(*history)
    (values,) = list(spool.profiles()) or [{}]
    # A visitor's profile of that name is another one; the history is of u1.
    expected = fold_all(history)
    if history:
        assert values["u1"][0] == encode_profile(expected)
        assert {
            kind: due for found in spool.deadlines() for (kind, _), due in found.items()
        } == expected.decisions.deadlines
    spool.close()


def test_a_visitor_who_was_forgotten_begins_anew_and_a_customer_does_not() -> None:
    later = BEGIN + 4 * DAY
    looked = [
        event("1", "page", anonymous_id="a1", properties={"path": "/products/hat"}),
        event("2", "page", user_id="u1", properties={"path": "/products/hat"}),
        event("3", "page", anonymous_id="a1", occurred_at=later),
        event("4", "page", user_id="u1", occurred_at=later),
    ]
    found = replayed(*looked).read(["a1", "u1"])
    assert {key: profile.lifecycle.events for key, profile in found.items()} == {"a1": 1, "u1": 2}
    # What counts is when it came, not when a sender says it did.
    at_once = replayed(*looked, archived_at=[later] * 4).read(["a1"])
    assert at_once["a1"].lifecycle.events == 2
