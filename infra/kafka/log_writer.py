"""Appends to Kafka topics and returns when Kafka has acknowledged."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.background import in_background
from infra.backoff import backoff
from infra.kafka.producer_connection import (
    ACKNOWLEDGED_WITHIN_S,
    ProducerConnection,
)
from infra.metrics import set_dependency_up
from infra.settings import Settings

PROBE_EVERY_S = 1.0
_FIRST_PAUSE_S = 0.1
_MAX_PAUSE_S = 2.0
_PAUSE_BEFORE_RETRY_S = 0.05

_Records = Sequence[tuple[bytes | None, bytes]]
_Sent = list["asyncio.Future[Any]"]
_Send = Callable[[AIOKafkaProducer, str, int, _Records], Coroutine[Any, Any, _Sent]]
_log = structlog.get_logger()


class KafkaUnavailable(Exception):  # noqa: N818 - says what happened
    """Kafka did not acknowledge in time. The records may or may not be on the log: send them again
    with the same message ids."""


class LogWriter:
    """Writes to Kafka with `acks=all`. It reconnects by itself with a new producer, without state
    of a former broker. `compressed`: as in the settings; compression shifts work from consumers to
    the producer."""

    def __init__(self, settings: Settings, *, compressed: bool = False) -> None:
        self._servers = settings.kafka_servers
        self._compression = settings.compression if compressed else "none"
        self._connection: ProducerConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether Kafka answered the latest probe (one a second)."""
        return self._connection is not None and not self._connection.lost.done()

    async def start(self) -> None:
        """Starts connecting; returns after the first attempt, with or without Kafka."""
        attempted = asyncio.get_running_loop().create_future()
        self._keeper = in_background(self._keep_connected(attempted), "connection to Kafka")
        await asyncio.wait({attempted, self._keeper}, return_when=asyncio.FIRST_COMPLETED)
        if self._keeper.done():
            self._keeper.result()

    async def stop(self) -> None:
        """Waits for records in flight (some seconds at most), then closes the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        connection, self._connection = self._connection, None
        if connection is not None:
            stopping = asyncio.create_task(connection.producer.stop())
            await asyncio.wait({stopping}, timeout=ACKNOWLEDGED_WITHIN_S)
            connection.lose("the writer stopped")
            await stopping
        if self._closing:
            await asyncio.wait(self._closing)

    async def append(
        self,
        topic: str,
        partition: int,
        value: bytes,
        key: bytes | None = None,
        *,
        within_s: float = ACKNOWLEDGED_WITHIN_S,
    ) -> None:
        """Appends one record and returns when Kafka has acknowledged it. Raises
        `KafkaUnavailable`."""
        await self._acknowledged(_send_one, topic, partition, [(key, value)], within_s)

    async def append_many(
        self,
        topic: str,
        partition: int,
        records: _Records,
        *,
        within_s: float = ACKNOWLEDGED_WITHIN_S,
    ) -> None:
        """Appends (key, value) records in their order, in as few Kafka batches as hold them, and
        returns when all are acknowledged. Raises `KafkaUnavailable` when one was not: none, some or
        all of them may then be on the log."""
        if records:
            await self._acknowledged(_send_batches, topic, partition, records, within_s)

    async def _acknowledged(
        self, send: _Send, topic: str, partition: int, records: _Records, within_s: float
    ) -> None:
        latest = asyncio.get_running_loop().time() + within_s
        while True:
            connection = self._connection
            if connection is None or connection.lost.done():
                raise KafkaUnavailable(f"Kafka at {self._servers} does not answer")
            sent: _Sent = []
            try:
                async with asyncio.timeout_at(latest):
                    if partition not in await connection.partitions(topic):
                        raise KafkaUnavailable(f"{topic} has no partition {partition}")
                    sent = await send(connection.producer, topic, partition, records)
                await self._all_done(connection, sent, latest)
            except TimeoutError:
                reason = f"Kafka did not acknowledge within {within_s:g} s"
                if sent and within_s >= ACKNOWLEDGED_WITHIN_S:
                    # Kafka answers and refuses: the backlog must stay bounded.
                    connection.lose(reason)
                raise KafkaUnavailable(reason) from None
            except KafkaError as problem:
                if connection.lost.done() or not connection.may_send_again(problem):
                    connection.lose(repr(problem))
                    raise KafkaUnavailable(f"Kafka did not acknowledge: {problem!r}") from problem
                # A duplicate on the log has the same message id and counts once.
                await asyncio.sleep(_PAUSE_BEFORE_RETRY_S)
                await connection.producer.client.force_metadata_update()
            else:
                return

    async def _all_done(self, connection: ProducerConnection, sent: _Sent, latest: float) -> None:
        """Returns when all are acknowledged, raises at the first failure. The futures are never
        cancelled: aiokafka's sender crashes on a cancelled one.
        """
        unfinished = set(sent)
        while unfinished:
            done, _ = await asyncio.wait(
                {*unfinished, connection.lost},
                timeout=latest - asyncio.get_running_loop().time(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                raise TimeoutError
            for future in done & unfinished:
                future.result()
            unfinished -= done
            if unfinished and connection.lost in done:
                raise KafkaUnavailable(f"Kafka at {self._servers} was lost before it answered")

    async def _keep_connected(self, attempted: "asyncio.Future[None]") -> None:
        delays = backoff(_FIRST_PAUSE_S, _MAX_PAUSE_S)
        told = False
        while True:
            connection = ProducerConnection(self._servers, self._compression)
            try:
                await connection.open()
            except (KafkaError, OSError) as problem:
                await connection.producer.stop()
                set_dependency_up("kafka", False)
                if not told:
                    told = True
                    _log.warning("Kafka does not answer, retrying", reason=str(problem))
                if not attempted.done():
                    attempted.set_result(None)
                await asyncio.sleep(next(delays))
                continue
            except asyncio.CancelledError:
                await connection.producer.stop()
                raise
            self._connection = connection
            set_dependency_up("kafka", True)
            _log.info("Kafka available", servers=self._servers, idempotent=connection.idempotent)
            if not attempted.done():
                attempted.set_result(None)
            reason = await _until_lost(connection)
            self._connection = None
            set_dependency_up("kafka", False)
            _log.warning("connection to Kafka lost, reconnecting", reason=reason)
            delays, told = backoff(_FIRST_PAUSE_S, _MAX_PAUSE_S), True
            closing = asyncio.create_task(connection.producer.stop())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


async def _until_lost(connection: ProducerConnection) -> str:
    """Probes Kafka every second; returns why the connection is lost."""
    while True:
        done, _ = await asyncio.wait({connection.lost}, timeout=PROBE_EVERY_S)
        if done:
            return connection.lost.result()
        try:
            await connection.producer.client.fetch_all_metadata()
        except (KafkaError, OSError) as problem:
            connection.lose(str(problem))


async def _send_one(
    producer: AIOKafkaProducer, topic: str, partition: int, records: _Records
) -> _Sent:
    ((key, value),) = records
    sent = await producer.send(topic, value, key=key, partition=partition)
    sent.add_done_callback(_look_at)
    return [sent]


async def _send_batches(
    producer: AIOKafkaProducer, topic: str, partition: int, records: _Records
) -> _Sent:
    sent = []
    left = iter(records)
    record = next(left, None)
    while record is not None:
        batch = producer.create_batch()
        while record is not None and batch.append(key=record[0], value=record[1], timestamp=None):
            record = next(left, None)
        batch.close()
        future = await producer.send_batch(batch, topic, partition=partition)
        future.add_done_callback(_look_at)
        sent.append(future)
    return sent


def _look_at(future: "asyncio.Future[Any]") -> None:
    """Marks the exception of an abandoned future as retrieved."""
    if not future.cancelled():
        future.exception()
