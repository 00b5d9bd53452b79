"""How late a deadline is folded while many others wait."""

import asyncio
from collections.abc import Iterator

from redis.asyncio import Redis

from bench.figure import Figure
from bench.preload import preload_carts
from bench.servers import servers
from infra.clock import now_ms
from infra.redis.keys import deadlines_key

PENDING = 200_000
PER_SECOND = 1_000
SECONDS = 10
BEFORE_FIRST_MS = 25_000
"""Time for storing the profiles and starting the worker, before the first deadline comes due."""

LOOK_EVERY_S = 0.01


def measure() -> Iterator[Figure]:
    """deadline.lateness.p50_ms, .p99_ms: from a deadline's instant until its timer event is folded
    and the deadline gone from Redis, with `PENDING` others and `PER_SECOND` coming due."""
    found = sorted(asyncio.run(_measure()))
    about = {
        "pending": PENDING,
        "per_second": PER_SECOND,
        "measured": len(found),
        "greatest": found[-1],
    }
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"deadline.lateness.p{percent}_ms", value, "ms", about)


async def _measure() -> list[int]:
    async with servers("redis") as bench:
        first = now_ms() + BEFORE_FIRST_MS
        dues = (first + index * 1000 // PER_SECOND for index in range(PENDING))
        pending = await preload_carts(bench, dues)
        await bench.worker("dialogue")
        assert now_ms() < first, "the worker was not ready before the first deadline"
        last = first + SECONDS * 1000
        return await _watch(
            Redis.from_url(bench.settings.redis_url),
            bench.settings.partitions,
            {name: due for name, due in pending.items() if due < last},
        )


async def _watch(redis: Redis, partitions: int, waiting: dict[tuple[int, bytes], int]) -> list[int]:
    """How late each of the deadlines left Redis, milliseconds."""
    late: list[int] = []
    latest = max(waiting.values())
    names = sorted(waiting, key=lambda name: waiting[name])
    try:
        while names:
            asked = now_ms()
            there: set[tuple[int, bytes]] = set()
            for partition in range(partitions):
                found = await redis.zrange(
                    deadlines_key(partition), "-inf", min(asked, latest), byscore=True
                )
                there.update((partition, member) for member in found)
            now = now_ms()
            left = []
            for name in names:
                if waiting[name] > asked or name in there:
                    left.append(name)
                else:
                    late.append(now - waiting[name])
            names = left
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await redis.aclose()
    return late
