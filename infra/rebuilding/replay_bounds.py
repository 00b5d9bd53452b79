"""Replay bounds: the offsets up to which the archive is replayed and from which workers resume.
Blocks: call it from a thread.
"""

from collections.abc import Mapping

import msgspec
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from infra.kafka.committed import committed_offsets
from infra.kafka.names import DIALOGUE_GROUP, EVENTS
from infra.kafka.topics import TopicAdmin
from infra.settings import Settings


class KafkaPlaces(msgspec.Struct, frozen=True):
    """Kafka's offsets of `daehwa.events`."""

    log_id: str
    committed: dict[int, int]
    """Partition -> the committed offset: all before it is folded with its effects."""
    earliest: dict[int, int]
    """Partition -> the first offset Kafka still holds."""


def kafka_places(settings: Settings) -> KafkaPlaces:
    """Reads them from Kafka. Raises `KafkaError`."""
    topics = TopicAdmin(settings)
    try:
        log_id = topics.identity(EVENTS)
    finally:
        topics.close()
    places = [TopicPartition(EVENTS, partition) for partition in range(settings.partitions)]
    servers = settings.kafka_servers.split(",")
    acknowledged = committed_offsets(servers, DIALOGUE_GROUP, places)
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None)
    try:
        earliest = consumer.beginning_offsets(places)
    finally:
        consumer.close()
    return KafkaPlaces(
        log_id,
        {place.partition: acknowledged[place] for place in places},
        {place.partition: max(0, earliest.get(place, 0)) for place in places},
    )


def cut_of(partition: int, archived: Mapping[int, int], places: KafkaPlaces) -> int:
    """The offset up to which a partition is replayed, and at which its worker resumes: at most the
    end of the archive, and, while Kafka still has the records, at most the committed offset.
    Triggers and messages of an uncommitted record may not have been sent, so a worker folds it
    again.
    """
    return min(
        archived.get(partition, 0),
        max(places.committed.get(partition, 0), places.earliest.get(partition, 0)),
    )
