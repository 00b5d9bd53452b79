"""An archive with a long history of e-CRM: some generated customers, multiplied by ClickHouse."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import ClickHouseProcess, launch
from infra.settings import Settings
from streams.archive.tables import COLUMNS_OF, EVENTS_TABLE, TRIGGERS_TABLE
from tests.harness.crm_history import History, crm_history
from tests.harness.stored_history import store_history

GENERATED = 500_000
"""Events that are generated; ClickHouse makes the others."""

BLOCK_ROWS = 50_000

_SUFFIX = "~%d"
_IDS = r"((?:user|visitor|trigger)-[0-9-]+)"
_QUOTED = rf'"{_IDS}"'
_MULTIPLIED = {
    EVENTS_TABLE: (
        ("message_id", "user_id", "anonymous_id", "previous_id", "profile_key", "addressed_to",
         "order_key", "refund_key"),
        "properties",
    ),
    TRIGGERS_TABLE: (("id", "customer_id"), "why"),
}  # fmt: skip
"""Table -> its columns with ids, and the one with ids within JSON."""


@contextmanager
def archive_with(events: int, seed: int) -> Iterator[tuple[ClickHouseProcess, Client]]:
    """A running ClickHouse whose archive holds about so many events, a multiple of `GENERATED`."""
    with tempfile.TemporaryDirectory(prefix="daehwa-bench-", ignore_cleanup_errors=True) as name:
        server = launch(Path(name) / "data", Path(name) / "log")
        client = open_client(Settings(clickhouse_url=server.url))
        try:
            history = crm_history(min(events, GENERATED), seed)
            _store(Settings(clickhouse_url=server.url), history)
            for number in range(1, events // GENERATED):
                for table in _MULTIPLIED:
                    _multiply(client, table, number)
            yield server, client
        finally:
            client.disconnect()
            server.stop()


def _store(settings: Settings, history: History) -> None:
    inserter = Inserter(settings)
    try:
        inserter.migrate()
        store_history(inserter, history, len(history.arrivals) // BLOCK_ROWS + 1)
    finally:
        inserter.close()


def _multiply(client: Client, table: str, number: int) -> None:
    """Stores the generated rows again as those of other customers; materialized views take facts
    from them, as from what a worker inserts."""
    ids, with_ids = _MULTIPLIED[table]
    suffix = _SUFFIX % number
    # Names of the table, and a number: nothing from outside.
    replaced = {name: f"if({name} = '', '', concat({name}, '{suffix}'))" for name in ids}
    replaced[with_ids] = f"replaceRegexpAll({with_ids}, '{_QUOTED}', '\"\\\\1{suffix}\"')"
    if table == EVENTS_TABLE:
        merged = f"replaceRegexpAll(message_id, '{_IDS}', '\\\\1{suffix}')"
        replaced["message_id"] = f"if(type = 'merge', {merged}, {replaced['message_id']})"
    columns = COLUMNS_OF[table]
    selected = ", ".join(replaced.get(name, name) for name in columns)
    generated = (
        "NOT position(message_id, '~')" if table == EVENTS_TABLE else "NOT position(id, '~')"
    )
    client.execute(
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" SELECT {selected} FROM {table} WHERE {generated}"
    )
