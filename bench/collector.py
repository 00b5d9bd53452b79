"""How much one API process accepts, each answer given after Kafka acknowledged."""

import asyncio
import time
from collections.abc import Iterator

import msgspec

from bench.figure import Figure
from bench.http_client import Connection
from bench.sdk_bodies import batches, items
from bench.servers import WRITE_KEY, Bench, servers
from infra.clock import now_ms

CONNECTIONS = 64
SINGLE = 20_000
BATCHES_OF_10 = 6_000
BATCHES_OF_100 = 1_500


def measure() -> Iterator[Figure]:
    """collector.single.requests_per_s, collector.batch10 and batch100 .events_per_s."""
    found = asyncio.run(_measure())
    about = {"connections": CONNECTIONS, "api_processes": 1}
    yield Figure(
        "collector.single.requests_per_s", round(found[1]), "requests/s", {**about, "of": SINGLE}
    )
    yield Figure("collector.batch10.events_per_s", round(found[10] * 10), "events/s", about)
    yield Figure("collector.batch100.events_per_s", round(found[100] * 100), "events/s", about)


async def _measure() -> dict[int, float]:
    start = now_ms()
    async with servers("redis") as bench:
        await bench.api()
        single = [msgspec.json.encode(item) for item in items(SINGLE, seed=3, start=start)]
        paths = [b"/v1/track" if b'"event"' in body else b"/v1/page" for body in single]
        rates = {1: await _rate(bench, list(zip(paths, single, strict=True)))}
        for size, count in ((10, BATCHES_OF_10), (100, BATCHES_OF_100)):
            bodies = batches(count, size, seed=size, start=start)
            rates[size] = await _rate(bench, [(b"/v1/batch", body) for body in bodies])
    return rates


async def _rate(bench: Bench, requests: list[tuple[bytes, bytes]]) -> float:
    connections = [
        await Connection.open(bench.settings.port, WRITE_KEY) for _ in range(CONNECTIONS)
    ]
    waiting = iter(requests)

    async def send(connection: Connection) -> None:
        for path, body in waiting:
            status = await connection.post(path, body)
            assert status == 200, status

    started = time.perf_counter()
    await asyncio.gather(*(send(connection) for connection in connections))
    seconds = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return len(requests) / seconds
