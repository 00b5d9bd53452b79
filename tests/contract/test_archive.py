"""The archive through a real clickhouse-driver, on the embedded ClickHouse."""

import asyncio
import random
import re
import socket
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import ClickHouseRefused, ClickHouseUnavailable
from infra.clickhouse.inserter import MAX_ROWS, Inserter
from infra.clickhouse.retrying_inserter import RetryingInserter
from infra.embedded.clickhouse.launch import Access, ClickHouseProcess, launch
from infra.metrics import DEPENDENCY_UP
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.dead_letter import DeadLetter
from schemas.effect import Folded, Send
from schemas.event import Event, WireEvent
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.archive.rows import (
    Place,
    block_token,
    dead_letter_columns,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import (
    DEAD_LETTERS_TABLE,
    EVENT_COLUMNS,
    EVENTS_TABLE,
    TRIGGERS_TABLE,
)
from streams.codec.codec import decode_wire_envelope, encode_event
from streams.fold.links import fold_link
from streams.profile.message_ids import message_hash
from tests.harness.archive import empty_archive
from tests.harness.paths import DOCS

BOOK = read_playbook(SHIPPED_PLAYBOOK)
DAY = 86_400_000
NOW = 1_750_000_000_000


def settings_of(server: ClickHouseProcess, user: str | None = None) -> Settings:
    user = user or f"default:{server.password}"
    return Settings(clickhouse_url=f"clickhouse://{user}@127.0.0.1:{server.port}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    process = launch(folder / "data", folder / "log")
    yield process
    process.stop()


@pytest.fixture
def client(server: ClickHouseProcess) -> Iterator[Client]:
    client = open_client(settings_of(server))
    empty_archive(client)
    yield client
    client.disconnect()


@pytest.fixture
def inserter(server: ClickHouseProcess, client: Client) -> Iterator[Inserter]:
    inserter = Inserter(settings_of(server))
    yield inserter
    inserter.close()


def event(message_id: str, **fields: Any) -> WireEvent:
    properties = msgspec.Raw(msgspec.json.encode(fields.pop("properties", {})))
    defaults = {
        "type": "track",
        "occurred_at": NOW,
        "received_at": NOW,
        "anonymous_id": "visitor",
        "properties": properties,
    }
    return WireEvent(message_id=message_id, **{**defaults, **fields})


def store(inserter: Inserter, events: list[WireEvent], offset: int = 0) -> None:
    place = Place("log", 0, offset)
    inserter.insert(EVENTS_TABLE, event_columns([(place, events)], BOOK), block_token([place]))


def merge_of(visitor: str, customer: str, *, known: bool = False) -> WireEvent:
    """What the fold of the visitor's profile appends when it is merged into the customer's."""
    link = Event(
        message_id=f"link:{visitor}:{customer}",
        type="link",
        key=visitor,
        channel="daehwa",
        occurred_at=NOW,
        received_at=NOW,
        properties={"to": customer, "alias": known},
    )
    folded = fold_link(Profile(key=visitor, known=known), link, message_hash("m"))
    assert isinstance(folded, Folded)
    (merge,) = (effect.event for effect in folded.effects if isinstance(effect, Send))
    return decode_wire_envelope(encode_event(merge))[0][0]


def counted(client: Client, view: str) -> int:
    return int(client.execute(f"SELECT count() FROM daehwa.{view}")[0][0])


# Exactly once


def test_a_block_with_a_known_token_is_not_stored_again(client: Client, inserter: Inserter) -> None:
    for _ in range(3):
        store(inserter, [event("a"), event("b")])
    assert counted(client, "events_stored") == 2


def test_the_token_alone_says_whether_a_block_is_stored(client: Client, inserter: Inserter) -> None:
    def columns(message_id: str) -> list[list[Any]]:
        return event_columns([(Place("log", 0, 0), [event(message_id)])], BOOK)

    inserter.insert(EVENTS_TABLE, columns("a"), "one")
    inserter.insert(EVENTS_TABLE, columns("b"), "one")
    assert client.execute("SELECT message_id FROM daehwa.events_stored") == [("a",)]
    inserter.insert(EVENTS_TABLE, columns("c"), "two")
    assert counted(client, "events_stored") == 2


def test_a_row_that_is_stored_is_not_stored_again_under_another_token(
    client: Client, inserter: Inserter
) -> None:
    columns = event_columns([(Place("log", 0, 0), [event("a"), event("b")])], BOOK)
    assert inserter.insert(EVENTS_TABLE, columns, "one") == 2
    assert inserter.insert(EVENTS_TABLE, columns, "two") == 0
    more = event_columns([(Place("log", 0, 1), [event("b"), event("c"), event("c")])], BOOK)
    assert inserter.insert(EVENTS_TABLE, more, "three") == 1
    assert counted(client, "events_stored") == 3


def test_a_client_retry_is_one_event_and_the_first_receipt_stays(
    client: Client, inserter: Inserter
) -> None:
    first = event("a", received_at=NOW, occurred_at=NOW - 40, sent_at=NOW - 10)
    retry = event("a", received_at=NOW + 40 * DAY, occurred_at=NOW - 37, sent_at=NOW + 7)
    store(inserter, [retry], offset=1)
    store(inserter, [first], offset=2)
    store(inserter, [retry], offset=3)
    for _ in range(2):
        rows = client.execute(
            "SELECT occurred_at, toUnixTimestamp64Milli(sent_at) FROM daehwa.events"
        )
        assert [(round(at.timestamp() * 1000), sent) for at, sent in rows] == [(NOW - 40, NOW - 10)]
        client.execute("OPTIMIZE TABLE daehwa.events_stored FINAL")
    assert counted(client, "events_stored") == 1


def test_the_first_of_two_events_with_one_id_in_one_record_stays(
    client: Client, inserter: Inserter
) -> None:
    store(inserter, [event("a", name="First"), event("a", name="Second")])
    assert client.execute("SELECT name FROM daehwa.events") == [("First",)]


def test_the_same_id_of_two_senders_is_two_events(client: Client, inserter: Inserter) -> None:
    store(inserter, [event("1", anonymous_id="x"), event("1", anonymous_id="y")])
    assert counted(client, "events") == 2


def test_a_forwarded_copy_is_not_another_event(client: Client, inserter: Inserter) -> None:
    original = event("a")
    copy = msgspec.structs.replace(original, key="customer", hops=1)
    store(inserter, [copy], offset=1)
    store(inserter, [original], offset=2)
    assert counted(client, "events") == 1
    # A rebuild needs the place of the copy, too.
    assert client.execute(
        "SELECT profile_key, addressed_to, copy, hops, log_offset FROM daehwa.events_stored FINAL"
        " ORDER BY copy"
    ) == [("visitor", "", 0, 0, 2), ("visitor", "customer", 1, 1, 1)]


def test_internal_events_are_kept_and_not_counted_as_sent(
    client: Client, inserter: Inserter
) -> None:
    timer = event("timer:u:stall:5", type="timer", key="u", anonymous_id=None, name="stall")
    adopted = event("adopt:playbook:v:1:0", type="adopt", anonymous_id=None, name="playbook")
    store(inserter, [event("a"), timer, adopted])
    assert counted(client, "events") == 1
    assert client.execute("SELECT type, profile_key FROM daehwa.internal_events ORDER BY type") == [
        ("adopt", ""),
        ("timer", "u"),
    ]


def test_a_block_is_one_part_however_large(client: Client, inserter: Inserter) -> None:
    events = [event(str(number), anonymous_id=f"v{number % 999}") for number in range(120_000)]
    store(inserter, events)
    assert client.execute("SELECT uniqExact(_part), count() FROM daehwa.events_stored") == [
        (1, len(events))
    ]


def test_the_highest_stored_offsets_are_known_by_log_and_partition(
    client: Client, inserter: Inserter
) -> None:
    for log_id, partition, offset in (("log", 0, 5), ("log", 0, 9), ("log", 2, 1), ("old", 0, 77)):
        place = Place(log_id, partition, offset)
        columns = event_columns([(place, [event(f"{place}")])], BOOK)
        inserter.insert(EVENTS_TABLE, columns, block_token([place]))
    assert inserter.highest_offsets(EVENTS_TABLE, "log") == {0: 9, 2: 1}
    assert inserter.highest_offsets(EVENTS_TABLE, "it's new") == {}
    assert inserter.highest_offsets(TRIGGERS_TABLE, "log") == {}


def test_the_rows_of_a_customer_can_be_erased(client: Client, inserter: Inserter) -> None:
    store(inserter, [event("a", user_id="gone"), event("b", user_id="stays")])
    client.execute("DELETE FROM daehwa.events_stored WHERE profile_key = 'gone'")
    assert client.execute("SELECT user_id FROM daehwa.events") == [("stays",)]


# Values


def test_every_value_comes_back_as_it_was(client: Client, inserter: Inserter) -> None:
    odd = "대화 'quoted\" \\ \x00 \n😀"
    sent = event(
        odd,
        name="Order Completed",
        user_id=odd,
        operator=odd,
        direction="inbound",
        channel=odd,
        sent_at=NOW - 1,
        properties={"total": 12.34, "currency": "EUR", "products": [{"name": odd}]},
    )
    store(inserter, [sent, event("plain")])
    columns = "message_id, user_id, operator, direction, channel, topics, properties, currency"
    (found,) = client.execute(
        f"SELECT {columns}, toString(value), sent_at IS NULL FROM daehwa.events WHERE value > 0"
    )
    assert found[:5] == (odd, odd, odd, "inbound", odd)
    assert len(found[5]) == 1
    assert found[6].encode() == bytes(sent.properties)
    assert found[7:] == ("EUR", "12.34", 0)
    plain = client.execute("SELECT topics, sent_at, value FROM daehwa.events WHERE value = 0")
    assert plain == [([], None, 0)]


def test_triggers_and_dead_letters_are_archived_once(client: Client, inserter: Inserter) -> None:
    trigger = Trigger(
        id="t",
        type="stage.reached",
        rule="r",
        customer_id="c",
        occurred_at=NOW,
        decided_at=NOW,
        decision="fire",
        reason="because",
        why={"n": 1},
        topic="product/hat",
    )
    letter = DeadLetter(
        id="d", reason="unreadable", detail="x", origin="o", at=NOW, payload=b"\xff\xfe{"
    )
    for offset in range(2):
        place = Place("log", 0, offset)
        token = block_token([place])
        inserter.insert(TRIGGERS_TABLE, trigger_columns([(place, trigger)]), token)
        inserter.insert(DEAD_LETTERS_TABLE, dead_letter_columns([(place, letter)]), token)
    assert client.execute("SELECT id, topic, stage, why FROM daehwa.triggers") == [
        ("t", "product/hat", "", '{"n":1}')
    ]
    assert client.execute("SELECT id, hex(payload) FROM daehwa.dead_letters") == [("d", "FFFE7B")]
    assert client.execute("SELECT type, decision, triggers FROM daehwa.triggers_by_hour") == [
        ("stage.reached", "fire", 1)
    ]


# Views


def test_the_funnel_adds_up_to_the_events(client: Client, inserter: Inserter) -> None:
    chance = random.Random(7)
    names = {"Product Clicked": 0, "Product Viewed": 1, "Product Added": 2, "Checkout Started": 3}
    ladder = ["introduction", "details", "cart", "checkout"]
    events, links = [], {"v0": "anna", "v1": "anna", "v2": "bert"}
    times: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number in range(2_000):
        visitor = f"v{chance.randrange(200)}"
        name = chance.choice(list(names))
        category = chance.choice(["hat", "shoe"])
        at = NOW + number * 977 + chance.randrange(900)
        customer = links.get(visitor, visitor)
        times[customer, f"product/{category}"][names[name]].append(at)
        fields = {"anonymous_id": visitor, "name": name, "properties": {"category": category}}
        events.append(event(f"m{number}", occurred_at=at, received_at=at, **fields))
    events += [merge_of(visitor, customer) for visitor, customer in links.items()]
    store(inserter, events)

    expected: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, 0, []])
    for (_, topic), stages in times.items():
        firsts = sorted((min(found), rank) for rank, found in stages.items())
        for barrier, (first, rank) in enumerate(firsts):
            entry = expected[topic, ladder[rank]]
            entry[0] += 1
            entry[1] += len(stages[rank])
            if barrier:
                entry[2].append((first - firsts[barrier - 1][0]) / 1000)
    rows = client.execute(
        "SELECT topic, stage, stage_rank, customers, events, median_seconds_before"
        " FROM daehwa.funnel"
    )
    assert {row[:2] for row in rows} == set(expected)
    for topic, stage, rank, customers, count, seconds in rows:
        assert ladder[rank] == stage
        assert [customers, count] == expected[topic, stage][:2]
        # Of an even number ClickHouse's exact median is the one or the other of the middle two.
        waits = sorted(expected[topic, stage][2])
        middle = len(waits) // 2
        assert waits[middle - 1] <= seconds <= waits[middle] or seconds == median(waits)


