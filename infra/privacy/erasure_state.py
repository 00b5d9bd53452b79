"""Progress of an erasure in the archive."""

from typing import Literal

import msgspec

from infra.clickhouse.connection import open_client
from infra.clickhouse.failures import translated
from infra.privacy.archived_rows import rows_left
from infra.settings import Settings
from streams.archive.tables import EVENTS_TABLE

State = Literal["erased", "pending", "unknown"]


class ArchiveState(msgspec.Struct, frozen=True):
    """`unknown`: ClickHouse does not answer."""

    state: State
    rows_left: int | None = None


def archive_state(settings: Settings, customer_id: str, until: int) -> ArchiveState:
    """Whether the rows of this id up to `until` (milliseconds) are gone. Blocks. Raises
    ClickHouseUnavailable or ClickHouseRefused."""
    client = open_client(settings, answer_seconds=30)
    try:
        left = rows_left(
            lambda query, asked: translated(lambda: client.execute(query, dict(asked))),
            [customer_id],
            until,
        )
        ((met,),) = translated(
            lambda: client.execute(
                f"SELECT count() FROM {EVENTS_TABLE} WHERE type = 'erase'"  # noqa: S608 - ours
                " AND profile_key = %(id)s AND toUnixTimestamp64Milli(occurred_at) >= %(until)s",
                {"id": customer_id, "until": until},
            )
        )
    finally:
        client.disconnect()
    return ArchiveState("erased" if met and not left else "pending", left)
