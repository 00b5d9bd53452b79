"""Follows the Kafka topic of definitions: what counts, as every process sees it.

It reads without a consumer group, from the beginning: definitions are few.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka.names import DEFINITIONS
from infra.kafka.producer_connection import LARGEST_REQUEST
from infra.settings import Settings
from streams.definitions import Definitions, decode_definition

_PLACE = TopicPartition(DEFINITIONS, 0)
_IDLE_MS = 1_000
_FETCH_WAIT_MS = 400
"""Apache Kafka answers a waiting fetch when a record comes, the embedded broker looks again after
half of this time. Every process asks all the time for what hardly ever comes."""

_ANSWER_S = 5.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

T = TypeVar("T")

_log = structlog.get_logger()


class _AwayError(Exception):
    """Kafka answers, but not with the topic that was followed."""


class DefinitionTail:
    """The definitions that count. Needs no Kafka to start and comes back by itself; what it knew
    stays known while Kafka is away, and when its topic begins anew until something is in it."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka_servers
        self.known = Definitions()
        """Empty until Kafka was read; take it from here each time, it is replaced."""
        self._live = asyncio.Event()
        self._changed = asyncio.Event()
        self._told = False
        self._pause = _FIRST_PAUSE_S
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to follow; returns at once, whether or not Kafka is there."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="definition-tail")

    async def stop(self) -> None:
        """Stops following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def live(self) -> bool:
        """Whether everything Kafka has is read."""
        return self._live.is_set()

    async def until_live(self) -> None:
        """Returns when the tail is `live`."""
        await self._live.wait()

    async def until(self, answer: Callable[[Definitions], T | None]) -> T:
        """The first answer that is not None, asked again after everything that comes."""
        while True:
            changed = self._changed
            found = answer(self.known)
            if found is not None:
                return found
            await changed.wait()

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except (KafkaError, OSError, TimeoutError, _AwayError) as problem:
                if not self._told:
                    _log.warning("definitions are out of reach", problem=str(problem))
                    self._told = True
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_S)

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
            self._told, self._pause = False, _FIRST_PAUSE_S
            self._live.set()
            self._tell()
            await self._follow(consumer, position)
        finally:
            self._live.clear()
            await _close(consumer)

    async def _catch_up(self, consumer: Any, end: int, found: Definitions) -> int:
        position = 0
        # The embedded broker may state an end that is too low; every fetch brings the true one.
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
                    raise _AwayError(f"the Kafka topic {DEFINITIONS} began anew")
                for record in records:
                    _take(self.known, record)
                position = records[-1].offset + 1
                self._tell()

    async def _check(self, consumer: Any, position: int) -> None:
        async with asyncio.timeout(_ANSWER_S):
            await self._check_topic(consumer)
        end = consumer.highwater(_PLACE)
        if end is not None and end < position:
            raise _AwayError(f"the Kafka topic {DEFINITIONS} began anew")

    async def _check_topic(self, consumer: Any) -> None:
        # Asked for by name, the embedded broker would create it with too many partitions.
        if DEFINITIONS not in await consumer.topics():
            raise _AwayError(f"there is no Kafka topic {DEFINITIONS}")

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _take(found: Definitions, record: Any) -> None:
    try:
        definition = decode_definition(record.value or b"")
    except msgspec.DecodeError as problem:
        _log.warning("a definition is unreadable", offset=record.offset, problem=str(problem))
        return
    if not found.add(definition):
        _log.info(
            "a definition does not count",
            kind=definition.kind, version=definition.version, by=definition.by,
        )  # fmt: skip


async def _close(consumer: Any) -> None:
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping})
    if stopping.cancelled():
        # A fetcher that is closed while it waits to try again cancels the closing itself (aiokafka
        # 0.14), which then leaves the connections open.
        await consumer._client.close()
    else:
        stopping.result()