def test_the_channel_mix_counts_customers_and_not_their_visitors(
    client: Client, inserter: Inserter
) -> None:
    declined = event(
        "link:x:bert",
        type="link",
        key="x",
        anonymous_id=None,
        received_at=NOW + 1,
        properties={"to": "bert"},
    )
    merge = merge_of("x", "anna")
    store(
        inserter,
        [
            event("1", anonymous_id="x"),
            event("2", user_id="anna"),
            event("3", anonymous_id="y", channel="call", occurred_at=NOW - DAY),
            merge,
            declined,
            msgspec.structs.replace(merge, key="somewhere else", hops=1),
        ],
    )
    rows = client.execute("SELECT channel, events, customers FROM daehwa.channel_mix ORDER BY day")
    assert rows == [("call", 1, 1), ("web", 2, 1)]
    assert client.execute("SELECT visitor_id, customer_id FROM daehwa.identities") == [
        ("x", "anna")
    ]


def decision(number: int, customer: str, **fields: Any) -> Trigger:
    defaults: dict[str, Any] = {
        "id": f"t{number}",
        "type": "stage.reached",
        "rule": "hats",
        "customer_id": customer,
        "occurred_at": NOW + number,
        "decided_at": NOW + number,
        "decision": "fire",
        "reason": "because",
        "why": {},
        "campaign": "spring",
        "arm": "treated",
        "playbook": "v1",
    }
    return Trigger(**{**defaults, **fields})


