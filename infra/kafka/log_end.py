"""Ends of the partitions of a Kafka topic, and positions beyond them."""

import time
from collections.abc import Mapping

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from infra.settings import Settings

_ANSWER_S = 5.0
_ASK_AGAIN_S = 1.0
_PATIENCE_S = 10.0
"""How long an end may be too low: a new leader learns the former one's high watermark with a
delay."""


def high_watermarks(
    servers: list[str], positions: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """The ends of partitions, from fetches at `positions`: the embedded broker reports too low an
    end. Blocks. Raises `KafkaError`, TimeoutError."""
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


def beyond_the_end(
    settings: Settings, topic: str, positions: Mapping[int, int], patience_s: float = _PATIENCE_S
) -> dict[int, int]:
    """Partition -> its end, for those that permanently end before the position: records were lost
    (an unclean election, a restored disk), and new ones reuse their offsets. Blocks. Raises
    `KafkaError`, TimeoutError.
    """
    servers = settings.kafka_servers.split(",")
    asked = {TopicPartition(topic, name): at for name, at in positions.items() if at > 0}
    latest = time.monotonic() + patience_s
    while asked:
        ends = high_watermarks(servers, asked)
        asked = {tp: at for tp, at in asked.items() if ends[tp] < at}
        if asked and time.monotonic() >= latest:
            return {tp.partition: ends[tp] for tp in asked}
        if asked:
            time.sleep(_ASK_AGAIN_S)
    return {}
