"""Dead letters: a closed, documented list of reasons, and what reading one again comes to."""

import json
import re
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.dead_letters.filter import DeadLetterFilter
from schemas.dead_letter import DeadLetter, DeadLetterReason
from streams.codec.codec import decode_envelope
from streams.dead_letters.dead_letter import dead_letter, shown_payload
from streams.dead_letters.replay import Again, AgainForArchive, StillDead, read_letter
from streams.privacy.scrubbing import Scrubbing
from streams.tracking.body import batch_fields, read_batch, read_single
from streams.tracking.events import read_events
from tests.harness.paths import ROOT

AT = 1_750_000_000_000
REASONS = get_args(DeadLetterReason)


def letter(payload: Any, origin: str, reason: str = "invalid_event", **more: Any) -> DeadLetter:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return dead_letter(reason, "", origin, data, AT, **more)


def replay_of(letter: DeadLetter) -> Any:
    return read_letter(letter, Scrubbing(hashed=frozenset({"phone"}), key=b"k" * 32).scrub)


def event(**fields: Any) -> dict[str, Any]:
    return {
        "message_id": "m",
        "type": "page",
        "user_id": "u",
        "occurred_at": AT,
        "received_at": AT,
        **fields,
    }


def test_every_reason_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "how-to" / "dead-letters.md").read_text(encoding="utf-8")
    section = text.split("## Reasons")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(REASONS)


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"{", b"[1e400]", b'{"a": 1}', b"", b"\x00"])
def test_a_payload_is_shown_as_far_as_it_can_be_read(payload: bytes) -> None:
    shown = msgspec.json.encode(shown_payload(payload))
    ((kind, _),) = msgspec.json.decode(shown, type=dict[str, msgspec.Raw]).items()
    assert kind == {b"\xff\xfe": "hex", b"[1e400]": "json", b'{"a": 1}': "json"}.get(
        payload, "text"
    )


def test_what_may_not_be_kept_is_not_kept_by_a_replay_either() -> None:
    item = {"type": "identify", "userId": "u", "traits": {"phone": "+821012345678"},
            "context": {"ip": "203.0.113.77"}}  # fmt: skip
    (again,) = replay_of(letter(item, "collector:shop/identify"))
    assert b"12345678" not in again.event
    assert b"203.0.113.0" in again.event


def test_an_item_is_read_again_as_it_would_have_been_read() -> None:
    """The route's kind, the batch's time and context, the time of receipt: nothing is lost."""
    batch = {
        "batch": [{"type": "track", "event": "x", "userId": "u", "timestamp": "2025-06-15T15:00Z"}],
        "sentAt": "2025-06-15T15:06:40Z",
        "context": {"library": {"name": "analytics.js"}},
    }
    body = read_batch(json.dumps(batch).encode())
    ((key, first),), _ = read_events(body, None, AT, "shop")
    (again,) = replay_of(
        letter(bytes(body.items[0]), "collector:shop/batch", batch=batch_fields(body))
    )
    assert isinstance(again, Again)
    assert (again.key, again.message_id, again.stood_at) == (key, first.message_id, None)
    (read,), _ = decode_envelope(again.event)
    assert (read.occurred_at, read.received_at, read.channel, read.source) == (
        first.occurred_at,
        AT,
        first.channel,
        "shop",
    )
    assert read.occurred_at != first.sent_at


def test_the_kind_that_the_route_named_is_in_the_origin() -> None:
    item = {"event": "x", "userId": "u"}
    assert isinstance(replay_of(letter(item, "collector:shop/track")), list)
    for older in ("collector:shop", "collector:shop/batch", "collector:shop/tills"):
        assert isinstance(replay_of(letter(item, older)), StillDead)
        assert isinstance(replay_of(letter({**item, "type": "track"}, older)), list)


def test_an_event_of_the_log_goes_back_as_it_stood() -> None:
    (again,) = replay_of(letter(event(), "daehwa.events/3/77[0]", "fold_failed"))
    assert isinstance(again, Again)
    assert (again.key, again.stood_at) == ("u", (3, 77))
    assert decode_envelope(again.event) == decode_envelope(json.dumps(event()).encode())


def test_what_went_round_starts_again_at_its_own_id() -> None:
    went_round = event(key="somebody-else", hops=8)
    (again,) = replay_of(letter(went_round, "daehwa.events/3/77[0]", "forward_loop"))
    (read,), _ = decode_envelope(again.event)
    assert (again.key, read.key, read.hops) == ("u", None, 0)


@pytest.mark.parametrize(
    ("payload", "origin", "reason"),
    [
        ({"event": "x"}, "collector:shop/track", "no_identity"),
        ({"userId": "u"}, "collector:shop/track", "invalid_event"),
        (b"{", "collector:shop/batch", "unreadable"),
        (b"\xff", "collector:shop/batch", "unreadable"),
        (b"x" * 40_000, "collector:shop/batch", "too_large"),
        (b"{", "daehwa.events/0/1[0]", "unreadable"),
        ({"type": "track"}, "daehwa.events/0/1[0]", "invalid_event"),
        (event(user_id="null"), "daehwa.events/0/1[0]", "no_identity"),
        (event(), "somewhere else", "invalid_event"),
    ],
)
def test_what_would_be_dead_again_says_why(payload: Any, origin: str, reason: str) -> None:
    found = replay_of(letter(payload, origin))
    assert isinstance(found, StillDead)
    assert found.reason == reason


def test_what_the_archive_refused_goes_into_the_archive() -> None:
    found = replay_of(letter([event()], "daehwa.events_stored/3/77", "archive_refused"))
    assert isinstance(found, AgainForArchive)
    assert (found.table, found.partition, found.offset) == ("daehwa.events_stored", 3, 77)


origins = st.sampled_from(
    ["collector:s", "collector:s/track", "collector:s/batch", "daehwa.events/1/2[3]", "", "x/1/2"]
)


@given(st.binary(max_size=200), origins, st.sampled_from(REASONS), st.binary(max_size=50))
def test_no_letter_breaks_a_replay(payload: bytes, origin: str, reason: str, batch: bytes) -> None:
    first = replay_of(letter(payload, origin, reason, batch=batch))
    assert first == replay_of(letter(payload, origin, reason, batch=batch))


def test_a_cut_off_item_cannot_smuggle_in_others() -> None:
    item = b'{"userId":"u","type":"page"}],"x":[{"userId":"v","type":"page"}'
    assert isinstance(replay_of(letter(item, "collector:shop/batch")), StillDead)


def test_a_retry_of_a_bad_item_is_the_same_letter() -> None:
    one = read_single(b'{"a": 1}')
    letters = [
        letter(bytes(one.items[0]), "collector:shop/batch", batch=batch)
        for batch in (b'{"sentAt": 1}', b'{"sentAt": 2}')
    ]
    assert len({found.id for found in letters}) == 1


def test_filters_join() -> None:
    condition, values = DeadLetterFilter(
        reason="too_large", since=-5, origin="collector:"
    ).condition()
    assert condition.count(" AND ") == 4
    assert values == {"reason": "too_large", "state": "open", "since": 0, "origin": "collector:"}