def held_out(number: int, customer: str, **fields: Any) -> Trigger:
    suppression_reason = {"decision": "suppressed", "suppressed_by": "holdout", "arm": "held_out"}
    return decision(number, customer, **{**suppression_reason, **fields})


def store_triggers(inserter: Inserter, *triggers: Trigger) -> None:
    place = Place("log", 0, 0)
    inserter.insert(TRIGGERS_TABLE, trigger_columns((place, one) for one in triggers), "triggers")


def test_an_exposure_is_the_first_one_of_the_customer_behind_the_visitor(
    client: Client, inserter: Inserter
) -> None:
    store(inserter, [merge_of("x", "anna"), merge_of("y", "anna")])
    store_triggers(
        inserter,
        held_out(4, "x"),
        decision(5, "anna", playbook="v2"),
        decision(3, "y", campaign="autumn"),
        decision(6, "y"),
        decision(7, "bert"),
        decision(1, "bert", decision="suppressed", suppressed_by="cooldown"),
        held_out(2, "bert", suppressed_by="no_consent"),
        decision(8, "cora", campaign=None, arm=None),
    )
    columns = "campaign, arm, customer_id, trigger_id, playbook, exposures, crossed"
    rows = client.execute(
        f"SELECT {columns}, toUnixTimestamp64Milli(first_exposed_at) - {NOW}"
        " FROM daehwa.campaign_exposures ORDER BY campaign, customer_id"
    )
    assert rows == [
        ("autumn", "treated", "anna", "t3", "v1", 1, 0, 3),
        ("spring", "held_out", "anna", "t4", "v1", 3, 1, 4),
        ("spring", "treated", "bert", "t7", "v1", 1, 0, 7),
    ]


