"""Inserts whole columns, each block and each row once."""

from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from typing import Any

from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.facts import complete_facts
from infra.clickhouse.failures import translated
from infra.clickhouse.migrations import migrate
from infra.clickhouse.stored_keys import StoredKeys, erase_replaced
from infra.clickhouse.stored_offsets import highest_offsets
from infra.settings import Settings
from streams.archive.tables import COLUMNS_OF

MAX_ROWS = 500_000
"""Rows of one block: small enough for the server to keep in one piece."""


class Inserter:
    """One connection that inserts blocks. Every method blocks; calls from several threads queue.
    All methods raise `ClickHouseUnavailable` or `ClickHouseRefused`; after either the next call
    connects anew. It does not retry.
    """

    def __init__(
        self, settings: Settings, *, answer_seconds: float = 60, keys: StoredKeys | None = None
    ) -> None:
        """`keys`: what is stored, shared with other inserters of the same worker."""
        self._client: Client = open_client(settings, answer_seconds=answer_seconds)
        self._lock = Lock()
        self._keys = keys or StoredKeys(settings.archive_filter_mb << 20)

    def insert(self, table: str, columns: Sequence[list[Any]], token: str) -> int:
        """Inserts `columns` (in the order of `COLUMNS_OF[table]`) as one block. Returns how many of
        its rows were new.

        The block is stored whole or not at all, without rows that the table holds already. A block
        whose token is among the last ten thousand of its table is a duplicate and is dropped. At
        most `MAX_ROWS` rows, ValueError above.
        """
        rows = len(columns[0])
        if rows > MAX_ROWS:
            raise ValueError(f"{rows} rows in one block; insert at most {MAX_ROWS} at a time")
        with self._lock:
            return translated(lambda: self._insert(table, columns, token))

    def complete_facts(self, log_id: str, partitions: Collection[int], count: int) -> None:
        """Completes the facts of these of `count` partitions of the events: before the first
        insert, and after one whose outcome is unknown."""
        with self._lock:
            translated(lambda: complete_facts(self._client.execute, log_id, partitions, count))

    def _insert(self, table: str, columns: Sequence[list[Any]], token: str) -> int:
        execute = self._client.execute
        fresh = self._keys.fresh(self._client, table, columns)
        if not fresh.columns[0]:
            return 0
        erase_replaced(execute, table, fresh.replaced)
        names = ", ".join(COLUMNS_OF[table])
        execute(
            f"INSERT INTO {table} ({names}) VALUES",
            fresh.columns,
            columnar=True,
            settings={
                "insert_deduplicate": 1,
                "insert_deduplication_token": token,
                # An asynchronous insert merges blocks and loses their tokens.
                "async_insert": 0,
                "min_insert_block_size_rows": MAX_ROWS,
                "min_insert_block_size_bytes": 0,
            },
        )
        return len(fresh.columns[0])

    def highest_offsets(self, table: str, log_id: str) -> dict[int, int]:
        """Partition -> the highest offset stored of that log. What is missing is not stored.

        Holds where each partition was inserted in its order; every offset below is stored too.
        """
        found = highest_offsets(self._execute, table)
        return {partition: end for (of, partition), end in found.items() if of == log_id}

    def ask(self, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that the query answers."""
        rows: list[tuple[Any, ...]] = self._execute(query, dict(parameters))
        return rows

    def migrate(self) -> list[str]:
        """Applies the migrations, see `infra.clickhouse.migrations.migrate`."""
        with self._lock:
            return translated(lambda: migrate(self._client))

    def server_version(self) -> str:
        """The version of the server, such as `25.8.1.1`."""
        return str(self._execute("SELECT version()")[0][0])

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._client.disconnect()

    def _execute(self, query: str, data: Any = None, **options: Any) -> Any:
        with self._lock:
            return translated(lambda: self._client.execute(query, data, **options))
