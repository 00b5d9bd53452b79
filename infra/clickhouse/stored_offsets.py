"""How far each partition of the log is stored."""

from collections.abc import Callable
from typing import Any

Place = tuple[str, int]
"""Identity of a Kafka topic, and a partition of it."""


def highest_offsets(execute: Callable[..., Any], table: str) -> dict[Place, int]:
    """Place -> the highest offset of which the table holds a row. Raises what the driver raises."""
    rows = execute(
        f"SELECT log_id, log_partition, max(log_offset) FROM {table}"  # noqa: S608 - ours
        " GROUP BY log_id, log_partition"
    )
    return {(str(log_id), int(partition)): int(end) for log_id, partition, end in rows}
