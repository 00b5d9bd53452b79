"""Every view of the archive against an independent computation in plain Python, over a history
with refunds, merges, late events and second receipts: as blocks came in, and after merges."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import WireEvent
from streams.archive.rows import Place, block_token, event_columns, trigger_columns
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE
from tests.contract.view_oracles import (
    churn,
    consent_and_sources,
    contact_centre,
    customers,
    dialogues,
    exposures,
    revenue,
    triggers,
)
from tests.contract.view_oracles.reading import INTERNAL, Reading, Rows
from tests.harness.crm_history import History, batches, crm_history

EVENTS = 100_000
BLOCKS = 12
ENVELOPE = 50

Oracle = Callable[[Reading], Rows]

ORACLES: dict[str, Oracle] = {
    oracle.__name__: oracle
    for module in (dialogues, customers, exposures, revenue, churn, contact_centre, triggers,
                   consent_and_sources)
    for oracle in module.VIEWS
}  # fmt: skip

ELSEWHERE = {
    "persons": "identities by hash",
    "events": "test_events_are_what_was_sent_each_once",
    "internal_events": "test_events_are_what_was_sent_each_once",
    "triggers": "test_triggers_are_what_was_decided_each_once",
    "dead_letters": "tests/contract/test_archive.py",
}
"""Views without an oracle of this kind, and where they are tested."""

NOW_COLUMNS = {"complaints": {8}}
"""Columns that grow while a test runs."""

LEFT_OUT = {"data_quality": {5}}
"""Columns with any examples."""


@pytest.fixture(scope="module")
def history() -> History:
    return crm_history(EVENTS, seed=7)


@pytest.fixture(scope="module")
def reading(history: History) -> Reading:
    return Reading(history)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, history: History) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse")
    server = launch(folder / "data", folder / "log")
    settings = Settings(clickhouse_url=server.url)
    inserter = Inserter(settings)
    inserter.migrate()
    _store(inserter, history)
    client = open_client(settings)
    yield client
    client.disconnect()
    inserter.close()
    server.stop()


def _store(inserter: Inserter, history: History) -> None:
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    offset = 0
    for batch in batches(history.arrivals, BLOCKS):
        records: list[tuple[Place, list[WireEvent]]] = []
        for start in range(0, len(batch), ENVELOPE):
            records.append((Place("log", 0, offset), batch[start : start + ENVELOPE]))
            offset += 1
        columns = event_columns(records, playbook)
        inserter.insert(EVENTS_TABLE, columns, block_token(place for place, _ in records))
    # A worker that died after it wrote its triggers writes them again.
    decided = [*history.triggers, *history.triggers[:100]]
    places = [(Place("log", 0, number), one) for number, one in enumerate(decided)]
    for number, start in enumerate(range(0, len(places), 700)):
        inserter.insert(TRIGGERS_TABLE, trigger_columns(places[start : start + 700]), str(number))


def _rows(client: Client, view: str) -> Rows:
    left_out = LEFT_OUT.get(view, set())
    return [
        tuple(_plain(value) for place, value in enumerate(row) if place not in left_out)
        for row in client.execute(f"SELECT * FROM daehwa.{view}")
    ]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _ordered(rows: Rows) -> Rows:
    exact = [
        (tuple(repr(value) for value in row if not isinstance(value, float)), row) for row in rows
    ]
    return [row for _, row in sorted(exact, key=lambda one: (one[0], repr(one[1])))]


def _assert_equal(view: str, found: Rows, expected: Rows) -> None:
    found, expected = _ordered(found), _ordered([tuple(map(_plain, row)) for row in expected])
    assert len(found) == len(expected), f"{len(found)} rows, {len(expected)} expected"
    grown = NOW_COLUMNS.get(view, set())
    for row, wanted in zip(found, expected, strict=True):
        for place, (value, right) in enumerate(zip(row, wanted, strict=True)):
            if isinstance(value, float) and right is not None:
                close = 600 if place in grown else max(abs(right) * 1e-6, 1e-6)
                assert abs(value - right) <= close, (place, row, wanted)
            else:
                assert value == right, (place, row, wanted)


@pytest.mark.parametrize("view", sorted(ORACLES))
def test_a_view_equals_its_computation_in_plain_python(
    view: str, client: Client, reading: Reading
) -> None:
    expected = ORACLES[view](reading)
    assert expected, "the history has nothing of this kind: the test could not fail"
    _assert_equal(view, _rows(client, view), expected)


def test_views_say_the_same_after_everything_is_merged(client: Client) -> None:
    before = {view: _ordered(_rows(client, view)) for view in ORACLES}
    for (table,) in client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine LIKE '%MergeTree'"
    ):
        client.execute(f"OPTIMIZE TABLE daehwa.{table} FINAL")
    for view, rows in before.items():
        _assert_equal(view, _rows(client, view), rows)


def test_every_view_has_an_oracle(client: Client) -> None:
    views = {
        name
        for (name,) in client.execute(
            "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine = 'View'"
        )
    }
    assert views == ORACLES.keys() | ELSEWHERE.keys()


def test_events_are_what_was_sent_each_once(client: Client, history: History) -> None:
    for view, internal in (("events", False), ("internal_events", True)):
        expected = {
            (fact.event.message_id, fact.event.type, fact.who, fact.event.received_at)
            for fact in history.facts
            if (fact.event.type in INTERNAL) == internal
        }
        found = client.execute(
            "SELECT message_id, type, profile_key, toUnixTimestamp64Milli(received_at)"
            f" FROM daehwa.{view}"
        )
        assert len(found) == len(expected)
        assert set(found) == expected


def test_triggers_are_what_was_decided_each_once(client: Client, history: History) -> None:
    found = client.execute("SELECT id, customer_id, decision FROM daehwa.triggers")
    expected = [(one.id, one.customer_id, one.decision) for one in history.triggers]
    assert sorted(found) == sorted(expected)
