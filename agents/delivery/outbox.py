"""Outbox of delivery outcomes: stored with the delivery in Redis, then appended to the log."""

import asyncio
from collections.abc import Callable, Sequence

from infra.delivery.schedule import DeliverySchedule
from infra.dependencies import retry_until_available
from infra.kafka.envelopes import in_envelopes
from infra.kafka.log_writer import KafkaUnavailable, LogWriter
from infra.kafka.names import EVENTS
from infra.redis.state_store import is_unavailable
from streams.codec.codec import encode_envelope

GATHER_S = 0.1
"""Linger of outcomes: nothing waits for one, and a batch of one costs Kafka, Redis and the dialogue
worker a round trip each."""

LOOK_EVERY_S = 5.0
"""Interval of the search for outcomes left by a killed worker."""


class Outbox:
    """Appends outcomes to the log. A second append has the same message id."""

    def __init__(self, schedule: DeliverySchedule, writer: LogWriter) -> None:
        self._schedule = schedule
        self._writer = writer
        self._woken = asyncio.Event()
        self.stopping = False

    def wake(self) -> None:
        """The outbox has a new outcome."""
        self._woken.set()

    async def run(self, partitions: Callable[[], Sequence[int]]) -> None:
        """Empties the outboxes of these partitions until it is cancelled."""
        while not self.stopping:
            self._woken.clear()
            for partition in partitions():
                while not self.stopping and await self.empty(partition):
                    pass
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    async def empty(self, partition: int) -> int:
        """Appends a batch of outcomes to the log; returns their number. Waits while Redis or Kafka
        is unavailable."""
        found = await retry_until_available(
            "redis", lambda: self._schedule.outcomes(partition), is_unavailable
        )
        if not found:
            return 0
        for events in in_envelopes(event for _, event in found):
            await retry_until_available(
                "kafka",
                lambda: self._writer.append(EVENTS, partition, encode_envelope(events)),  # noqa: B023 - awaited here
                lambda problem: isinstance(problem, KafkaUnavailable),
            )
        names = [name for name, _ in found]
        await retry_until_available(
            "redis", lambda: self._schedule.written(partition, names), is_unavailable
        )
        return len(found)
