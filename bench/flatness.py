"""What an event costs when Redis holds a hundred times the customers."""

import asyncio
from collections.abc import Iterator

from bench.figure import Figure
from bench.log import Log
from bench.preload import preload_profiles
from bench.servers import servers
from bench.traffic import shop_events
from infra.clock import now_ms

FEW = 10_000
MANY = 1_000_000
EVENTS_COUNT = 150_000
ENVELOPE = 100


def measure() -> Iterator[Figure]:
    """fold.flatness: cost per event with `MANY` profiles in Redis over that with `FEW`. The
    traffic picks from all of them, so the worker's cache holds the few and misses the many."""
    few = asyncio.run(_throughput(FEW))
    many = asyncio.run(_throughput(MANY))
    about = {
        "events": EVENTS_COUNT,
        f"events_per_s_with_{FEW}": round(few),
        f"events_per_s_with_{MANY}": round(many),
    }
    yield Figure("fold.flatness", round(few / many, 3), "ratio", about)


async def _throughput(customers: int) -> float:
    async with servers("redis") as bench:
        now = now_ms()
        await preload_profiles(bench, customers, seed=1, now=now)
        log = Log(bench.settings)
        await log.fill(shop_events(EVENTS_COUNT, customers, seed=1, start=now), ENVELOPE)
        starting = asyncio.create_task(bench.worker("dialogue"))
        throughput = await log.folded()
        await starting
        return throughput
