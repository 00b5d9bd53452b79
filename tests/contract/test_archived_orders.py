"""The view `daehwa.orders` comes to the money of the profile and of plain arithmetic, on a real
engine."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.clickhouse.migrations import migrate
from infra.embedded.clickhouse.launch import launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import Event
from streams.archive.rows import Place, block_token, event_columns
from streams.archive.tables import EVENTS_TABLE
from streams.codec.codec import decode_wire_envelope, encode_envelope, encode_event
from tests.harness.histories import DAY, event, fold_all
from tests.harness.order_histories import SIZE, order_history, plain_totals

BOOK = read_playbook(SHIPPED_PLAYBOOK)

_TOTALS = """
SELECT
    customer_id,
    countIf(total_hundredths >= 0),
    toUnixTimestamp64Milli(min(placed_at)),
    toUnixTimestamp64Milli(max(placed_at)),
    groupUniqArray(toUnixTimestamp64Milli(placed_at)),
    sumMap([currency], [net_hundredths])
FROM daehwa.orders
WHERE counts
GROUP BY customer_id
"""


class Archive(NamedTuple):
    """A migrated archive: what writes into it, and what asks it."""

    inserter: Inserter
    client: Client


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder: Path = tmp_path_factory.mktemp("orders")
    server = launch(folder / "data", folder / "log")
    settings = Settings(clickhouse_url=server.url)
    client = open_client(settings)
    migrate(client)
    inserter = Inserter(settings)
    yield Archive(inserter, client)
    inserter.close()
    client.disconnect()
    server.stop()


def archive(opened: Archive, history: list[Event], offset: int) -> None:
    """The history as one block of the archive."""
    events, broken = decode_wire_envelope(encode_envelope([encode_event(e) for e in history]))
    assert not broken
    place = Place("orders", 0, offset)
    columns = event_columns([(place, events)], BOOK)
    opened.inserter.insert(EVENTS_TABLE, columns, block_token([place]))


def totals(opened: Archive) -> dict[str, tuple[int, int, int, set[int], dict[str, Decimal]]]:
    found = {}
    for customer, purchases, first, last, times, (currencies, cents) in opened.client.execute(
        _TOTALS
    ):
        spend = {c: Decimal(n) / 100 for c, n in zip(currencies, cents, strict=True) if n}
        found[customer] = (purchases, first, last, {at // DAY for at in times}, spend)
    return found


def compare(opened: Archive, customers: int, seed: int) -> None:
    random = Random(seed)
    histories: dict[str, list[Event]] = {}
    block: list[Event] = []
    for number in range(customers):
        code = random.randbytes(SIZE * random.randrange(1, 12))
        history = order_history(code, f"c{seed}-{number}-")
        if history:
            histories[history[0].user_id or ""] = history
        block += history
        if len(block) > 20_000:
            archive(opened, block, number)
            block = []
    archive(opened, block, customers)
    archived = totals(opened)
    for customer, history in histories.items():
        plain = plain_totals(history)
        life = fold_all(history, customer).lifecycle
        assert life.purchases == plain.purchases
        if not plain.purchases:
            assert customer not in archived
            continue
        assert archived[customer] == (
            plain.purchases, plain.first, plain.last, plain.days, plain.spend
        )  # fmt: skip
        folded = {c: Decimal(cents) / 100 for c, cents in life.spend.items() if cents}
        assert folded == plain.spend


def test_profile_archive_and_plain_arithmetic_agree_to_the_cent(opened: Archive) -> None:
    compare(opened, 2000, 1)


@pytest.mark.slow
def test_a_hundred_thousand_histories_agree_to_the_cent(opened: Archive) -> None:
    compare(opened, 100_000, 2)


def test_an_order_in_the_view_has_its_life(opened: Archive) -> None:
    def told(number: int, name: str, **properties: Any) -> Event:
        return event(f"life-{number}", name=name, user_id="life", properties=properties,
                     occurred_at=1_700_000_000_000 + number)  # fmt: skip

    archive(
        opened,
        [
            told(1, "Order Refunded", order_id="A", total=20),
            told(2, "Order Completed", order_id="A", total=50, currency="eur"),
            told(3, "Order Completed", order_id="A", total=50, currency="eur"),
            told(4, "Order Completed", order_id="B", total=9, currency="EUR"),
            told(5, "Order Cancelled", order_id="B"),
            told(6, "Order Completed", total="1,234.50", currency="USD"),
            told(7, "Order Completed", order_id="C", total=10, currency="EUR"),
            told(8, "Order Updated", order_id="C", total=12, currency="EUR"),
            told(9, "Order Refunded", order_id="D", total=1),
            told(10, "Order Completed", order_id="E", total=-5, currency="EUR"),
            told(11, "Order Completed", order_id="F", total=5, currency="EUR"),
            told(12, "Order Refunded", order_id="F"),
        ],
        7_000_000,
    )
    rows = opened.client.execute(
        "SELECT order_id, status, total, refunded, net, copies FROM daehwa.orders"
        " WHERE customer_id = 'life' ORDER BY order_id"
    )
    assert [(one, status, *map(float, money), copies) for one, status, *money, copies in rows] == [
        ("", "placed", 1234.50, 0.00, 1234.50, 1),
        ("A", "partly_refunded", 50.00, 20.00, 30.00, 2),
        ("B", "cancelled", 9.00, 0.00, 0.00, 1),
        ("C", "placed", 12.00, 0.00, 12.00, 1),
        ("D", "unknown", 0.00, 0.00, 0.00, 0),
        ("E", "placed", -5.00, 0.00, -5.00, 1),
        ("F", "refunded", 5.00, 5.00, 0.00, 1),
    ]
