"""Tails the Kafka topic of definitions. It reads without a consumer group, from the beginning:
definitions are few.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka.names import DEFINITIONS
from infra.kafka.producer_connection import LARGEST_REQUEST
from infra.kafka.topic_tail import TopicTail, TopicUnavailableError, close_consumer
from infra.settings import Settings
from streams.codec.codec import UNREADABLE
from streams.definitions.definitions import Definitions, decode_definition

_PLACE = TopicPartition(DEFINITIONS, 0)
_IDLE_MS = 1_000
_FETCH_WAIT_MS = 400
"""Apache Kafka answers a held fetch when a record comes, the embedded broker looks again after half
of this time. Long, because every process polls and definitions are rare."""

_ANSWER_S = 5.0

T = TypeVar("T")

_log = structlog.get_logger()


class DefinitionTail:
    """The accepted definitions. It starts without Kafka and reconnects by itself; known definitions
    stay while Kafka is unavailable, and after the topic was recreated until it has records."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka_servers
        self.known = Definitions()
        """Empty until Kafka was read; do not keep a reference, it is replaced."""
        self._changed = asyncio.Event()
        self._following = TopicTail(DEFINITIONS, self._read)

    async def start(self) -> None:
        """Starts tailing; returns at once, with or without Kafka."""
        await self._following.start()

    async def stop(self) -> None:
        """Stops tailing."""
        await self._following.stop()

    @property
    def live(self) -> bool:
        """Whether it has caught up with Kafka."""
        return self._following.live

    async def until_live(self) -> None:
        """Returns when the tail is `live`."""
        await self._following.until_live()

    async def until(self, answer: Callable[[Definitions], T | None]) -> T:
        """The first result that is not None, evaluated again after each definition."""
        while True:
            changed = self._changed
            found = answer(self.known)
            if found is not None:
                return found
            await changed.wait()

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            client_id="daehwa-definition-tail",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=LARGEST_REQUEST,
            retry_backoff_ms=50,
        )
        try:
            async with asyncio.timeout(_ANSWER_S):
                await consumer.start()
                await self._check_topic(consumer)
                ends = await consumer.end_offsets([_PLACE])
            consumer.assign([_PLACE])
            consumer.seek(_PLACE, 0)
            found = Definitions()
            position = await self._catch_up(consumer, ends[_PLACE], found)
            if found.kinds or not self.known.kinds:
                self.known = found
            self._following.caught_up()
            self._dispatch()
            await self._follow(consumer, position)
        finally:
            self._following.lost()
            await close_consumer(consumer)

    async def _catch_up(self, consumer: Any, end: int, found: Definitions) -> int:
        position = 0
        # The embedded broker may report an end that is too low; fetches carry the true one.
        while position < max(end, consumer.highwater(_PLACE) or 0):
            batches = await consumer.getmany(timeout_ms=_IDLE_MS)
            if not batches:
                await self._check(consumer, position)
            for records in batches.values():
                for record in records:
                    _take(found, record)
                position = records[-1].offset + 1
        return position

    async def _follow(self, consumer: Any, position: int) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=_IDLE_MS)
            if not batches:
                await self._check(consumer, position)
            for records in batches.values():
                if self.known.kinds and records[0].offset == 0:
                    raise TopicUnavailableError(f"the Kafka topic {DEFINITIONS} began anew")
                for record in records:
                    _take(self.known, record)
                position = records[-1].offset + 1
                self._dispatch()

    async def _check(self, consumer: Any, position: int) -> None:
        async with asyncio.timeout(_ANSWER_S):
            await self._check_topic(consumer)
        end = consumer.highwater(_PLACE)
        if end is not None and end < position:
            raise TopicUnavailableError(f"the Kafka topic {DEFINITIONS} began anew")

    async def _check_topic(self, consumer: Any) -> None:
        # A request by name makes the embedded broker create it with too many partitions.
        if DEFINITIONS not in await consumer.topics():
            raise TopicUnavailableError(f"there is no Kafka topic {DEFINITIONS}")

    def _dispatch(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _take(found: Definitions, record: Any) -> None:
    try:
        definition = decode_definition(record.value or b"")
    except UNREADABLE as problem:
        _log.warning("a definition is unreadable", offset=record.offset, problem=str(problem))
        return
    if not found.add(definition):
        _log.info(
            "a definition was refused",
            kind=definition.kind, version=definition.version, by=definition.by,
        )  # fmt: skip
