"""Summary of data-quality findings."""

import msgspec

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.settings import Settings


class Found(msgspec.Struct, frozen=True):
    """Findings of one check in one source."""

    source: str
    check: str
    events: int
    customers: int
    last_day: str
    examples: list[str]
    """Message ids."""


class Named(msgspec.Struct, frozen=True):
    """Events of one name."""

    type: str
    name: str
    events: int
    in_no_dialogue: int
    """Of them, those with neither topic nor order."""


def read_names(settings: Settings, days: int, most: int = 50) -> list[Named]:
    """Names of track events and codes of contacts of the last days with events in no dialogue, the
    most first. Blocks. Raises ClickHouseUnavailable or ClickHouseRefused."""
    client = open_client(settings)
    try:
        rows = translated(
            lambda: client.execute(
                "SELECT type, name, count() AS events, countIf(empty(topics) AND empty(left_topics)"
                " AND order_step = '') AS outside FROM daehwa.events_stored FINAL"
                " WHERE copy = 0 AND type IN ('track', 'contact')"
                " AND received_at > now() - toIntervalDay(%(days)s)"
                " GROUP BY type, name HAVING outside > 0 ORDER BY outside DESC LIMIT %(most)s",
                {"days": days, "most": most},
            )
        )
    finally:
        client.disconnect()
    return [Named(*row) for row in rows]


def read_quality(settings: Settings, days: int) -> list[Found]:
    """Findings of the last days, the most frequent first. Blocks. Raises ClickHouseUnavailable or
    ClickHouseRefused."""
    client = open_client(settings)
    try:
        rows = translated(
            lambda: client.execute(
                "SELECT source, check, sum(events) AS found, max(customers), toString(max(day)),"
                " arraySlice(groupArrayArray(examples), 1, 3) FROM daehwa.data_quality"
                " WHERE day > today() - %(days)s GROUP BY source, check ORDER BY found DESC",
                {"days": days},
            )
        )
    finally:
        client.disconnect()
    return [Found(*row) for row in rows]
