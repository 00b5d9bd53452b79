"""The first existing record of a partition from an offset on."""

import time

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from infra.settings import Settings

_ANSWER_S = 10.0


def first_offset(settings: Settings, topic: str, partition: int, at: int) -> int:
    """The offset of the first record at or after `at`; of the whole partition where `at` is
    deleted. Blocks: call it from a thread. Raises `KafkaError`, or `TimeoutError` without a record.
    It fetches, because the embedded broker misreports beginnings and ends.
    """
    place = TopicPartition(topic, partition)
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_servers.split(","),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4096,
    )
    try:
        consumer.assign([place])
        consumer.seek(place, at)
        latest = time.monotonic() + _ANSWER_S
        while time.monotonic() < latest:
            for records in consumer.poll(timeout_ms=200, max_records=1).values():
                return int(records[0].offset)
        raise TimeoutError(f"{topic}/{partition} gives no record from {at} on")
    finally:
        consumer.close()
