"""Index of customers by e-mail address and telephone number. Entries are candidates and may be
stale: readers check the profiles. It is written before the profiles (so it has every alias of a
profile) and cleared after them.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from infra.clock import now_ms
from infra.redis.keys import aliases_key
from streams.identity.aliases import Alias

MAX_CUSTOMERS = 32
"""Customers kept for one alias, those that stated it last."""


class AliasIndex:
    """Alias -> profile keys. Every method may raise `RedisError` or `OSError`, and may be repeated.

    Each alias has a hash slot of its own: the index is as spread as its values are.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, held: Sequence[tuple[Alias, str]]) -> None:
        """Adds these profile keys to these aliases."""
        if not held:
            return
        now = now_ms()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for alias, key in held:
                name = aliases_key(alias.kind, alias.value)
                pipeline.zadd(name, {key: now})
                pipeline.zremrangebyrank(name, 0, -MAX_CUSTOMERS - 1)
            await pipeline.execute()

    async def remove(self, given_up: Sequence[tuple[Alias, str]]) -> None:
        """Removes these profile keys from these aliases."""
        if not given_up:
            return
        async with self._redis.pipeline(transaction=False) as pipeline:
            for alias, key in given_up:
                pipeline.zrem(aliases_key(alias.kind, alias.value), key)
            await pipeline.execute()

    async def find(self, alias: Alias) -> list[str]:
        """Candidate profile keys of the alias, the latest first."""
        found = await self._redis.zrange(
            aliases_key(alias.kind, alias.value), 0, MAX_CUSTOMERS - 1, desc=True
        )
        return [key.decode("utf-8", "surrogatepass") for key in found]
