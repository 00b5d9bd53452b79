"""The tracking protocol into events: what unmodified SDKs sent, and what broken senders do."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import Event, WireEvent
from streams.codec.codec import decode_envelope, encode_envelope, encode_event
from streams.tracking.body import (
    LARGEST_CONTEXT,
    LARGEST_KEPT,
    LARGEST_SPREAD,
    MAX_EVENTS,
    BodyError,
    read_batch,
    read_single,
)
from streams.tracking.channels import channel_of
from streams.tracking.events import LARGEST_EVENT, Rejected, read_events
from streams.tracking.times import corrected_time, parse_time
from tests.harness.paths import CAPTURES

RECEIVED = 1_795_292_400_000
KINDS = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}


def captures() -> Iterator[Any]:
    for file in sorted(CAPTURES.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines()):
            yield pytest.param(json.loads(line), id=f"{file.stem}{number}")


def take(
    body: Any, kind: str | None = None, received_at: int = RECEIVED
) -> tuple[list[WireEvent], list[Rejected]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = read_batch(data) if kind is None else read_single(data)
    events, rejected = read_events(found, kind, received_at, "shop")
    return [event for _, event in events], rejected


def one(item: dict[str, Any], kind: str = "track", **batch: Any) -> WireEvent:
    """The event of an item that is sent in a batch."""
    events, rejected = take({"batch": [{"type": kind, **item}], **batch})
    assert rejected == []
    (event,) = events
    return event


def refusal(item: Any) -> Rejected:
    events, rejected = take({"batch": [item]})
    assert events == []
    (found,) = rejected
    return found


@pytest.mark.parametrize("request_", captures())
def test_every_event_of_an_unmodified_sdk_is_taken(request_: dict[str, Any]) -> None:
    name = request_["path"].partition("?")[0].rsplit("/", 1)[1]
    body = request_["body"]
    batched = "batch" in body
    events, rejected = take(body, None if batched else KINDS[name[0]])
    assert rejected == []
    items = body["batch"] if batched else [body]
    assert len(events) == len(items)
    for event, item in zip(events, items, strict=True):
        assert event.message_id == item["messageId"]
        assert event.type == item["type"]
        assert event.user_id == (item.get("userId") or None)
        assert event.anonymous_id == (item.get("anonymousId") or None)
        assert event.source == "shop"
        assert 0 < event.occurred_at <= RECEIVED
        if event.type not in ("identify", "group"):
            assert msgspec.json.decode(event.properties) == (item.get("properties") or {})
        assert msgspec.json.decode(event.context) == item["context"]


@pytest.mark.parametrize("request_", captures())
def test_what_is_taken_can_be_folded(request_: dict[str, Any]) -> None:
    name = request_["path"].partition("?")[0].rsplit("/", 1)[1]
    kind = None if "batch" in request_["body"] else KINDS[name[0]]
    events, _ = take(request_["body"], kind)
    found, unreadable = decode_envelope(b"[" + b",".join(map(encode_event, events)) + b"]")
    assert unreadable == []
    assert all(isinstance(event, Event) for event in found)


@pytest.mark.parametrize(
    ("capture", "channels"),
    [
        ("browser_segment_batch", {"web"}),
        ("browser_rudder_batch", {"web"}),
        ("py_segment", {"server", "web", "app"}),  # a page is on the web, a screen in an app
        ("node_segment", {"server", "web", "app"}),
        ("py_rudder", {"server", "web", "app"}),
    ],
)
def test_the_channel_is_where_it_happened(capture: str, channels: set[str]) -> None:
    lines = (CAPTURES / f"{capture}.jsonl").read_text().splitlines()
    events = [event for line in lines for event in take(json.loads(line)["body"])[0]]
    assert {event.channel for event in events} == channels
    assert {event.channel for event in events if event.type == "page"} == {"web"}


@pytest.mark.parametrize(
    ("stated", "library", "channel"),
    [
        ("mobile", None, "app"),
        ("store", "analytics-python", "store"),
        ("daehwa", None, "web"),
        ("server", None, "server"),
        (None, "analytics-ios", "app"),
        (None, "@segment/analytics-react-native", "app"),
        (None, "RudderLabs JavaScript SDK", "web"),
        (None, "analytics-java", "server"),
        (None, None, "web"),
        ("<script>", None, "web"),
        ("x" * 100, None, "web"),
    ],
)
def test_channel_words(stated: str | None, library: str | None, channel: str) -> None:
    assert channel_of("track", stated, library) == channel


def test_identify_takes_traits_from_the_context_where_it_has_none_of_its_own() -> None:
    own = one(
        {"userId": "u", "traits": {"plan": "a"}, "context": {"traits": {"plan": "b"}}}, "identify"
    )
    assert own.properties == msgspec.Raw(b'{"plan": "a"}')
    context = one({"userId": "u", "context": {"traits": {"plan": "b"}}}, "identify")
    assert context.properties == msgspec.Raw(b'{"plan": "b"}')


def test_names() -> None:
    assert one({"userId": "u", "event": "Order Completed"}).name == "Order Completed"
    assert one({"userId": "u", "name": "Home"}, "page").name == "Home"
    assert one({"userId": "u", "name": "Home", "category": "Retail"}, "page").name == "Retail Home"
    assert one({"userId": "u"}, "page").name is None
    assert one({"userId": "u", "groupId": 7}, "group").name == "7"


def test_ids_come_as_numbers_nulls_and_nonsense() -> None:
    event = one({"userId": 12345, "anonymousId": None, "event": "E"})
    assert (event.user_id, event.anonymous_id) == ("12345", None)
    event = one({"userId": "null", "anonymousId": 7.0, "event": "E"})
    assert (event.user_id, event.anonymous_id) == (None, "7")
    assert one({"userId": "u2", "previousId": "u1"}, "alias").previous_id == "u1"
    assert one({"userId": "u2", "previousId": "undefined"}, "alias").previous_id is None


def test_the_key_is_the_customer_else_the_visitor() -> None:
    data = {"batch": [{"type": "page", "userId": "u", "anonymousId": "a"},
                      {"type": "page", "userId": "", "anonymousId": "a"}]}  # fmt: skip
    events, _ = read_events(read_batch(json.dumps(data).encode()), None, RECEIVED, "shop")
    assert [key for key, _ in events] == ["u", "a"]


def test_the_context_of_the_batch_stands_under_the_items_own() -> None:
    event = one(
        {"userId": "u", "context": {"ip": "1", "page": {"path": "/a"}}}, "page",
        context={"ip": "2", "locale": "ko"},
    )  # fmt: skip
    assert msgspec.json.decode(event.context) == {"ip": "1", "locale": "ko", "page": {"path": "/a"}}
    assert one({"userId": "u"}, "page", context={"a": 1}).context == msgspec.Raw(b'{"a": 1}')


@pytest.mark.parametrize(
    "odd",
    [
        {"properties": [], "context": []}, {"properties": [ ], "context": ""},
        {"properties": None, "context": False}, {"messageId": []}, {"messageId": {"a": 1}},
        {"messageId": "m" * 101}, {"anonymousId": []}, {"event": 404}, {"channel": {}},
        {"context": {"page": []}}, {"context": {"page": {"path": 404}}}, {"context": {"page": "x"}},
        {"timestamp": ""},
    ],
)  # fmt: skip
def test_one_odd_field_does_not_condemn_an_event(odd: dict[str, Any]) -> None:
    item = {"type": "track", "userId": "u", "event": "E", **odd}
    events, rejected = read_events(
        read_batch(json.dumps({"batch": [item]}).encode()), None, RECEIVED, "shop"
    )
    assert not rejected
    data = encode_envelope([encode_event(events[0][1])])
    decoded, broken = decode_envelope(data)
    assert not broken
    assert decoded[0].name == str(odd.get("event", "E"))


@pytest.mark.parametrize(
    ("item", "reason", "detail"),
    [
        ({"type": "track", "userId": "u"}, "invalid_event", "event"),
        ({"type": "track", "userId": "u", "event": "  "}, "invalid_event", "event"),
        ({"type": "group", "userId": "u"}, "invalid_event", "groupId"),
        ({"type": "timer", "userId": "u"}, "invalid_event", "type"),
        ({"type": "merge", "userId": "u"}, "invalid_event", "type"),
        ({"userId": "u", "event": "E"}, "invalid_event", "type"),
        ({"type": "page", "event": "E"}, "no_identity", "userId"),
        ({"type": "page", "userId": "0", "anonymousId": "undefined"}, "no_identity", "userId"),
        ({"type": "page", "userId": {"a": 1}}, "no_identity", "userId"),
        ({"type": "page", "userId": "u", "timestamp": {"$date": 1}}, "invalid_event", "timestamp"),
        ({"type": "page", "userId": "u", "timestamp": 45672}, "invalid_event", "ISO"),
        ({"type": "page", "userId": "u", "timestamp": "yesterday"}, "invalid_event", "ISO"),
        ({"type": "page", "userId": "u", "timestamp": "1969-12-31"}, "invalid_event", "1970"),
        ({"type": "page", "userId": "u", "properties": [1]}, "invalid_event", "properties"),
        ({"type": "page", "userId": "u", "context": "x"}, "invalid_event", "context"),
        ({"type": "page", "userId": "u", "name": "y" * LARGEST_EVENT}, "too_large", "32768"),
        (7, "invalid_event", "object"),
        (None, "invalid_event", "object"),
    ],
)  # fmt: skip
def test_what_is_no_event_says_why_and_is_kept_whole(item: Any, reason: str, detail: str) -> None:
    found = refusal(item)
    assert found.reason == reason
    assert detail in found.detail
    assert json.loads(found.payload) == item


def test_of_an_event_of_megabytes_the_beginning_is_kept_and_its_batch_goes_on() -> None:
    events, (huge,) = take(
        {"batch": [{"type": "page", "userId": "u", "name": "y" * LARGEST_KEPT},
                   {"type": "page", "userId": "u"}]}
    )  # fmt: skip
    assert [event.user_id for event in events] == ["u"]
    assert huge.reason == "too_large"
    assert len(huge.payload) == LARGEST_KEPT
    assert f"the first {LARGEST_KEPT} are kept" in huge.detail


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_a_bad_item_does_not_condemn_the_good_ones(which: list[bool]) -> None:
    items = [
        {"type": "track", "userId": f"u{n}", **({"event": "E"} if good else {})}
        for n, good in enumerate(which)
    ]
    events, rejected = take({"batch": items})
    assert [event.user_id for event in events] == [f"u{n}" for n, good in enumerate(which) if good]
    assert [json.loads(one.payload)["userId"] for one in rejected] == [
        f"u{n}" for n, good in enumerate(which) if not good
    ]


def test_a_message_without_id_counts_once_however_often_it_is_sent() -> None:
    item = {"userId": "u", "event": "E", "timestamp": "2026-01-02T03:04:05Z"}
    first, again = (
        take({"batch": [{"type": "track", **item}]}, None, at)[0][0] for at in (5000, 9000)
    )
    assert first.message_id == again.message_id
    other = one({**item, "event": "F"})
    assert other.message_id != first.message_id


def test_equal_messages_without_id_and_time_are_two_happenings() -> None:
    item = {"type": "track", "userId": "u", "event": "E"}
    events, _ = take({"batch": [item, item]})
    later, _ = take({"batch": [item]}, None, RECEIVED + 1)
    assert len({event.message_id for event in events + later}) == 3


def spread(size: int, items: int) -> bytes:
    """A batch of so many items whose own context has a little more than `size` bytes."""
    return b'{"context":{"x":"%s"},"batch":[%s]}' % (b"x" * size, b",".join([b"{}"] * items))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_body"),
        (b"{}", 400, "invalid_body"),
        (b'{"batch": 1}', 400, "invalid_body"),
        (b'{"batch":' + b"[" * 100_000, 400, "invalid_json"),
        (b'{"batch": [' + b"1," * MAX_EVENTS + b"1]}", 413, "too_many_events"),
        (spread(LARGEST_CONTEXT, 1), 413, "context_too_large"),
        (spread(LARGEST_SPREAD // 1000, 1000), 413, "context_too_large"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(body: bytes, status: int, code: str) -> None:
    with pytest.raises(BodyError) as refused:
        read_batch(body)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.message


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),  # half an emoji, as JavaScript's substring leaves it
        (rb'"cut \udc00 \\ud83d"', "cut \ufffd \\ud83d"),
        (rb'"whole \ud83d\ude00"', "whole \U0001f600"),
        (b'"latin \xe9"', "latin \ufffd"),
        (b"NaN", None),  # as Python's json writes it
    ],
)
def test_an_odd_text_does_not_condemn_its_batch(title: bytes, read: str | None) -> None:
    odd = b'{"type":"page","userId":"u","properties":{"title":' + title + b"}}"
    events, rejected = take(b'{"batch":[{"type":"page","userId":"v"},' + odd + b"]}")
    assert rejected == []
    assert msgspec.json.decode(events[1].properties) == {"title": read}
    single, _ = take(odd, "page")
    assert msgspec.json.decode(single[0].properties) == {"title": read}


def test_a_byte_order_mark_is_no_offence() -> None:
    assert take(b'\xef\xbb\xbf{"batch":[{"type":"page","userId":"u"}]}')[1] == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.234567+00:00", 1234),
        ("1970-01-01T01:00:01.5+01:00", 1500),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T00:00:01.123456789Z", 1123),
        (1_795_292_400, 1_795_292_400_000),
        (1_795_292_400_123, 1_795_292_400_123),
        (None, None),
        ("", None),
    ],
)
def test_times_as_senders_write_them(text: str | float | None, at: int | None) -> None:
    assert parse_time(text) == at


instants = st.integers(min_value=1, max_value=4_000_000_000_000)
skews = st.integers(min_value=-(10**11), max_value=10**11)


@given(instants, st.integers(min_value=0, max_value=10**9), skews, st.integers(0, 10**6))
def test_a_wrong_clock_changes_nothing(happened: int, waited: int, skew: int, travel: int) -> None:
    sent = happened + waited
    received = sent + travel
    right = corrected_time(happened, sent, received)
    assert corrected_time(happened + skew, sent + skew, received) == right
    assert right == happened + travel


@given(st.none() | instants, st.none() | instants, instants)
def test_nothing_happens_after_its_receipt(
    stated: int | None, sent: int | None, received: int
) -> None:
    assert corrected_time(stated, sent, received) <= received
    if stated is None:
        assert corrected_time(stated, sent, received) == received
    elif sent is None:
        assert corrected_time(stated, sent, received) == min(stated, received)


def test_sent_at_stands_in_the_item_or_in_the_envelope() -> None:
    item = {"userId": "u", "event": "E", "timestamp": "2026-11-21T10:00:00Z"}
    batched = one(item, sentAt="2026-11-21T10:00:05Z")
    assert batched.occurred_at == RECEIVED - 5000
    own = one({**item, "sentAt": "2026-11-21T10:00:07Z"}, sentAt="2026-11-21T10:00:05Z")
    assert own.occurred_at == RECEIVED - 7000
    rudder = one({"userId": "u", "event": "E", "originalTimestamp": "2026-11-21T10:00:00Z"},
                 sentAt="2026-11-21T10:00:05Z")  # fmt: skip
    assert rudder.occurred_at == RECEIVED - 5000
    assert one(item, sentAt="some time").occurred_at == parse_time(item["timestamp"])


def test_an_import_keeps_its_dates() -> None:
    past = parse_time("1997-05-01T12:00:00Z")
    assert (
        one({"userId": "u", "event": "E", "timestamp": "1997-05-01T12:00:00Z"}).occurred_at == past
    )
    lines = (CAPTURES / "node_rudder.jsonl").read_text().splitlines()
    dated = take(json.loads(lines[1])["body"])[0][0]
    assert dated.occurred_at == parse_time("2026-01-02T03:04:05Z")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "userId", "anonymousId", "event", "messageId", "timestamp",
                             "sentAt", "context", "properties", "traits", "channel", "name"]),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text()
            | st.just("track") | st.dictionaries(st.text(), st.integers()),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_whatever_comes_is_either_an_event_or_rejected(items: list[dict[str, Any]]) -> None:
    events, rejected = take({"batch": items})
    assert len(events) + len(rejected) == len(items)
    for event in events:
        found, unreadable = decode_envelope(b"[" + encode_event(event) + b"]")
        assert len(found) + len(unreadable) == 1
