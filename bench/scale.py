"""What a second worker on the same machine adds."""

import asyncio
import os
from collections.abc import Iterator

from bench.figure import Figure
from bench.log import Log
from bench.servers import servers
from bench.traffic import envelopes, shop_events
from infra.clock import now_ms

EVENTS_COUNT = 300_000
CUSTOMERS = 100_000
ENVELOPE = 100
WARM_UP = 20_000


def measure() -> Iterator[Figure]:
    """scale.two_workers: throughput of two workers over that of one, both while the same events
    arrive. Broker, Redis and the sender of the events share the machine's cores with them."""
    one = asyncio.run(_throughput(1))
    two = asyncio.run(_throughput(2))
    about = {"one_events_per_s": round(one), "two_events_per_s": round(two)}
    if (os.cpu_count() or 1) < 5:
        about["fewer_cores_than_processes"] = 1
    yield Figure("scale.two_workers", round(two / one, 3), "ratio", about)


async def _throughput(workers: int) -> float:
    async with servers("redis") as bench:
        log = Log(bench.settings)
        await asyncio.gather(*(bench.worker("dialogue") for _ in range(workers)))
        # A worker may be ready before the other has joined: what is folded to the end is shared.
        await log.fill(shop_events(WARM_UP, CUSTOMERS, seed=2, start=now_ms()), ENVELOPE)
        await log.folded()
        events = shop_events(EVENTS_COUNT, CUSTOMERS, seed=1, start=now_ms())
        made = list(envelopes(events, bench.settings.partitions, ENVELOPE))
        appending = log.append(made)
        throughput = await log.folded()
        await appending
        return throughput
