"""Deduplication of ringing calls: telephone systems repeat their requests."""

from redis.asyncio import Redis

REMEMBERED_S = 86_400
"""Seconds; telephone systems give up long before."""


class RingingDeduplication:
    """The ids of triggers that are on the log. Every method may raise `RedisError` or `OSError`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def has(self, trigger_id: str) -> bool:
        """Whether the trigger is on the log. A false negative is possible while it is being
        written."""
        return bool(await self._redis.exists(_key(trigger_id)))

    async def add(self, trigger_id: str) -> None:
        """Stores the id of an acknowledged trigger."""
        await self._redis.set(_key(trigger_id), b"1", ex=REMEMBERED_S)


def _key(trigger_id: str) -> str:
    """Expires after a day."""
    return f"daehwa:{{{trigger_id}}}:popped"
