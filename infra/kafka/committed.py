"""Committed offsets of a consumer group."""

from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.structs import TopicPartition


def committed_offsets(
    servers: Sequence[str],
    group: str,
    places: Sequence[TopicPartition],
    timeout_ms: int = 10_000,
) -> dict[TopicPartition, int]:
    """The committed offset of each place, 0 without one. Raises `KafkaError`. Blocks: call it from
    a thread."""
    admin = KafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=timeout_ms)
    try:
        committed = admin.list_group_offsets({group: places})[group]
    finally:
        admin.close()
    return {place: max(0, committed[place].offset if place in committed else 0) for place in places}