def test_what_was_held_back_is_counted_by_day_rule_and_reason(
    client: Client, inserter: Inserter
) -> None:
    silent: dict[str, Any] = {"decision": "suppressed", "arm": None, "campaign": None}
    store_triggers(
        inserter,
        decision(1, "anna"),
        held_out(2, "bert", channel="email"),
        decision(3, "anna", suppressed_by="cap", **silent),
        decision(4, "anna", suppressed_by="cap", **silent),
        decision(DAY, "cora", suppressed_by="cap", **silent),
    )
    rows = client.execute(
        "SELECT rule, suppressed_by, channel, campaign, triggers, customers"
        " FROM daehwa.suppressed ORDER BY day, suppressed_by"
    )
    assert rows == [
        ("hats", "cap", "", "", 2, 1),
        ("hats", "holdout", "email", "spring", 1, 1),
        ("hats", "cap", "", "", 1, 1),
    ]


def test_a_visitor_of_a_customer_who_became_another_one_is_that_one(
    client: Client, inserter: Inserter
) -> None:
    store(inserter, [merge_of("대화:x", "anna"), merge_of("anna", "anna:new", known=True)])
    rows = client.execute("SELECT visitor_id, customer_id FROM daehwa.identities ORDER BY 1")
    assert rows == [("anna", "anna:new"), ("대화:x", "anna:new")]


