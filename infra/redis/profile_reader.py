"""Reads profiles for people: one look-up, following forwarding addresses."""

import msgspec
from redis.asyncio import Redis

from infra.redis.keys import profile_key
from infra.redis.state_store import StateStore
from schemas.profile import Profile
from streams.codec.codec import UNREADABLE, decode_profile
from streams.fold.links import MAX_HOPS
from streams.identity.partitioning import partition_of
from streams.models.learned import Learned
from streams.privacy.erasure import is_tombstone


class UnreadableProfileError(Exception):
    """What Redis holds under an id cannot be decoded; the text says how that is mended."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(
            f"the stored profile of {key!r} cannot be read: `daehwa rebuild --replace` makes it "
            "anew, then `daehwa dead replay --reason profile_unreadable` folds what came meanwhile"
        )
        self.problem = problem
        """What is wrong with the bytes."""


class Found(msgspec.Struct, frozen=True):
    """What is known under an id."""

    profile: Profile | None
    erased_at: int
    """Up to when (milliseconds) the id, or one it was merged into, was erased; 0: never."""


class ProfileReader:
    """Read-only access to the profiles of all partitions. Raises `RedisError` or `OSError`, and
    `UnreadableProfileError` for a profile that is there and cannot be decoded."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self.partitions = partitions
        self._store = StateStore(redis, profile_days=1, anonymous_days=1)

    async def read(self, key: str) -> Profile | None:
        """The profile of a customer, visitor or merged visitor; None where there is none."""
        profile = (await self.find(key)).profile
        return None if profile is None or is_tombstone(profile) else profile

    async def find(self, key: str) -> Found:
        """The same with what was erased on the way; the profile may be a tombstone."""
        erased_at = 0
        asked = key
        for _ in range(MAX_HOPS + 1):
            value = await self._redis.get(profile_key(self.partition(key), key))
            if value is None:
                break
            try:
                profile = decode_profile(value)
            except UNREADABLE as problem:
                # Named as it was asked for: who may ask for a visitor may not know the customer.
                raise UnreadableProfileError(asked, str(problem)) from None
            erased_at = max(erased_at, profile.erased_at)
            if profile.forwarded_to is None:
                return Found(profile, erased_at)
            key = profile.forwarded_to
        return Found(None, erased_at)

    def partition(self, key: str) -> int:
        """The partition that a profile key belongs to."""
        return partition_of(key, self.partitions)

    async def learned(self, partition: int) -> Learned:
        """What the partition's customers have taught so far."""
        return await self._store.learned(partition)
