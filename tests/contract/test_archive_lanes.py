"""Archive lanes share what they know of stored rows; archives from before facts are completed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.migrations import MIGRATIONS, migrate
from infra.clickhouse.stored_keys import LOOKED_UP, StoredKeys
from infra.embedded.clickhouse.launch import ClickHouseProcess, launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import WireEvent
from streams.archive.rows import Place, event_columns
from streams.archive.tables import COLUMNS_OF, EVENTS_TABLE
from tests.harness.archive import empty_archive

BOOK = read_playbook(SHIPPED_PLAYBOOK)
NOW = 1_750_000_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseProcess]:
    folder = tmp_path_factory.mktemp("clickhouse")
    process = launch(folder / "data", folder / "log")
    yield process
    process.stop()


@pytest.fixture
def settings(server: ClickHouseProcess) -> Settings:
    return Settings(
        clickhouse_url=f"clickhouse://default:{server.password}@127.0.0.1:{server.port}"
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    client = open_client(settings)
    yield client
    client.disconnect()


def columns(*message_ids: str) -> list[list[Any]]:
    """Rows of page views of one visitor."""
    seen = [
        WireEvent(
            message_id=message_id,
            type="track",
            name="Product Viewed",
            anonymous_id="visitor",
            occurred_at=NOW,
            received_at=NOW,
            properties=msgspec.Raw(b'{"category":"hat"}'),
        )
        for message_id in message_ids
    ]
    return event_columns([(Place("log", 0, 0), seen)], BOOK)


def insert(client: Client, rows: list[list[Any]]) -> None:
    """Inserts as an older worker did: whatever is stored."""
    client.execute(
        f"INSERT INTO {EVENTS_TABLE} ({', '.join(COLUMNS_OF[EVENTS_TABLE])}) VALUES",
        rows,
        columnar=True,
    )


def test_a_filter_knows_the_block_that_another_lane_is_inserting(
    settings: Settings, client: Client
) -> None:
    empty_archive(client)
    keys = StoredKeys(1 << 20)
    other = open_client(settings)
    try:
        # The first lane has asked and not inserted yet, when the second one reads the filter.
        first = keys.fresh(client, EVENTS_TABLE, columns("a"))
        many = columns(*(f"b{number}" for number in range(LOOKED_UP + 1)))
        keys.fresh(other, EVENTS_TABLE, many)
        insert(client, list(first.columns))
        assert keys.fresh(other, EVENTS_TABLE, columns("a")).columns[0] == []
    finally:
        other.disconnect()


def test_doubles_of_an_older_archive_are_one_event_in_every_view(
    client: Client, tmp_path: Path
) -> None:
    client.execute("DROP DATABASE IF EXISTS daehwa SYNC")
    older = sorted(path for path in MIGRATIONS.glob("*.sql") if path.name < "0014")
    for path in older:
        shutil.copy(path, tmp_path)
    migrate(client, tmp_path)
    insert(client, columns("a", "b"))
    insert(client, columns("a"))
    assert client.execute("SELECT count() FROM daehwa.events_stored") == [(3,)]
    migrate(client)
    assert client.execute("SELECT count() FROM daehwa.events") == [(2,)]
    assert client.execute("SELECT sum(events) FROM daehwa.channel_mix") == [(2,)]
