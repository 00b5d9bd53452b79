"""How far behind a consumer group is."""

from kafka import KafkaAdminClient
from kafka.structs import TopicPartition

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
    admin = KafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=5_000)
    try:
        committed = admin.list_group_offsets({group: places})[group]
    finally:
        admin.close()
    positions = {tp: max(0, committed[tp].offset if tp in committed else 0) for tp in places}
    ends = high_watermarks(servers, positions)
    return sum(max(0, ends[tp] - position) for tp, position in positions.items())