# Documentation


def test_every_column_is_documented_with_its_type(client: Client) -> None:
    text = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8")
    documented = {
        name: re.findall(r"^\| `([a-z0-9_]+)` \| `([^`]+)` \| \S", body, re.MULTILINE)
        for name, body in re.findall(r"^### `daehwa\.(\w+)`$(.*?)(?=^##|\Z)", text, re.M | re.S)
    }
    actual = defaultdict(list)
    for table, name, kind in client.execute(
        "SELECT table, name, type FROM system.columns WHERE database = 'daehwa'"
        " AND table NOT LIKE '%_loading' ORDER BY position"
    ):
        actual[table].append((name, kind))
    assert documented == dict(actual)


def test_the_examples_of_the_documentation_run(client: Client, inserter: Inserter) -> None:
    text = (DOCS / "reference" / "sql.md").read_text(encoding="utf-8")
    examples = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        client.execute(example)


# Trouble


def test_rows_that_do_not_fit_are_refused_and_the_next_ones_are_stored(
    client: Client, inserter: Inserter
) -> None:
    place = Place("log", 0, 0)
    columns = event_columns([(place, [event("a")])], BOOK)
    columns[EVENT_COLUMNS.index("log_offset")] = ["nine"]
    with pytest.raises(ClickHouseRefused):
        inserter.insert(EVENTS_TABLE, columns, "token")
    store(inserter, [event("a")])
    assert counted(client, "events") == 1


def test_rows_wait_for_a_table_that_is_not_as_it_should_be(
    client: Client, inserter: Inserter
) -> None:
    client.execute("ALTER TABLE daehwa.events_stored RENAME COLUMN outcome TO result")
    with pytest.raises(ClickHouseUnavailable, match="outcome"):
        store(inserter, [event("a")])
    client.execute("ALTER TABLE daehwa.events_stored RENAME COLUMN result TO outcome")
    store(inserter, [event("a")])
    assert counted(client, "events") == 1


def test_a_block_beyond_the_limit_is_an_error_of_the_caller(inserter: Inserter) -> None:
    with pytest.raises(ValueError, match="at most"):
        inserter.insert(EVENTS_TABLE, [[0] * (MAX_ROWS + 1)], "token")


def test_what_an_operator_can_mend_is_unavailable(
    server: ClickHouseProcess, client: Client, inserter: Inserter
) -> None:
    with pytest.raises(ClickHouseUnavailable, match=r"[Aa]uthentication"):
        Inserter(settings_of(server, "default:wrong")).server_version()
    client.execute("DROP TABLE daehwa.events_stored SYNC")
    with pytest.raises(ClickHouseUnavailable):
        store(inserter, [event("a")])


def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"clickhouse://default@127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ClickHouseUnavailable):
            Inserter(Settings(clickhouse_url=url)).server_version()


async def test_a_worker_waits_until_clickhouse_is_back_and_loses_nothing(tmp_path: Path) -> None:
    server = launch(tmp_path / "data", tmp_path / "log")
    settings = settings_of(server)
    retrying = RetryingInserter(Inserter(settings), max_wait_s=0.2)
    try:
        assert await retrying.migrate()
        place = Place("log", 0, 0)
        columns = event_columns([(place, [event("a")])], BOOK)
        await retrying.insert(EVENTS_TABLE, columns, "one")
        server.stop()
        waiting = asyncio.create_task(retrying.insert(EVENTS_TABLE, columns, "one"))
        up = DEPENDENCY_UP.labels("clickhouse")
        while up._value.get():
            done, _ = await asyncio.wait({waiting}, timeout=0.01)
            assert not done
        server = await asyncio.to_thread(
            lambda: launch(
                tmp_path / "data",
                tmp_path / "log",
                Access(password=server.password),
                port=server.port,
            )
        )
        await waiting
        assert up._value.get() == 1
        client = open_client(settings)
        # The token outlives the server: it was stored before, and is stored once.
        assert counted(client, "events_stored") == 1
        client.disconnect()
    finally:
        server.stop()
