"""Lists of pending and abandoned deliveries."""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec
from redis.asyncio import Redis

from infra.delivery.keys import due_key, given_up_key, records_prefix
from infra.delivery.records import Delivery, delivery_id
from infra.delivery.schedule import DeliverySchedule, read_record
from infra.settings import Settings

Listed = Literal["waiting", "given_up"]


class Shown(msgspec.Struct, frozen=True):
    """A delivery, its partition, and when it is due or was given up (milliseconds)."""

    delivery: Delivery
    partition: int
    at: int


class Done(msgspec.Struct, frozen=True):
    """The record of a finished delivery."""

    id: str
    status: str
    at: int
    attempts: int


class DeliveryListing:
    """Reads all partitions. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._partitions = range(settings.partitions)
        self._schedule = DeliverySchedule(redis, settings)

    async def find(
        self,
        listed: Listed,
        endpoints: Sequence[str],
        most: int,
        triggers: Collection[str] = (),
        until: int | None = None,
    ) -> list[Shown]:
        """Pending deliveries of these endpoints, soonest first, or given-up ones, latest first;
        optionally only of these triggers, or up to `until` (milliseconds)."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            places = []
            for partition in self._partitions:
                if listed == "given_up":
                    pipeline.zrange(given_up_key(partition), 0, -1, desc=True, withscores=True)
                    places.append(partition)
                    continue
                for endpoint in endpoints:
                    pipeline.zrange(due_key(partition, endpoint), 0, most - 1, withscores=True)
                    places.append(partition)
            found = await pipeline.execute()
        requested = [
            (int(at), partition, member.decode())
            for partition, members in zip(places, found, strict=True)
            for member, at in members
            if member.decode().partition("/")[2] in endpoints
            and (until is None or at <= until)
            and (not triggers or member.decode().partition("/")[0] in triggers)
        ]
        requested.sort(reverse=listed == "given_up")
        return await self._read(requested[:most])

    async def of_trigger(self, trigger_id: str, endpoints: Sequence[str]) -> list[Delivery | Done]:
        """The deliveries of one trigger, finished ones included."""
        ids = [delivery_id(trigger_id, endpoint) for endpoint in endpoints]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in self._partitions:
                for name in ids:
                    pipeline.get(records_prefix(partition) + name)
            found = await pipeline.execute()
        names = [name for _ in self._partitions for name in ids]
        return [
            read_record(record) or _done(name, record)
            for name, record in zip(names, found, strict=True)
            if record is not None
        ]

    async def replay(self, shown: Sequence[Shown], now: int) -> int:
        """Makes given-up deliveries due; returns how many were still given up."""
        answers = [await self._schedule.replay(one.partition, one.delivery, now) for one in shown]
        return sum(answers)

    async def _read(self, requested: Sequence[tuple[int, int, str]]) -> list[Shown]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for _, partition, name in requested:
                pipeline.get(records_prefix(partition) + name)
            records = await pipeline.execute()
        shown = []
        for (at, partition, _), record in zip(requested, records, strict=True):
            delivery = read_record(record) if record is not None else None
            if delivery is not None:
                shown.append(Shown(delivery, partition, at))
        return shown


def _done(name: str, record: bytes) -> Done:
    status, at, attempts = record.decode().removeprefix(".").split()
    return Done(name, status, int(at), int(attempts))
