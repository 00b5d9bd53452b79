"""Creates the Kafka topics and says which topic it is."""

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from infra.kafka.log_writer import LARGEST_REQUEST
from infra.kafka.names import DEAD_LETTERS, KAFKA_TOPICS
from infra.settings import Settings


class KafkaTopicsError(Exception):
    """The topics are not what the settings say; the text says how to mend it."""


class TopicAdmin:
    """Kafka's administration, blocking: call it from a thread. Raises `KafkaError` while away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = KafkaAdminClient(
            bootstrap_servers=settings.kafka_servers.split(","),
            client_id="daehwa-admin",
            request_timeout_ms=10_000,
        )

    def ensure(self) -> None:
        """Creates the topics that are missing. `KafkaTopicsError` where one has another number
        of partitions than the settings: profiles would be sought in the wrong place."""
        existing = set(self._client.list_topics())
        for name in KAFKA_TOPICS:
            if name not in existing:
                self._create(name)
        for name in KAFKA_TOPICS:
            (description,) = self._client.describe_topics([name])
            found = len(description["partitions"])
            if found != self._settings.partitions:
                raise KafkaTopicsError(
                    f"the Kafka topic {name} has {found} partitions but DAEHWA_PARTITIONS is "
                    f"{self._settings.partitions}; set DAEHWA_PARTITIONS={found}"
                )

    def identity(self, name: str) -> str:
        """The id Kafka gave the topic when it was created: another after it was created anew."""
        (description,) = self._client.describe_topics([name])
        if description.get("error_code"):
            raise KafkaError(f"no Kafka topic {name}")
        return str(description["topic_id"])

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _create(self, name: str) -> None:
        configs = {"retention.ms": str(self._settings.retention_hours * 3_600_000)}
        if name == DEAD_LETTERS:
            # In base64 the largest record of another topic is over Kafka's own limit.
            configs["max.message.bytes"] = str(LARGEST_REQUEST)
        topic = NewTopic(
            name,
            num_partitions=self._settings.partitions,
            replication_factor=self._settings.replication,
            topic_configs=configs,
        )
        try:
            self._client.create_topics([topic])
        except TopicAlreadyExistsError:
            return
