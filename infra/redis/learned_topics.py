"""Transition counts from Redis, refreshed periodically for readers."""

import asyncio
from collections import Counter
from contextlib import suppress

from redis.exceptions import RedisError

from infra.redis.profile_reader import ProfileReader
from streams.models.learned import Learned

FRESH_S = 10.0
"""Seconds for which the counts of a partition are cached."""


class LearnedTopics:
    """Counts of each partition, cached for a few seconds: reading them takes time proportional to
    the topics, so only the first caller waits."""

    def __init__(self, profiles: ProfileReader) -> None:
        self._profiles = profiles
        self._found: dict[int, Learned] = {}
        self._read_at: dict[int, float] = {}
        self._reading: dict[int, asyncio.Task[None]] = {}

    async def of(self, partition: int) -> Learned:
        """The counts of a partition. Raises `RedisError` or `OSError` only while none of them
        were read yet."""
        found = self._found.get(partition)
        if found is None:
            await asyncio.shield(self._read_soon(partition))
            return self._found[partition]
        if asyncio.get_running_loop().time() - self._read_at[partition] > FRESH_S:
            self._read_soon(partition)
        return found

    async def everywhere(self, kind: str) -> Counter[str]:
        """Field -> count over all partitions, of one kind. Raises as `of` does."""
        total: Counter[str] = Counter()
        for partition in range(self._profiles.partitions):
            total.update((await self.of(partition)).counts(kind))
        return total

    async def stop(self) -> None:
        """Cancels reads under way."""
        for task in tuple(self._reading.values()):
            task.cancel()
            with suppress(asyncio.CancelledError, RedisError, OSError):
                await task

    def _read_soon(self, partition: int) -> asyncio.Task[None]:
        task = self._reading.get(partition)
        if task is None:
            task = asyncio.create_task(self._read(partition))
            self._reading[partition] = task
        return task

    async def _read(self, partition: int) -> None:
        try:
            self._found[partition] = await self._profiles.learned(partition)
        except (RedisError, OSError):
            # A stale value is good enough; without one the caller gets the error.
            if partition not in self._found:
                raise
        finally:
            self._read_at[partition] = asyncio.get_running_loop().time()
            del self._reading[partition]
