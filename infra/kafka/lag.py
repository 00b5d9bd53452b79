"""How far behind a consumer group is."""

from kafka import KafkaAdminClient
from kafka.admin import OffsetSpec
from kafka.structs import TopicPartition

from infra.settings import Settings


def group_lag(settings: Settings, group: str, topics: tuple[str, ...]) -> int:
    """Records of the Kafka topics that the group has not acknowledged. Raises `KafkaError`."""
    client = KafkaAdminClient(
        bootstrap_servers=settings.kafka_servers.split(","), request_timeout_ms=5_000
    )
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in range(settings.partitions)
        ]
        ends = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        committed = client.list_group_offsets({group: partitions})[group]
        return sum(
            max(0, ends[tp].offset - max(0, committed[tp].offset if tp in committed else 0))
            for tp in partitions
        )
    finally:
        client.close()
