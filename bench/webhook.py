"""From a click to the webhook that tells of it, on a machine that is busy with others' clicks."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator

import msgspec
from pydantic import SecretStr

from bench.figure import Figure
from bench.latency import RATE, SECONDS, send_clicks
from bench.servers import servers
from infra.embedded.ports import free_ports

_SECRET = "whsec_" + b64encode(b"b" * 32).decode()
_SETTLED_S = 3.0
"""Seconds without a delivery after which the last is taken to be in."""


def measure() -> Iterator[Figure]:
    """latency.click_to_webhook.p50_ms and .p99_ms: from before the request is sent until the
    receiver has read the signed delivery, through collector, dialogue and delivery worker."""
    found = sorted(asyncio.run(_measure()))
    about = {"events_per_s": RATE, "seconds": SECONDS, "deliveries": len(found)}
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"latency.click_to_webhook.p{percent}_ms", round(value, 2), "ms", about)


async def _measure() -> list[float]:
    sent: dict[str, float] = {}
    arrived: dict[str, float] = {}
    (port,) = free_ports(1)
    receiver = await asyncio.start_server(lambda r, w: _receive(r, w, arrived), "127.0.0.1", port)
    async with servers("redis") as bench, receiver:
        bench.settings = bench.settings.model_copy(
            update={
                "webhook_url": f"http://127.0.0.1:{port}/",
                "webhook_secret": SecretStr(_SECRET),
                "webhook_private": True,
            }
        )
        await asyncio.gather(bench.api(), bench.worker("dialogue"), bench.worker("delivery"))
        await send_clicks(bench, sent)
        before = -1
        while before != len(arrived):
            before = len(arrived)
            await asyncio.sleep(_SETTLED_S)
        receiver.close()
    return [(at - sent[name]) * 1000 for name, at in arrived.items() if name in sent]


async def _receive(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrived: dict[str, float]
) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            at = time.perf_counter()
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            message_id = msgspec.json.decode(body)["data"]["why"].get("message_id", "")
            arrived.setdefault(message_id, at)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
