"""Every view of the archive against an independent computation in plain Python, over a history
with refunds, merges, late events and second receipts: as blocks came in, and after merges."""

from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import launch
from infra.settings import Settings
from tests.contract.view_oracles.comparing import ORACLES, assert_equal, rows_of
from tests.contract.view_oracles.reading import INTERNAL, Reading
from tests.harness.crm_history import History, crm_history
from tests.harness.stored_history import store_history

EVENTS = 100_000
BLOCKS = 12

ELSEWHERE = {
    "identity_hashes": "identities by hash",
    "events": "test_events_are_what_was_sent_each_once",
    "internal_events": "test_events_are_what_was_sent_each_once",
    "triggers": "test_triggers_are_what_was_decided_each_once",
    "dead_letters": "tests/contract/test_archive.py",
}
"""Views without an oracle of this kind, and where they are tested."""


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
    store_history(inserter, history, BLOCKS)
    client = open_client(settings)
    yield client
    client.disconnect()
    inserter.close()
    server.stop()


@pytest.mark.parametrize("view", sorted(ORACLES))
def test_a_view_equals_its_computation_in_plain_python(
    view: str, client: Client, reading: Reading
) -> None:
    expected = ORACLES[view](reading)
    assert expected, "the history has nothing of this kind: the test could not fail"
    assert_equal(view, rows_of(client, view), expected)


def test_views_say_the_same_after_everything_is_merged(client: Client) -> None:
    before = {view: rows_of(client, view) for view in ORACLES}
    for (table,) in client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine LIKE '%MergeTree'"
    ):
        client.execute(f"OPTIMIZE TABLE daehwa.{table} FINAL")
    for view, rows in before.items():
        assert_equal(view, rows_of(client, view), rows)


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
