"""The retry schedule in Redis: it outlives workers, and leases keep two of them from one
delivery."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from redis.asyncio import Redis

from infra.delivery.keys import due_key, given_up_key, outbox_key, records_prefix
from infra.delivery.posting import TIMEOUT
from infra.delivery.records import Delivery, Held
from infra.delivery.retry_policy import max_delay, max_duration
from infra.settings import Settings

LEASE_MS = int(TIMEOUT * 1000) + 5_000
"""Duration of a lease: an attempt and the time to record its outcome."""

WAITS_MS = 7 * 86_400_000
"""A delivery due for so long, because its endpoint is down, is given up."""

MAX_OUTCOMES = 500
"""Maximum of outcomes per read of an outbox."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Delivery).decode


class Settlement(msgspec.Struct, frozen=True):
    """Result of an attempt to record."""

    held: Held
    delivery: Delivery
    """The delivery after the attempt."""
    due: int
    """When it is due again, milliseconds, while pending."""
    outcome: tuple[str, bytes] | None = None
    """(message id, event) for the log."""


class Backlog(msgspec.Struct, frozen=True):
    """Backlog of an endpoint; `oldest_due` in milliseconds, None without a backlog."""

    waiting: int
    oldest_due: int | None


class DeliverySchedule:
    """Deliveries of all partitions. Every method may raise `RedisError` or `OSError` and may be
    repeated. Times are milliseconds since 1970."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self.remembered_s = remembered_s(settings)
        self._admit, self._take, self._settle, self._replay = (
            redis.register_script((Path(__file__).parent / name).read_text(encoding="utf-8"))
            for name in ("admit.lua", "take.lua", "settle.lua", "replay.lua")
        )

    async def admit(self, partition: int, new: Sequence[tuple[Delivery, int]]) -> list[bool]:
        """Writes deliveries with the time they are due (for those that are attempted at once: the
        end of their lease); returns for each whether it is new. A known one is unchanged."""
        keys: list[str] = []
        arguments: list[bytes | str | int] = [self.remembered_s]
        for delivery, due in new:
            keys += (_record(partition, delivery.id), due_key(partition, delivery.endpoint))
            arguments += (delivery.id, _encode(delivery), due)
        return [answer == 1 for answer in await self._admit(keys=keys, args=arguments)]

    async def take(
        self, partition: int, requested: Mapping[str, tuple[int, int]], now: int
    ) -> dict[str, list[Held]]:
        """Endpoint -> deliveries, the longest due first, leased; `requested` is endpoint -> (due up
        to, how many at most)."""
        if not requested:
            return {}
        until = now + LEASE_MS
        arguments: list[str | int] = [records_prefix(partition), until]
        for up_to, most in requested.values():
            arguments += (up_to, most)
        keys = [due_key(partition, endpoint) for endpoint in requested]
        answers = await self._take(keys=keys, args=arguments)
        return {
            endpoint: [Held(_decode(record), partition, until) for record in records]
            for endpoint, records in zip(requested, answers, strict=True)
        }

    async def settle(self, partition: int, settlements: Sequence[Settlement]) -> list[bool]:
        """Records results of attempts. False for one leased by another worker since, unless it was
        delivered: that is final."""
        keys = [outbox_key(partition)]
        arguments: list[bytes | str | int] = [self.remembered_s]
        for settlement in settlements:
            delivery = settlement.delivery
            keys += (
                _record(partition, delivery.id),
                due_key(partition, delivery.endpoint),
                given_up_key(partition),
            )
            waiting = delivery.status == "waiting"
            arguments += (
                delivery.id,
                settlement.held.until,
                _encode(delivery) if delivery.status in ("waiting", "failed") else _brief(delivery),
                settlement.due if waiting else delivery.status,
                delivery.last_at,
                *(settlement.outcome or ("", b"")),
            )
        return [answer == 1 for answer in await self._settle(keys=keys, args=arguments)]

    async def outcomes(self, partition: int) -> list[tuple[str, bytes]]:
        """(message id, event) of some outcomes that are not on the log yet."""
        _, found = await self._redis.hscan(outbox_key(partition), count=MAX_OUTCOMES)
        return [(name.decode(), event) for name, event in found.items()]

    async def written(self, partition: int, message_ids: Sequence[str]) -> None:
        """Removes outcomes that are on the log."""
        await self._redis.hdel(outbox_key(partition), *message_ids)

    async def backlog(self, partitions: Sequence[int], endpoint: str) -> Backlog:
        """Backlog of each endpoint in these partitions."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for partition in partitions:
                pipeline.zcard(due_key(partition, endpoint))
                pipeline.zrange(due_key(partition, endpoint), 0, 0, withscores=True)
            found = await pipeline.execute()
        firsts = [int(first[0][1]) for first in found[1::2] if first]
        return Backlog(sum(found[::2]), min(firsts, default=None))

    async def replay(self, partition: int, delivery: Delivery, now: int) -> bool:
        """Makes a given-up delivery due, with the whole schedule before it."""
        fresh = msgspec.structs.replace(delivery, status="waiting", attempts=0, created_at=now)
        keys = [
            _record(partition, delivery.id),
            due_key(partition, delivery.endpoint),
            given_up_key(partition),
        ]
        arguments = [delivery.id, _encode(fresh), now, self.remembered_s]
        return bool(await self._replay(keys=keys, args=arguments))


def remembered_s(settings: Settings) -> int:
    """Seconds for which a delivery is kept after its last write: a day more than the retention of
    its trigger, the length of the schedule, and the longest wait for an endpoint that is down.
    Removed earlier, it would be lost without being given up."""
    delays = settings.delivery_pauses
    waits = max_delay(delays) + WAITS_MS / 1000
    return 86_400 + int(max(settings.retention_hours * 3_600.0, max_duration(delays), waits))


def read_record(record: bytes) -> Delivery | None:
    """The delivery in a record; None in the record of a finished one."""
    return None if record[:1] == b"." else _decode(record)


def _brief(delivery: Delivery) -> bytes:
    """The record of a finished delivery: a marker."""
    return f".{delivery.status} {delivery.last_at} {delivery.attempts}".encode()


def _record(partition: int, delivery_id: str) -> str:
    return records_prefix(partition) + delivery_id
