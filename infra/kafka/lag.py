"""How far behind a consumer group is."""

import time

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import TopicPartition

from infra.settings import Settings

_ANSWER_S = 5.0


def group_lag(settings: Settings, group: str, topics: tuple[str, ...]) -> int:
    """Records of the Kafka topics that the group has not acknowledged. Raises `KafkaError`.

    The ends are the high watermarks of fetches: asked for the end of a partition, the embedded
    broker answers too low.
    """
    places = [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in range(settings.partitions)
    ]
    servers = settings.kafka_servers.split(",")
    admin = KafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=5_000)
    try:
        committed = admin.list_group_offsets({group: places})[group]
    finally:
        admin.close()
    positions = {tp: max(0, committed[tp].offset if tp in committed else 0) for tp in places}
    ends = _high_watermarks(servers, positions)
    return sum(max(0, ends[tp] - position) for tp, position in positions.items())


def _high_watermarks(
    servers: list[str], positions: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=1024,
    )
    try:
        consumer.assign(list(positions))
        for tp, position in positions.items():
            consumer.seek(tp, position)
        latest = time.monotonic() + _ANSWER_S
        ends: dict[TopicPartition, int] = {}
        while len(ends) < len(positions) and time.monotonic() < latest:
            consumer.poll(timeout_ms=100, max_records=1)
            for tp in positions:
                end = consumer.highwater(tp)
                if end is not None:
                    ends[tp] = end
        if len(ends) < len(positions):
            raise TimeoutError(f"Kafka at {servers} does not say where its partitions end")
        return ends
    finally:
        consumer.close()
