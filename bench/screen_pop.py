"""From a ringing telephone to the caller's record on the screen, among 100,000 customers."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import msgspec

from bench.figure import Figure
from bench.http_client import Connection
from bench.preload import preload_callers
from bench.servers import TOKEN, Bench, servers
from infra.clock import now_ms

CUSTOMERS = 100_000
RATE = 50
SECONDS = 20
WARM_UP = 3
CALLS = RATE * (SECONDS + WARM_UP)
CONNECTIONS = 16
SEED = 21


def measure() -> Iterator[Figure]:
    """screen_pop.p50_ms and .p99_ms: from before the request that tells of the call is sent until
    the server-sent event with the 360° view has been read, at `RATE` calls a second; nine of ten
    callers are known."""
    found = sorted(asyncio.run(_measure()))
    about = {
        "customers": CUSTOMERS,
        "calls_per_s": RATE,
        "seconds": SECONDS,
        "calls": len(found),
        "max_ms": round(found[-1], 2),
    }
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"screen_pop.p{percent}_ms", round(value, 2), "ms", about)


async def _measure() -> list[float]:
    async with servers("redis") as bench:
        numbers = await preload_callers(bench, CUSTOMERS, seed=SEED, now=now_ms())
        await asyncio.gather(bench.api(), bench.worker("dialogue"))
        sent: dict[str, float] = {}
        found: dict[str, float] = {}
        listening = asyncio.Event()
        screen = asyncio.create_task(_watch(bench, found, listening))
        await listening.wait()
        await _ring(bench, numbers, sent)
        async with asyncio.timeout(30):
            await screen
    return [(found[call] - at) * 1000 for call, at in sent.items()]


async def _ring(bench: Bench, numbers: list[str], sent: dict[str, float]) -> None:
    """Lets the calls come in; call id -> when, after the warm-up."""
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        connection = await Connection.open(bench.settings.port, token=TOKEN)
        connections.put_nowait(connection)
    started = time.perf_counter()

    async def one(index: int) -> None:
        call = f"call-{index}"
        number = numbers[index * 7919 % len(numbers)] if index % 10 else f"+8231{index:07}"
        body = msgspec.json.encode({"call_id": call, "number": number, "operator": "bench"})
        if index >= RATE * WARM_UP:
            sent[call] = time.perf_counter()
        connection = await connections.get()
        status = await connection.post(b"/v1/calls/ringing", body)
        assert status == 200, status
        connections.put_nowait(connection)

    async with asyncio.TaskGroup() as ringing:
        for index in range(CALLS):
            left = started + index / RATE - time.perf_counter()
            if left > 0:
                await asyncio.sleep(left)
            ringing.create_task(one(index))


async def _watch(bench: Bench, found: dict[str, float], listening: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{bench.url}/v1/triggers/stream?type=screen.pop"
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(10, read=60)) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        async for line in answer.aiter_lines():
            listening.set()
            if line.startswith("data:"):
                arrived = time.perf_counter()
                found[msgspec.json.decode(line[5:])["why"]["call_id"]] = arrived
                if len(found) == CALLS:
                    return
