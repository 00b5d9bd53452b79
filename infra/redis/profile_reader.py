"""Reads profiles for views: one look-up, following forwarding addresses."""

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
    """A stored profile cannot be decoded; the text says how to repair it."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(
            f"the stored profile of {key!r} cannot be read: `daehwa rebuild --replace` makes it "
            "anew, then `daehwa dead replay --reason profile_unreadable` folds what came meanwhile"
        )
        self.problem = problem
        """The decoding error."""


class Found(msgspec.Struct, frozen=True):
    """Result of a look-up by id."""

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
        """The same with erasures on the way; the profile may be a tombstone."""
        erased_at = 0
        asked = key
        for _ in range(MAX_HOPS + 1):
            value = await self._redis.get(profile_key(self.partition(key), key))
            if value is None:
                break
            try:
                profile = decode_profile(value)
            except UNREADABLE as problem:
                # Named by the requested id: a reader allowed to see a visitor may not know the
                # customer id.
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
        """The learned counts of the partition."""
        return await self._store.learned(partition)
