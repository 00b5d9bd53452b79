"""The 360° view of one of 100,000 customers over HTTP."""

import asyncio
import time
from collections.abc import Iterator

from bench.figure import Figure
from bench.http_client import Connection
from bench.preload import preload_profiles
from bench.servers import TOKEN, Bench, servers
from bench.traffic import visitor_id
from infra.clock import now_ms

CUSTOMERS = 100_000
RATE = 100
SECONDS = 20
WARM_UP = 3
CONNECTIONS = 8
SEED = 22


def measure() -> Iterator[Figure]:
    """customer_view.p50_ms and .p99_ms: `GET /v1/customers/{id}`, from before the request is sent
    until the whole answer has been read, at `RATE` requests a second, each for another customer."""
    found = sorted(asyncio.run(_measure()))
    about = {"customers": CUSTOMERS, "requests_per_s": RATE, "seconds": SECONDS}
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"customer_view.p{percent}_ms", round(value, 2), "ms", about)


async def _measure() -> list[float]:
    async with servers("redis") as bench:
        await preload_profiles(bench, CUSTOMERS, seed=SEED, now=now_ms())
        await bench.api()
        return await _look(bench)


async def _look(bench: Bench) -> list[float]:
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        connection = await Connection.open(bench.settings.port, token=TOKEN)
        connections.put_nowait(connection)
    found: list[float] = []
    started = time.perf_counter()

    async def one(index: int) -> None:
        path = b"/v1/customers/" + visitor_id(index * 7919 % CUSTOMERS, SEED).encode()
        begun = time.perf_counter()
        connection = await connections.get()
        status = await connection.get(path)
        if index >= RATE * WARM_UP:
            found.append((time.perf_counter() - begun) * 1000)
        assert status == 200, status
        connections.put_nowait(connection)

    async with asyncio.TaskGroup() as looking:
        for index in range(RATE * (SECONDS + WARM_UP)):
            left = started + index / RATE - time.perf_counter()
            if left > 0:
                await asyncio.sleep(left)
            looking.create_task(one(index))
    return found
