"""An archive with a long history of e-CRM: some generated customers, multiplied by ClickHouse."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.inserter import Inserter
from infra.embedded.clickhouse.launch import ClickHouseProcess, launch
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from streams.archive.rows import Place, block_token, event_columns, trigger_columns
from streams.archive.tables import COLUMNS_OF, EVENTS_TABLE, TRIGGERS_TABLE
from tests.harness.crm_history import History, batches, crm_history

GENERATED = 500_000
"""Events that are generated; ClickHouse makes the others."""

ENVELOPE = 50
BLOCK_RECORDS = 1_000
PARTITIONS = 4

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
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    inserter = Inserter(settings)
    try:
        inserter.migrate()
        offset = 0
        for batch in batches(history.arrivals, len(history.arrivals) // 50_000 + 1):
            records = []
            for start in range(0, len(batch), ENVELOPE):
                place = Place("log", offset % PARTITIONS, offset)
                records.append((place, batch[start : start + ENVELOPE]))
                offset += 1
            token = block_token(place for place, _ in records)
            inserter.insert(EVENTS_TABLE, event_columns(records, playbook), token)
        decided = [(Place("log", 0, at), one) for at, one in enumerate(history.triggers)]
        inserter.insert(TRIGGERS_TABLE, trigger_columns(decided), "triggers")
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
