"""State store of a dialogue worker: profiles, watermark, deadlines, counts."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from redis.asyncio import Redis
from redis.exceptions import (
    ClusterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from infra.redis.keys import (
    counts_key,
    deadlines_key,
    profile_key,
    watermark_key,
)
from schemas.profile import Profile
from schemas.watermark import Watermark
from streams.codec.codec import UNREADABLE, decode_profile, encode_profile
from streams.fold.batch import Batch
from streams.models.learned import MAX_FIELDS, Learned
from streams.profile.expiry import is_passing

_SEPARATOR = "\x1f"
_COMMIT = (Path(__file__).parent / "commit.lua").read_text(encoding="utf-8")

_WATERMARK_FIELDS = ["log_id", "next_offset", "in_force"]

NO_WATERMARK = Watermark("", 0)
REBUILDING = Watermark("rebuilding", 0)
"""Watermark of a partition that `daehwa rebuild` is writing."""

UNAVAILABLE = (
    RedisConnectionError, RedisTimeoutError, OSError,
    ReadOnlyError, TryAgainError, ClusterDownError, OutOfMemoryError,
)  # fmt: skip
"""Exceptions of a Redis that is unavailable, starting, failing over or full: retry."""


class FencedError(Exception):
    """Another worker has written to the partition: this worker's state of it is stale."""

    def __init__(self, held: Watermark) -> None:
        super().__init__(f"the watermark is {held}")
        self.held = held


class StateRebuildingError(Exception):
    """The partition is being rebuilt: no fold until that is finished."""


def is_unavailable(problem: Exception) -> bool:
    """Whether a failure is temporary: Redis is unavailable, loading, read-only or out of memory, or
    the partition is being rebuilt."""
    if isinstance(problem, (*UNAVAILABLE, StateRebuildingError)):
        return True
    # Redis cannot write its file; the client has no class for this error.
    return isinstance(problem, ResponseError) and str(problem).startswith("MISCONF")


class Fetched(msgspec.Struct, frozen=True):
    """Stored profiles by key; a missing one is in neither."""

    profiles: dict[str, Profile]
    unreadable: dict[str, str]
    """Key -> decoding error. Its bytes must never be overwritten."""


