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
