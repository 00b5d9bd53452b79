"""The archived log. All methods block: call them from a thread."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.settings import Settings
from streams.archive.replay import REPLAY_COLUMNS
from streams.archive.tables import EVENTS_TABLE

ROWS_AT_ONCE = 5_000
SORTED_IN_MEMORY = 256 * 1024 * 1024
"""Bytes that ClickHouse sorts in memory; beyond them it sorts on disk."""

# Of the current log up to the cut; older logs are replayed whole.
_WHERE = (
    f"FROM {EVENTS_TABLE} FINAL WHERE log_partition = %(partition)s"
    " AND (log_id != %(log_id)s OR log_offset < %(cut)s)"
)

Rows = list[tuple[Any, ...]]


class ArchivedLog:
    """Reads events back in the order in which the log had them.

    All methods raise `ClickHouseUnavailable` or `ClickHouseRefused`.
    """

    def __init__(self, settings: Settings) -> None:
        self._client: Client = open_client(settings, answer_seconds=3_600)

    def logs(self) -> list[str]:
        """Identities of the archived Kafka topics, oldest first."""
        rows = self._ask(
            f"SELECT log_id FROM {EVENTS_TABLE}"  # noqa: S608 - a name of our own
            " GROUP BY log_id ORDER BY min(archived_at), log_id"
        )
        return [log_id for (log_id,) in rows]

    def ends(self, log_id: str) -> dict[int, int]:
        """Partition -> the offset after the last one archived of that log."""
        rows = self._ask(
            f"SELECT log_partition, max(log_offset) + 1 FROM {EVENTS_TABLE}"  # noqa: S608 - likewise
            " WHERE log_id = %(log_id)s GROUP BY log_partition",
            {"log_id": log_id},
        )
        return dict(rows)

    def partitions(self) -> int:
        """Number of partitions of the archived log."""
        ((most,),) = self._ask(
            f"SELECT if(count() = 0, 0, max(log_partition) + 1) FROM {EVENTS_TABLE}"  # noqa: S608 - likewise
        )
        return int(most)

    def count(self, partition: int, log_id: str, cut: int) -> int:
        """Number of events that `read` yields."""
        asked = {"partition": partition, "log_id": log_id, "cut": cut}
        ((found,),) = self._ask(f"SELECT count() {_WHERE}", asked)
        return int(found)

    def read(self, partition: int, logs: Sequence[str], log_id: str, cut: int) -> Iterator[Rows]:
        """The rows of a partition in the order of `logs`, of `log_id` only those below the offset
        `cut`; a few thousand at a time, never all in memory.

        A row is `REPLAY_COLUMNS`, then when it was archived (milliseconds).
        """
        columns = ", ".join((*REPLAY_COLUMNS, "toUnixTimestamp64Milli(archived_at)"))
        asked = {"partition": partition, "log_id": log_id, "cut": cut, "logs": list(logs)}
        blocks = translated(
            lambda: self._client.execute_iter(
                f"SELECT {columns} {_WHERE}"
                " ORDER BY indexOf(%(logs)s, log_id), log_offset, log_index",
                asked,
                chunk_size=ROWS_AT_ONCE,
                settings={
                    "strings_as_bytes": True,
                    "max_block_size": ROWS_AT_ONCE,
                    "max_bytes_before_external_sort": SORTED_IN_MEMORY,
                    "max_execution_time": 0,
                },
            )
        )
        while True:
            block: Rows | None = translated(lambda: next(blocks, None))
            if not block:
                return
            yield block

    def close(self) -> None:
        """Closes the connection."""
        self._client.disconnect()

    def _ask(self, query: str, asked: Mapping[str, Any] | None = None) -> Rows:
        found: Rows = translated(lambda: self._client.execute(query, asked))
        return found
