"""Consumer lag of a group."""

from kafka.structs import TopicPartition

from infra.kafka.committed import committed_offsets
from infra.kafka.log_end import high_watermarks
from infra.settings import Settings


def group_lag(settings: Settings, group: str, topics: tuple[str, ...]) -> int:
    """Records of the Kafka topics that the group has not acknowledged. Raises `KafkaError`,
    TimeoutError."""
    places = [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in range(settings.partitions)
    ]
    servers = settings.kafka_servers.split(",")
    positions = committed_offsets(servers, group, places, timeout_ms=5_000)
    ends = high_watermarks(servers, positions)
    return sum(max(0, ends[tp] - position) for tp, position in positions.items())
