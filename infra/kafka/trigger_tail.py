"""Tails the triggers: the latest in memory, and live feeds. It reads without a consumer group:
every API process sees every trigger.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from heapq import merge
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.kafka.client_internals import set_running_fetch_wait
from infra.kafka.names import TRIGGERS
from infra.kafka.topic_tail import TopicTail, TopicUnavailableError, close_consumer
from infra.settings import Settings
from schemas.trigger import Trigger
from streams.codec.codec import UNREADABLE, decode_trigger

KEPT = 500
"""Triggers held in memory."""

READ_BACK = 200
"""Triggers of each partition read again when the tail (re)opens."""

MAX_WAITING = 1_000
"""Backlog of one subscriber beyond which it is disconnected."""

_SEEN = 20_000
_IDLE_MS = 250
_FETCH_WAIT_MS = 5
"""Apache Kafka answers a held fetch when a record comes; the embedded broker looks again after half
of this time, which is most of a trigger's latency to a subscriber."""

_UNHEARD_FETCH_WAIT_MS = 200
"""The same without subscribers: polling costs both sides much of a core."""

_ANSWER_S = 3.0

_log = structlog.get_logger()


class Subscription(AsyncIterator[Trigger]):
    """Triggers for one subscriber, in order. Ends when it is closed, when the tail stops, or, after
    what already waits, when more than `MAX_WAITING` wait; it can then resume after the last id."""

    def __init__(self, earlier: Iterable[Trigger], leave: "Callable[[Subscription], None]") -> None:
        self._waiting = deque(earlier)
        self._leave = leave
        self._woken = asyncio.Event()
        self._over = False

    def offer(self, trigger: Trigger) -> None:
        """Queues a trigger, or disconnects the subscriber where too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            self.close()
            return
        self._waiting.append(trigger)
        self._woken.set()

    def close(self) -> None:
        """Ends the feed; queued triggers can still be read."""
        self._over = True
        self._leave(self)
        self._woken.set()

    async def __anext__(self) -> Trigger:
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._waiting.popleft()


class TriggerTail:
    """The latest triggers and live feeds of them, from every partition of `daehwa.triggers`.

    It starts without Kafka and recovers by itself when the broker comes back, even empty. A trigger
    with a known id is dropped.
    """

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka_servers
        self._partitions = [TopicPartition(TRIGGERS, n) for n in range(settings.partitions)]
        self._read_back = max(1, min(READ_BACK, _SEEN // 2 // settings.partitions))
        self._kept: deque[Trigger] = deque(maxlen=KEPT)
        self._seen: dict[str, None] = {}
        self._subscribers: dict[Subscription, None] = {}
        self._positions: dict[TopicPartition, int] = {}
        self.checks = 0
        """Number of successful checks of an idle log."""
        self._following = TopicTail(TRIGGERS, self._read)
        self._consumer: Any = None

    async def start(self) -> None:
        """Begins to follow; returns at once, whether or not Kafka is there."""
        await self._following.start()

    async def stop(self) -> None:
        """Stops following and ends every subscription."""
        await self._following.stop()
        for subscriber in tuple(self._subscribers):
            subscriber.close()

    @property
    def live(self) -> bool:
        """Whether it has caught up and receives new triggers as they are written."""
        return self._following.live

    @property
    def subscribers(self) -> int:
        """Number of subscribers."""
        return len(self._subscribers)

    async def until_live(self) -> None:
        """Returns when the tail is `live`."""
        await self._following.until_live()

    def recent(
        self,
        limit: int,
        type: str | None = None,  # noqa: A002 - the field's name
        customer: str | None = None,
        *,
        suppressed: bool = True,
    ) -> list[Trigger]:
        """At most `limit` of the latest triggers that fit, the latest first."""
        found: list[Trigger] = []
        for trigger in reversed(self._kept):
            if len(found) >= limit:
                break
            if fits(trigger, type, customer, suppressed=suppressed):
                found.append(trigger)
        return found

    def subscribe(self, after: str | None = None) -> Subscription:
        """A feed of new triggers; with `after`, first those after the trigger of that id, or all in
        memory where that trigger is gone."""
        earlier: list[Trigger] = []
        if after is not None:
            for trigger in reversed(self._kept):
                if trigger.id == after:
                    break
                earlier.append(trigger)
            earlier.reverse()
        subscriber = Subscription(earlier, self._leave)
        self._subscribers[subscriber] = None
        self._hurry()
        return subscriber

    def _leave(self, gone: Subscription) -> None:
        self._subscribers.pop(gone, None)
        self._hurry()

    def _hurry(self) -> None:
        """Adapts the fetch wait to the subscribers."""
        if self._consumer is not None:
            wait = _FETCH_WAIT_MS if self._subscribers else _UNHEARD_FETCH_WAIT_MS
            set_running_fetch_wait(self._consumer, wait)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            client_id="daehwa-trigger-tail",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_min_bytes=1,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            retry_backoff_ms=50,
        )
        try:
            async with asyncio.timeout(_ANSWER_S):
                await consumer.start()
                ends = await self._seek(consumer)
            await self._catch_up(consumer, ends)
            self._consumer = consumer
            self._hurry()
            self._following.caught_up()
            await self._follow(consumer)
        finally:
            self._consumer = None
            self._following.lost()
            await close_consumer(consumer)

    async def _seek(self, consumer: Any) -> dict[TopicPartition, int]:
        """Seeks to the last position, or some way back: known triggers are dropped, and a recreated
        log is read from its beginning. Returns the end of each partition."""
        if TRIGGERS not in await consumer.topics():
            raise TopicUnavailableError(f"there is no Kafka topic {TRIGGERS}")
        begins = await consumer.beginning_offsets(self._partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(self._partitions)
        consumer.assign(self._partitions)
        for partition, end in ends.items():
            start = min(self._positions.get(partition, end), end - self._read_back)
            self._positions[partition] = max(begins[partition], start)
            consumer.seek(partition, self._positions[partition])
        return ends

    async def _catch_up(self, consumer: Any, ends: dict[TopicPartition, int]) -> None:
        """Reads existing triggers, in the order of writing over all partitions."""
        backlog: dict[TopicPartition, list[Any]] = {}
        while any(self._positions[partition] < end for partition, end in ends.items()):
            batches = await consumer.getmany(timeout_ms=_IDLE_MS)
            if not batches:
                await self._check(consumer)
            for partition, records in batches.items():
                backlog.setdefault(partition, []).extend(records)
                self._positions[partition] = records[-1].offset + 1
        self._take(backlog)

    async def _follow(self, consumer: Any) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=_IDLE_MS)
            if batches:
                self._take(batches)
                for partition, records in batches.items():
                    self._positions[partition] = records[-1].offset + 1
            else:
                await self._check(consumer)

    async def _check(self, consumer: Any) -> None:
        """Raises where the broker is gone or its log is not the one that was followed: the consumer
        itself would wait for ever on the one and skip the beginning of the other.

        The high watermark comes with every fetch; the embedded broker answers the question for a
        partition's end with the first offset of its last batch instead, plus one.
        """
        async with asyncio.timeout(_ANSWER_S):
            if TRIGGERS not in await consumer.topics():
                raise TopicUnavailableError(f"the Kafka topic {TRIGGERS} is gone")
        for partition, position in self._positions.items():
            end = consumer.highwater(partition)
            if end is not None and end < position:
                raise TopicUnavailableError(f"the Kafka topic {TRIGGERS} began anew")
        self.checks += 1

    def _take(self, batches: dict[TopicPartition, list[Any]]) -> None:
        for record in merge(*batches.values(), key=lambda record: record.timestamp):
            try:
                trigger = decode_trigger(record.value or b"")
            except UNREADABLE as problem:
                _log.warning(
                    "trigger_unreadable",
                    partition=record.partition,
                    offset=record.offset,
                    problem=str(problem),
                )
                continue
            if trigger.id in self._seen:
                continue
            self._seen[trigger.id] = None
            if len(self._seen) > _SEEN:
                del self._seen[next(iter(self._seen))]
            self._kept.append(trigger)
            for subscriber in tuple(self._subscribers):
                subscriber.offer(trigger)


def fits(
    trigger: Trigger,
    type: str | None = None,  # noqa: A002 - the field's name
    customer: str | None = None,
    *,
    suppressed: bool = False,
) -> bool:
    """Whether the trigger is of the type, about the customer, and fired (or `suppressed` is on)."""
    return (
        (suppressed or trigger.decision == "fire")
        and (type is None or trigger.type == type)
        and (customer is None or trigger.customer_id == customer)
    )
