"""From a click to its trigger, on a machine that is busy with others' clicks."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import msgspec

from bench.figure import Figure
from bench.http_client import Connection
from bench.sdk_bodies import items
from bench.servers import TOKEN, WRITE_KEY, Bench, servers
from infra.clock import now_ms

RATE = 500
SECONDS = 20
WARM_UP = 3
CONNECTIONS = 32


def measure() -> Iterator[Figure]:
    """latency.click_to_trigger.p50_ms and .p99_ms: from before the request is sent until the
    server-sent event has been read, at `RATE` events a second, one event a request."""
    found = sorted(asyncio.run(_measure()))
    about = {"events_per_s": RATE, "seconds": SECONDS, "triggers": len(found)}
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"latency.click_to_trigger.p{percent}_ms", round(value, 2), "ms", about)


async def _measure() -> list[float]:
    async with servers("redis") as bench:
        await asyncio.gather(bench.api(), bench.worker("dialogue"))
        sent: dict[str, float] = {}
        found: list[float] = []
        listening = asyncio.Event()
        listener = asyncio.create_task(_listen(bench, sent, found, listening))
        await listening.wait()
        await send_clicks(bench, sent)
        before = -1
        while before != len(found):
            before = len(found)
            await asyncio.sleep(1)
        listener.cancel()
    return found


async def send_clicks(bench: Bench, sent: dict[str, float]) -> None:
    """Sends `RATE` events a second, one a request; message id -> when, after the warm-up."""
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        connections.put_nowait(await Connection.open(bench.settings.port, WRITE_KEY))
    count = RATE * (SECONDS + WARM_UP)
    bodies = []
    for item in items(count, seed=5, start=now_ms(), customers=10_000_000):
        path = b"/v1/page" if item["type"] == "page" else b"/v1/track"
        bodies.append((path, str(item["messageId"]), msgspec.json.encode(item)))
    started = time.perf_counter()
    tasks: set[asyncio.Task[None]] = set()

    async def one(path: bytes, message_id: str, body: bytes, warm: bool) -> None:
        connection = await connections.get()
        if warm:
            sent[message_id] = time.perf_counter()
        status = await connection.post(path, body)
        assert status == 200, status
        connections.put_nowait(connection)

    for index, (path, message_id, body) in enumerate(bodies):
        due = started + index / RATE
        if (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        task = asyncio.create_task(one(path, message_id, body, index > RATE * WARM_UP))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def _listen(
    bench: Bench, sent: dict[str, float], found: list[float], listening: asyncio.Event
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(10, read=60)) as client,
        client.stream("GET", f"{bench.url}/v1/triggers/stream", headers=headers) as answer,
    ):
        listening.set()
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                arrived = time.perf_counter()
                trigger = msgspec.json.decode(line[5:])
                clicked = sent.get(trigger["why"].get("message_id", ""))
                if clicked is not None:
                    found.append((arrived - clicked) * 1000)
