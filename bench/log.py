"""Events on the Kafka log, and how fast workers fold them."""

import asyncio
import time
from collections.abc import Iterator

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from bench.traffic import envelopes
from infra.kafka.names import EVENTS
from infra.redis.keys import watermark_key
from infra.settings import Settings

LOOK_EVERY_S = 0.02


class Log:
    """`daehwa.events` of one bench, and how many events it holds up to each offset."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._totals: dict[int, list[int]] = {p: [] for p in range(settings.partitions)}
        self._before = 0

    async def fill(self, events: Iterator[dict[str, object]], size: int) -> None:
        """Appends the events in envelopes of `size`."""
        await self.append(list(envelopes(events, self._settings.partitions, size)))

    def append(self, made: list[tuple[int, int, bytes]]) -> asyncio.Task[None]:
        """Begins to append envelopes as `bench.traffic.envelopes` makes them; `folded` waits for
        all of them from now on."""
        self._before = self._whole()
        for partition, count, _ in made:
            total = self._totals[partition]
            total.append((total[-1] if total else 0) + count)
        return asyncio.create_task(self._send(made))

    async def _send(self, made: list[tuple[int, int, bytes]]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_servers,
            acks="all",
            max_request_size=4 << 20,
            compression_type="zstd",  # as the collector does
        )
        await producer.start()
        try:
            pending = []
            for partition, _, value in made:
                pending.append(await producer.send(EVENTS, value, partition=partition))
                if len(pending) >= 200:
                    await asyncio.gather(*pending)
                    pending.clear()
            await asyncio.gather(*pending)
        finally:
            await producer.stop()

    async def folded(self) -> float:
        """Events a second that are folded, between the first watermark seen to move over what was
        appended last and the one that says all of it is done."""
        redis: Redis = Redis.from_url(self._settings.redis_url)
        seen: list[tuple[float, int]] = []
        try:
            while not seen or seen[-1][1] < self._whole():
                folded = 0
                for partition, total in self._totals.items():
                    found = await redis.hget(watermark_key(partition), "next_offset")
                    folded += total[int(found) - 1] if int(found or 0) else 0
                if folded > self._before and (not seen or folded != seen[-1][1]):
                    seen.append((time.perf_counter(), folded))
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await redis.aclose()
        (first_at, first), (last_at, last) = seen[0], seen[-1]
        return (last - first) / (last_at - first_at)

    def _whole(self) -> int:
        return sum(total[-1] for total in self._totals.values() if total)