class StateStore:
    """Profiles, deadlines, counts and the watermark of partitions.

    Every method may raise `RedisError` or `OSError`; `is_unavailable` tells which of them pass.
    """

    def __init__(self, redis: Redis, profile_days: int, anonymous_days: int) -> None:
        self._redis = redis
        self._expirations = (profile_days * 86_400, anonymous_days * 86_400)
        self._commit = redis.register_script(_COMMIT)

    async def watermark(self, partition: int) -> Watermark:
        """The watermark of the partition; `NO_WATERMARK` for a new one. Raises
        `StateRebuildingError` while `daehwa rebuild` writes the partition.
        """
        held = await self.held(partition)
        if held == REBUILDING:
            raise StateRebuildingError(
                f"partition {partition} is being rebuilt; if that was broken off, run it again"
            )
        return held

    async def held(self, partition: int) -> Watermark:
        """The stored watermark, also while the partition is being rebuilt."""
        return _watermark(*await self._redis.hmget(watermark_key(partition), _WATERMARK_FIELDS))

    async def learned(self, partition: int) -> Learned:
        """The learned counts of the partition."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for kind in MAX_FIELDS:
                pipeline.hgetall(counts_key(partition, kind))
            found = await pipeline.execute()
        return Learned(
            {
                kind: {
                    field.decode("utf-8", "surrogatepass"): int(count)
                    for field, count in fields.items()
                }
                for kind, fields in zip(MAX_FIELDS, found, strict=True)
            }
        )

    async def read(self, partition: int, keys: Sequence[str], expected: Watermark) -> Fetched:
        """The profiles as they are at the watermark `expected`.

        Raises `FencedError` where the watermark is another.
        """
        if not keys:
            return Fetched({}, {})
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.mget([profile_key(partition, key) for key in keys])
            # After the profiles: an unchanged watermark now was unchanged when they were read.
            pipeline.hmget(watermark_key(partition), _WATERMARK_FIELDS)
            values, standing = await pipeline.execute()
        held = _watermark(*standing)
        if held != expected:
            raise FencedError(held)
        return decoded(keys, values)

    async def write(
        self, partition: int, batch: Batch, expected: Watermark, reached: Watermark
    ) -> None:
        """Writes a batch and moves the watermark from `expected` to `reached`, all or nothing.

        Repeating the write after a lost answer is harmless. Raises `FencedError` where the
        watermark is neither.
        """
        keys, arguments = _commit_arguments(partition, batch, expected, reached, self._expirations)
        answer = await self._commit(keys=keys, args=arguments)
        if answer[0] == 1:
            return
        held = Watermark(answer[1].decode(), int(answer[2]), reached.in_force)
        if held != reached:
            raise FencedError(held)

    async def deadlines(self, partition: int) -> AsyncIterator[tuple[str, str, int]]:
        """(kind, profile key, due) of every pending deadline, in no order; one that is set while
        this goes on may be missed or come twice."""
        async for member, due in self._redis.zscan_iter(deadlines_key(partition), count=1_000):
            kind, _, key = member.decode("utf-8", "surrogatepass").partition(_SEPARATOR)
            yield kind, key, int(due)

    async def due_at(self, partition: int, names: Sequence[tuple[str, str]]) -> list[int | None]:
        """When the deadlines of these (kind, profile key) are due, milliseconds; None: not set."""
        members = [f"{kind}{_SEPARATOR}{key}" for kind, key in names]
        found = await self._redis.zmscore(deadlines_key(partition), members)
        return [None if due is None else int(due) for due in found]

    async def due(self, partition: int, now: int, most: int) -> list[tuple[str, str, int]]:
        """(kind, profile key, due) of the deadlines up to `now` (milliseconds), soonest first."""
        found = await self._redis.zrange(
            deadlines_key(partition), "-inf", str(now), byscore=True, offset=0, num=most,
            withscores=True,
        )  # fmt: skip
        deadlines = []
        for member, due in found:
            kind, _, key = member.decode("utf-8", "surrogatepass").partition(_SEPARATOR)
            deadlines.append((kind, key, int(due)))
        return deadlines


def decoded(keys: Sequence[str], values: Sequence[bytes | None]) -> Fetched:
    """The profiles in the values, None where there is none."""
    try:
        return Fetched(
            {
                key: decode_profile(value)
                for key, value in zip(keys, values, strict=True)
                if value is not None
            },
            {},
        )
    except UNREADABLE:
        return _one_by_one(keys, values)


def _one_by_one(keys: Sequence[str], values: Sequence[bytes | None]) -> Fetched:
    found = Fetched({}, {})
    for key, value in zip(keys, values, strict=True):
        if value is None:
            continue
        try:
            found.profiles[key] = decode_profile(value)
        except UNREADABLE as problem:
            found.unreadable[key] = str(problem)
    return found


def _watermark(log_id: bytes | None, offset: bytes | None, in_force: bytes | None) -> Watermark:
    if log_id is None or offset is None:
        return NO_WATERMARK
    return Watermark(log_id.decode(), int(offset), (in_force or b"").decode())


def _commit_arguments(
    partition: int,
    batch: Batch,
    expected: Watermark,
    reached: Watermark,
    expirations: tuple[int, int],
) -> tuple[list[str], list[bytes | str | int]]:
    keys = [
        watermark_key(partition),
        deadlines_key(partition),
        *(counts_key(partition, kind) for kind in batch.counted),
        *(profile_key(partition, key) for key in batch.profiles),
    ]
    set_deadlines: list[bytes | str | int] = []
    cleared: list[bytes | str | int] = []
    for (kind, key), due in batch.deadlines.items():
        member = f"{kind}{_SEPARATOR}{key}"
        if due is None:
            cleared.append(member)
        else:
            set_deadlines += (due, member)
    arguments: list[bytes | str | int] = [
        expected.log_id,
        expected.next_offset,
        reached.log_id,
        reached.next_offset,
        reached.in_force,
        len(batch.profiles),
        len(set_deadlines) // 2,
        len(cleared),
        len(batch.counted),
        *_with_lives(batch.profiles.values(), *expirations),
        *set_deadlines,
        *cleared,
    ]
    for counted in batch.counted.values():
        arguments.append(len(counted))
        for field, by in counted.items():
            arguments += (field, by)
    return keys, arguments


def _with_lives(profiles: Iterable[Profile], long: int, short: int) -> Iterator[bytes | int]:
    for profile in profiles:
        yield encode_profile(profile)
        yield short if is_passing(profile) else long
