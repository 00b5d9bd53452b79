"""One producer connection, for as long as its broker lives."""

import asyncio
from collections.abc import Set

from aiokafka import AIOKafkaProducer
from aiokafka.conn import CloseReason
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    UnknownError,
    UnsupportedVersionError,
)

from infra.kafka.client_internals import (
    never_expire_batches,
    on_connection_closed,
    stop_sending,
)

ACKNOWLEDGED_WITHIN_S = 5.0
LARGEST_REQUEST = 4 * 1024 * 1024
"""Bytes of one produce request, and so of one record."""
LARGEST_BATCH = 900_000
"""Bytes of one Kafka batch; a broker's `message.max.bytes` is a little over a million."""
_LOOK_AGAIN_S = 0.05
_BROKEN = (CloseReason.CONNECTION_BROKEN, CloseReason.CONNECTION_TIMEOUT, CloseReason.OUT_OF_SYNC)
_PASSING = (UnknownError,)
"""Final for aiokafka; Tansu answers so when two clients write to a new partition at once."""

_NOT_IDEMPOTENT = (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    UnknownError,
    UnsupportedVersionError,
)
"""Errors of brokers without producer ids; Tansu has the third."""


class ProducerConnection:
    """A producer, idempotent where the broker gives producer ids.

    By itself aiokafka connects again and sends again whatever it holds, to whatever answers at
    the address: to a broker that started anew and has no such topic yet (Tansu then makes one up,
    under way of the real one being created, and offsets are given out twice), and after we have
    told the sender that it failed. So it may do neither: what breaks is lost, and the writer
    begins with a fresh producer that asks which topics there are.

    Where the broker gives producer ids the producer is idempotent: what a living broker refuses
    for the moment aiokafka sends again under the same number, and the broker keeps it once.
    """

    def __init__(self, servers: str, compression: str = "none") -> None:
        self._servers = servers
        self._compression = None if compression == "none" else compression
        self.idempotent = True
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.producer = self._producer()

    async def open(self) -> None:
        """Connects, and asks for the topics over the connection that will carry the records.

        KafkaError or OSError where Kafka does not answer."""
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await self.producer.start()
        except TimeoutError:
            raise KafkaConnectionError("Kafka answers but gives no producer id") from None
        except _NOT_IDEMPOTENT:
            await self.producer.stop()
            self.idempotent = False
            self.producer = self._producer()
            await self.producer.start()
        if not await self.producer.client.force_metadata_update():
            raise KafkaConnectionError("Kafka answers but does not say which topics it has")

    def _producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            client_id="daehwa-writer",
            acks="all",
            enable_idempotence=self.idempotent,
            compression_type=self._compression,
            linger_ms=0,
            max_batch_size=LARGEST_BATCH,
            max_request_size=LARGEST_REQUEST,
            request_timeout_ms=int(ACKNOWLEDGED_WITHIN_S * 1000),
            connections_max_idle_ms=None,
        )
        never_expire_batches(producer)
        on_connection_closed(producer, self._closed)
        return producer

    async def partitions(self, topic: str) -> Set[int]:
        """The partitions of the topic; waits for it to be created.

        Never asks Kafka for it by name: brokers that create topics on demand, Tansu among them,
        take that for a demand."""
        cluster = self.producer.client.cluster
        while True:
            found: Set[int] | None = cluster.partitions_for_topic(topic)
            if found is not None:
                return found
            if self.lost.done():
                raise KafkaConnectionError("Kafka was lost")
            await asyncio.sleep(_LOOK_AGAIN_S)
            await self.producer.client.force_metadata_update()

    def may_send_again(self, problem: KafkaError) -> bool:
        """Whether refused records may be sent again over this connection. Not by an idempotent
        producer: their sequence number is lost."""
        return not self.idempotent and (problem.retriable or type(problem) in _PASSING)

    def lose(self, reason: str) -> None:
        """Ends every wait on this connection and stops its sender."""
        if not self.lost.done():
            self.lost.set_result(reason)
            stop_sending(self.producer)

    def _closed(self, _: object, reason: CloseReason | None) -> None:
        if reason in _BROKEN:
            self.lose("the connection broke")
