"""Halted partitions in Redis, for processes that do not run the fold."""

from collections.abc import Iterable

import msgspec
from redis.asyncio import Redis

from infra.redis.keys import halt_key

STANDS_S = 60
"""Expiry, seconds, of a halt that its worker does not repeat."""


class Halt(msgspec.Struct, frozen=True):
    """A halted partition. Nothing is lost: it resumes with a corrected version."""

    reason: str
    problem: str
    """The latest failure."""
    offset: int
    """The first offset that is not folded."""
    since: int
    """Milliseconds since 1970."""


class PartitionHalts:
    """The halts in Redis. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def set(self, partition: int, halt: Halt) -> None:
        """Records the halt; its worker repeats it within `STANDS_S`."""
        await self._redis.set(halt_key(partition), msgspec.json.encode(halt), ex=STANDS_S)

    async def clear(self, partition: int) -> None:
        """Removes the halt of a partition that is folded again."""
        await self._redis.delete(halt_key(partition))

    async def read(self, partitions: Iterable[int]) -> dict[int, Halt]:
        """Partition -> its halt, of halted partitions."""
        asked = list(partitions)
        # One request each: on a Redis cluster every partition has a slot of its own.
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition in asked:
                pipe.get(halt_key(partition))
            found = await pipe.execute()
        return {
            partition: msgspec.json.decode(value, type=Halt)
            for partition, value in zip(asked, found, strict=True)
            if value is not None
        }
