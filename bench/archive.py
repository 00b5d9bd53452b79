"""How many rows a second one archive worker moves from Kafka to ClickHouse."""

import asyncio
import time
from collections.abc import Iterator

from clickhouse_driver import Client

from bench.figure import Figure
from bench.log import Log
from bench.servers import servers
from bench.traffic import shop_events
from infra.clock import now_ms

EVENTS_COUNT = 300_000


def measure() -> Iterator[Figure]:
    """archive.rows_per_s, on the embedded ClickHouse, which shares the machine's cores."""
    rate = asyncio.run(_measure())
    yield Figure("archive.rows_per_s", round(rate), "rows/s", {"rows": EVENTS_COUNT})


async def _measure() -> float:
    async with servers("clickhouse") as bench:
        events = shop_events(EVENTS_COUNT, 100_000, seed=1, start=now_ms())
        await Log(bench.settings).fill(events, 100)
        starting = asyncio.create_task(bench.worker("archive"))
        client = Client.from_url(bench.settings.clickhouse_url)
        seen: list[tuple[float, int]] = []
        while not seen or seen[-1][1] < EVENTS_COUNT:
            rows = await asyncio.to_thread(_stored, client)
            if rows and (not seen or rows != seen[-1][1]):
                seen.append((time.perf_counter(), rows))
            await asyncio.sleep(0.05)
        client.disconnect()
        await starting
    (first_at, first), (last_at, last) = seen[0], seen[-1]
    return (last - first) / (last_at - first_at)


def _stored(client: Client) -> int:
    found = client.execute(
        "select total_rows from system.tables where database = 'daehwa' and name = 'events_stored'"
    )
    return int(found[0][0] or 0) if found else 0
