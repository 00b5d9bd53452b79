"""Creates the Kafka topics, and reads their ids."""

import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from infra.kafka.names import DEAD_LETTERS, DEFINITIONS, KAFKA_TOPICS
from infra.kafka.producer_connection import LARGEST_REQUEST
from infra.settings import Settings

_KNOWN_WITHIN_S = 10.0
"""Time-out until a created topic is visible."""
_LOOK_AGAIN_S = 0.05


class KafkaTopicsError(Exception):
    """The topics contradict the settings; the text says how to correct it."""


class TopicAdmin:
    """Kafka's administration, blocking: call it from a thread. Raises `KafkaError` while
    unavailable."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = KafkaAdminClient(
            bootstrap_servers=settings.kafka_servers.split(","),
            client_id="daehwa-admin",
            request_timeout_ms=10_000,
        )

    def ensure(self, names: Sequence[str] = (*KAFKA_TOPICS, DEFINITIONS)) -> None:
        """Creates the topics that are missing and returns when each has a leader for every
        partition. `KafkaTopicsError` where one has another number of partitions than the settings
        (profiles would be sought in the wrong place) or cannot have as many replicas.

        `daehwa.definitions` has one partition: all read it in one order."""
        existing = set(self._client.list_topics())
        for name in names:
            if name not in existing:
                self._create(name)
        for name in names:
            found = self._known_partitions(name)
            if name == DEFINITIONS and found != 1:
                raise KafkaTopicsError(
                    f"the Kafka topic {name} has {found} partitions and must have one; "
                    "delete it to have it created anew"
                )
            if name != DEFINITIONS and found != self._settings.partitions:
                raise KafkaTopicsError(
                    f"the Kafka topic {name} has {found} partitions but DAEHWA_PARTITIONS is "
                    f"{self._settings.partitions}; set DAEHWA_PARTITIONS={found}, or delete the "
                    "Kafka topic and what it holds to have it created anew"
                )

    def identity(self, name: str) -> str:
        """The id Kafka gave the topic when it was created: another after it was created anew.
        `KafkaError` where there is none."""
        description = self._describe(name)
        if description.get("error_code"):
            raise UnknownTopicOrPartitionError(f"no Kafka topic {name}")
        return str(description["topic_id"])

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _create(self, name: str) -> None:
        configs = {"retention.ms": str(self._settings.retention_hours * 3_600_000)}
        if name == DEFINITIONS:
            # Each has a key of its own: compaction keeps them all.
            configs = {"cleanup.policy": "compact", "max.message.bytes": str(LARGEST_REQUEST)}
        if name == DEAD_LETTERS:
            # In base64 the largest record of another topic exceeds Kafka's default limit.
            configs["max.message.bytes"] = str(LARGEST_REQUEST)
        topic = NewTopic(
            name,
            num_partitions=1 if name == DEFINITIONS else self._settings.partitions,
            replication_factor=self._settings.replication,
            topic_configs=configs,
        )
        try:
            self._client.create_topics([topic])
        except TopicAlreadyExistsError:
            return
        except InvalidReplicationFactorError:
            raise KafkaTopicsError(
                f"the Kafka topic {name} cannot have {self._settings.replication} replicas: Kafka "
                "has fewer brokers up; start them, or set a lower DAEHWA_REPLICATION"
            ) from None

    def _known_partitions(self, name: str) -> int:
        """Its partitions, once each has a leader. `KafkaError` when that takes too long."""
        latest = time.monotonic() + _KNOWN_WITHIN_S
        while True:
            description = self._describe(name)
            partitions = description["partitions"]
            if partitions and not any(partition["error_code"] for partition in partitions):
                return len(partitions)
            if time.monotonic() > latest:
                raise KafkaError(f"the Kafka topic {name} has no leader for every partition")
            time.sleep(_LOOK_AGAIN_S)

    def _describe(self, name: str) -> dict[str, Any]:
        (description,) = self._client.describe_topics([name])
        return dict(description)
