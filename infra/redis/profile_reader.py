"""Reads profiles for people: one look-up, following forwarding addresses."""

from redis.asyncio import Redis

from infra.redis.keys import profile_key
from infra.redis.state_store import StateStore
from schemas.profile import Profile
from streams.codec import decode_profile
from streams.learned import Learned
from streams.partitioning import partition_of

_MOST_FORWARDS = 8


class ProfileReader:
    """Read-only access to the profiles of all partitions. Raises `RedisError` or `OSError`."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self.partitions = partitions
        self._store = StateStore(redis, profile_days=1, anonymous_days=1)

    async def read(self, key: str) -> Profile | None:
        """The profile of a customer, visitor or merged visitor; None where there is none."""
        for _ in range(_MOST_FORWARDS):
            value = await self._redis.get(profile_key(self.partition(key), key))
            if value is None:
                return None
            profile = decode_profile(value)
            if profile.forwarded_to is None:
                return profile
            key = profile.forwarded_to
        return None

    def partition(self, key: str) -> int:
        """The partition that a profile key belongs to."""
        return partition_of(key, self.partitions)

    async def learned(self, partition: int) -> Learned:
        """What the partition's customers have taught so far."""
        return await self._store.learned(partition)
