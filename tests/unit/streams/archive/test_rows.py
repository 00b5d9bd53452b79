"""What the archive makes of the log."""

import re
from typing import Any, get_args

import msgspec
import pytest

from infra.clickhouse.migrations import MIGRATIONS
from infra.clickhouse.statements import split_statements
from infra.playbook.playbook_file import parse_playbook, read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.event import Event, EventType, WireEvent
from schemas.trigger import Trigger
from streams.archive.rows import (
    Place,
    block_token,
    dead_letter_columns,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import (
    DEAD_LETTER_COLUMNS,
    EARLIEST,
    EVENT_COLUMNS,
    LATEST,
    TRIGGER_COLUMNS,
)
from streams.codec.codec import decode_envelope, decode_wire_envelope
from streams.playbook.matching import match_event
from streams.triggers.registry import KINDS
from tests.harness.paths import DOCS

BOOK = read_playbook(SHIPPED_PLAYBOOK)
PLACE = Place("log", 3, 17)


def wire(**fields: Any) -> WireEvent:
    event = {
        "message_id": "m",
        "type": "track",
        "occurred_at": 1,
        "received_at": 2,
        "anonymous_id": "visitor",
        **fields,
    }
    found, unreadable = decode_wire_envelope(msgspec.json.encode(event))
    assert not unreadable
    return found[0]


def row(event: WireEvent) -> dict[str, Any]:
    columns = event_columns([(PLACE, [event])], BOOK)
    return {name: column[0] for name, column in zip(EVENT_COLUMNS, columns, strict=True)}


def test_an_event_is_archived_with_its_place_and_its_json_unchanged() -> None:
    event = msgspec.structs.replace(wire(), properties=msgspec.Raw(b'{"a" : 1.10}'))
    found = row(event)
    assert found["properties"] == b'{"a" : 1.10}'
    assert found["context"] == b"{}"
    assert (found["log_id"], found["log_partition"], found["log_offset"]) == ("log", 3, 17)


def test_events_of_several_records_keep_their_places() -> None:
    records = [
        (Place("log", 0, 5), [wire(message_id="a"), wire(message_id="b")]),
        (Place("log", 1, 9), []),
        (Place("log", 1, 10), [wire(message_id="c")]),
    ]
    columns = dict(zip(EVENT_COLUMNS, event_columns(records, BOOK), strict=True))
    places = ("message_id", "log_partition", "log_offset", "log_index")
    assert list(zip(*(columns[name] for name in places), strict=True)) == [
        ("a", 0, 5, 0),
        ("b", 0, 5, 1),
        ("c", 1, 10, 0),
    ]


def test_no_records_are_no_rows() -> None:
    assert event_columns([], BOOK) == [[] for _ in EVENT_COLUMNS]
    assert trigger_columns([]) == [[] for _ in TRIGGER_COLUMNS]
    assert dead_letter_columns([]) == [[] for _ in DEAD_LETTER_COLUMNS]


HAPPENINGS = [
    {"name": "Product Viewed", "properties": {"category": "Running Shoes", "price": 3}},
    {"name": "Cart Viewed", "properties": {"products": [{"name": "a"}, {"name": "b"}, 7]}},
    {"type": "page", "properties": {"path": "/products/socks/details"}},
    {"type": "page", "properties": {"url": "https://shop.example/products/socks?x=1"}},
    {"type": "page", "context": {"page": {"path": "/shop/products/hat/purchase"}}},
    {"type": "screen", "context": {"page": {"url": "https://shop.example/products/hat"}}},
    {"type": "page", "properties": {"path": ""}, "context": {"page": {"path": "/products/a"}}},
    {"type": "page", "properties": {"path": 7}, "context": {"page": {"path": "/products/a"}}},
    {"type": "page", "properties": {"path": "/products/{}"}},
    {"type": "contact", "name": "complaint.opened", "properties": {"about": "delivery"}},
    {"type": "contact", "channel": "call"},
    {"type": "identify", "properties": {"category": "x"}},
    {"name": "Something Else", "properties": {"category": "x"}},
    {"name": None},
    {"type": "page"},
]


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_topics_and_stages_are_the_ones_the_fold_finds(happening: dict[str, Any]) -> None:
    event = {
        "message_id": "m",
        "type": "track",
        "occurred_at": 1,
        "received_at": 2,
        "user_id": "u",
        **happening,
    }
    folded: list[Event] = decode_envelope(msgspec.json.encode(event))[0]
    matches = match_event(folded[0], BOOK.dispatch).matches
    found = row(wire(**happening))
    assert list(zip(found["topics"], found["stages"], strict=True)) == [
        (match.topic, match.stage) for match in matches
    ]
    assert found["stage_ranks"] == [BOOK.rank(match.topic, match.stage) for match in matches]
    ladders = BOOK.source.ladders
    assert found["stage_ends"] == [ladders[match.place[0]][-1] == match.stage for match in matches]
    assert found["sla_ms"] == [
        48 * 3_600_000 if match.topic.startswith("complaint/") else 0 for match in matches
    ]


def test_an_event_of_two_dialogues_has_a_clock_for_each() -> None:
    text = SHIPPED_PLAYBOOK.read_text(encoding="utf-8").replace(
        "match:\n",
        "match:\n"
        "  - {contact: settled, topic: complaint/delivery, stage: resolved}\n"
        "  - {contact: settled, topic: service/delivery, stage: asked}\n",
    )
    text = text.replace("after: 48h", f"after: {10**9}w")
    columns = event_columns(
        [(PLACE, [wire(type="contact", name="settled")])], parse_playbook(text, "test")
    )
    found = {name: column[0] for name, column in zip(EVENT_COLUMNS, columns, strict=True)}
    assert found["topics"] == ["complaint/delivery", "service/delivery"]
    assert found["stage_ends"] == [1, 0]
    assert found["sla_ms"] == [LATEST, 0], "no longer than times are"


def test_a_forwarded_copy_says_the_same_of_its_dialogues() -> None:
    original = wire(type="contact", name="complaint.resolved", properties={"about": "delivery"})
    copy = msgspec.structs.replace(original, key="customer", hops=1)
    names = ("topics", "stages", "stage_ranks", "stage_ends", "sla_ms")
    assert [row(copy)[name] for name in names] == [row(original)[name] for name in names]
    assert row(copy)["stage_ends"] == [1]


def test_an_order_carries_its_value() -> None:
    found = row(
        wire(
            name="Order Completed",
            properties={"total": "12.34", "currency": "krw", "products": [{"name": "hat"}]},
        )
    )
    assert (found["value_hundredths"], found["currency"]) == (1234, "KRW")
    assert row(wire(name="Product Viewed", properties={"total": 5}))["value_hundredths"] == 0


@pytest.mark.parametrize("properties", ["[1]", "null", '"text"', "7"])
def test_properties_that_are_no_object_are_archived_without_topics(properties: str) -> None:
    event = msgspec.structs.replace(
        wire(name="Product Viewed"), properties=msgspec.Raw(properties.encode())
    )
    found = row(event)
    assert found["topics"] == []
    assert found["properties"] == properties.encode()


def test_a_forwarded_copy_has_the_sender_of_its_original_and_an_address() -> None:
    original = wire(message_id="m", anonymous_id="visitor")
    copy = msgspec.structs.replace(original, key="customer", hops=1)
    assert row(original)["profile_key"] == row(copy)["profile_key"] == "visitor"
    assert (row(original)["addressed_to"], row(original)["copy"]) == ("", 0)
    assert (row(copy)["addressed_to"], row(copy)["copy"]) == ("customer", 1)


def test_a_blocked_user_id_is_not_who_sent_it() -> None:
    assert row(wire(user_id="undefined", anonymous_id="visitor"))["profile_key"] == "visitor"
    assert row(wire(user_id="u", anonymous_id="visitor"))["profile_key"] == "u"
    assert row(wire(anonymous_id=None, key="k", type="timer"))["profile_key"] == "k"


def test_times_and_counts_out_of_range_are_brought_into_it() -> None:
    event = msgspec.structs.replace(
        wire(), occurred_at=-(10**15), received_at=10**18, sent_at=10**18, hops=1000
    )
    found = row(event)
    assert found["occurred_at"] == EARLIEST
    assert found["received_at"] == found["sent_at"] == LATEST
    assert found["hops"] == 255


def test_a_token_names_the_records_whatever_order_they_came_in() -> None:
    places = [Place("log", 1, 4), Place("log", 0, 7), Place("log", 1, 3)]
    token = block_token(places)
    assert token == block_token(reversed(places))
    assert token != block_token(places[:2])
    assert token != block_token([Place("other", *found) for found in [(1, 4), (0, 7), (1, 3)]])


def test_triggers_and_dead_letters_have_a_value_for_every_column() -> None:
    trigger = Trigger(
        id="t",
        type="stage.reached",
        rule="reached",
        customer_id="c",
        occurred_at=1,
        decided_at=2,
        decision="fire",
        reason="because",
        why={"n": 1},
    )
    (values,) = zip(*trigger_columns([(PLACE, trigger)]), strict=True)
    found = dict(zip(TRIGGER_COLUMNS, values, strict=True))
    assert found["why"] == b'{"n":1}'
    assert (found["topic"], found["log_offset"]) == ("", 17)
    assert (found["campaign"], found["arm"], found["priority"]) == ("", "", 0)
    letter = DeadLetter(
        id="d", reason="unreadable", detail="no JSON", origin="o", at=-5, payload=b"\xff\x00"
    )
    (values,) = zip(*dead_letter_columns([(PLACE, letter)]), strict=True)
    found = dict(zip(DEAD_LETTER_COLUMNS, values, strict=True))
    assert found["payload"] == b"\xff\x00"
    assert found["at"] == EARLIEST


def test_a_trigger_is_archived_with_its_campaign_and_where_it_goes() -> None:
    trigger = Trigger(
        id="t",
        type="offer.next",
        rule="offer",
        customer_id="c",
        occurred_at=1,
        decided_at=2,
        decision="suppressed",
        suppressed_by="holdout",
        reason="because",
        why={},
        channel="email",
        endpoint="letters",
        template="spring-hats",
        campaign="spring",
        arm="held_out",
        priority=10**12,
        playbook="abc",
    )
    (values,) = zip(*trigger_columns([(PLACE, trigger)]), strict=True)
    found = dict(zip(TRIGGER_COLUMNS, values, strict=True))
    names = ("channel", "endpoint", "template", "campaign", "arm", "playbook")
    assert [found[name] for name in names] == [
        "email",
        "letters",
        "spring-hats",
        "spring",
        "held_out",
        "abc",
    ]
    assert found["priority"] == 2**31 - 1


def test_an_sql_file_is_split_at_semicolons_that_end_a_statement() -> None:
    text = """
    -- a; comment
    SELECT 'a;''b\\';c', "x;y", `z;` /* ; */ ; SELECT 1 - 2 -- the; end
    ;;
    """
    assert split_statements(text) == [
        "SELECT 'a;''b\\';c', \"x;y\", `z;`",
        "SELECT 1 - 2",
    ]


def test_every_statement_of_a_migration_can_be_repeated() -> None:
    repeatable = ("CREATE OR REPLACE", "IF NOT EXISTS", "IF EXISTS")
    idempotent = re.compile(
        r"OPTIMIZE TABLE |ALTER TABLE \S+\s+"
        r"(COMMENT COLUMN|MODIFY COMMENT|MODIFY SETTING|MATERIALIZE PROJECTION) "
    )
    for path in MIGRATIONS.glob("*.sql"):
        for statement in split_statements(path.read_text(encoding="utf-8")):
            found = any(words in statement for words in repeatable)
            assert found or idempotent.match(statement), (path.name, statement)


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_kind_and_reason_is_documented() -> None:
    text = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8")
    for word in (*get_args(EventType), *get_args(DeadLetterReason), *KINDS):
        assert f"`{word}`" in text, word
