"""The latest events of the archive, in the order they were received."""

from collections.abc import Iterator

from clickhouse_driver import Client

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.settings import Settings
from schemas.event import Event
from streams.archive.replay import REPLAY_COLUMNS, replayed_event
from streams.archive.tables import EVENTS_TABLE

_AT_ONCE = 5_000
_ANSWER_S = 120

# Messages of profiles and timers are made anew by each playbook.
_HAPPENED = (
    f"FROM {EVENTS_TABLE} FINAL WHERE copy = 0"
    " AND type NOT IN ('timer', 'link', 'merge', 'adopt')"
    " AND received_at >= fromUnixTimestamp64Milli(%(since)s, 'UTC')"
)

_COUNT = (
    "SELECT count(), toUnixTimestamp64Milli(min(received_at)) FROM"  # noqa: S608 - our own names
    f" (SELECT received_at {_HAPPENED} ORDER BY received_at DESC LIMIT %(most)s)"
)
_READ = (
    f"SELECT {', '.join(REPLAY_COLUMNS)} FROM (SELECT * {_HAPPENED}"  # noqa: S608 - likewise
    " ORDER BY received_at DESC, log_partition DESC, log_offset DESC, log_index DESC"
    " LIMIT %(most)s) ORDER BY received_at, log_partition, log_offset, log_index"
)


class LatestEvents:
    """At most `most` events received since `since` (milliseconds), the latest. All of it blocks
    and raises `ClickHouseUnavailable` or `ClickHouseRefused`."""

    def __init__(self, settings: Settings, most: int, since: int) -> None:
        self._client: Client = open_client(settings, answer_seconds=_ANSWER_S)
        self._most = most
        self._since = since

    def count(self) -> int:
        """Number of events; later calls skip those that are not among the latest."""
        asked = {"since": self._since, "most": self._most}
        ((found, begin),) = translated(lambda: self._client.execute(_COUNT, asked))
        self._since = max(self._since, begin)
        return int(found)

    def read(self) -> Iterator[Event]:
        """The events, oldest first; unreadable ones are skipped."""
        rows = translated(
            lambda: self._client.execute_iter(
                _READ,
                {"since": self._since, "most": self._most},
                chunk_size=_AT_ONCE,
                settings={"strings_as_bytes": True, "max_block_size": _AT_ONCE},
            )
        )
        while True:
            block = translated(lambda: next(rows, None))
            if not block:
                return
            for row in block:
                event = replayed_event(row)
                if event is not None:
                    yield event

    def close(self) -> None:
        """Closes the connection."""
        self._client.disconnect()
