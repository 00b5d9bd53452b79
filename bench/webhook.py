"""From a click to the webhook that tells of it, on a machine that is busy with others' clicks."""

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from pydantic import SecretStr

from bench.figure import Figure
from bench.latency import RATE, SECONDS, send_clicks
from bench.servers import Bench, servers
from infra.clock import now_ms
from infra.embedded.ports import free_ports
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import TRIGGERS
from schemas.trigger import Trigger
from streams.codec.codec import encode_trigger

_SECRET = "whsec_" + b64encode(b"b" * 32).decode()
_SETTLED_S = 3.0
"""Seconds without a delivery after which the last is taken to be in."""

_TRIGGERS = 10_000

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class _Data(msgspec.Struct):
    why: dict[str, Any]


class _Body(msgspec.Struct):
    data: _Data


def measure() -> Iterator[Figure]:
    """latency.click_to_webhook.p50_ms and .p99_ms: from before the request is sent until the
    receiver has read the signed delivery, through collector, dialogue and delivery worker."""
    found = sorted(asyncio.run(_measure()))
    about = {"events_per_s": RATE, "seconds": SECONDS, "deliveries": len(found)}
    for percent in (50, 99):
        value = found[min(len(found) - 1, len(found) * percent // 100)]
        yield Figure(f"latency.click_to_webhook.p{percent}_ms", round(value, 2), "ms", about)


def measure_throughput() -> Iterator[Figure]:
    """delivery.throughput: deliveries a second of one worker, from triggers that are on the Kafka
    topic until the receiver has read them."""
    arrived = sorted(asyncio.run(_measure_throughput()))
    rate = (len(arrived) - 1) / (arrived[-1] - arrived[0])
    yield Figure("delivery.throughput", round(rate), "deliveries/s", {"deliveries": len(arrived)})


async def _measure_throughput() -> list[float]:
    arrived: dict[str, float] = {}
    async with _delivering(arrived) as bench:
        await bench.worker("delivery")
        writer = LogWriter(bench.settings)
        await writer.start()
        now = now_ms()
        for partition in range(bench.settings.partitions):
            numbers = range(partition, _TRIGGERS, bench.settings.partitions)
            await writer.append_many(
                TRIGGERS, partition, [(None, encode_trigger(_trigger(n, now))) for n in numbers]
            )
        await writer.stop()
        while len(arrived) < _TRIGGERS:  # noqa: ASYNC110 - the receiver has other things to do
            await asyncio.sleep(0.05)
    return list(arrived.values())


def _trigger(number: int, now: int) -> Trigger:
    why = {"message_id": f"message-{number}", "stages": {"introduction": 3}, "share": 0.31}
    return Trigger(
        id=f"trg_{number:032x}", type="stage.reached", rule="bench", stage="introduction",
        occurred_at=now, decided_at=now, decision="fire", reason="reached introduction", why=why,
        topic="product/shoes", customer_id=f"customer-{number}",
    )  # fmt: skip


@asynccontextmanager
async def _delivering(arrived: dict[str, float]) -> AsyncIterator[Bench]:
    """Servers whose workers deliver to a receiver here."""
    (port,) = free_ports(1)
    loop = asyncio.get_running_loop()
    receiver = await loop.create_server(lambda: _Receiver(arrived), "127.0.0.1", port)
    async with servers("redis") as bench, receiver:
        bench.settings = bench.settings.model_copy(
            update={
                "webhook_url": f"http://127.0.0.1:{port}/",
                "webhook_secret": SecretStr(_SECRET),
                "webhook_private": True,
            }
        )
        yield bench
        receiver.close()


async def _measure() -> list[float]:
    sent: dict[str, float] = {}
    arrived: dict[str, float] = {}
    async with _delivering(arrived) as bench:
        await asyncio.gather(bench.api(), bench.worker("dialogue"), bench.worker("delivery"))
        await send_clicks(bench, sent)
        before = -1
        while before != len(arrived):
            before = len(arrived)
            await asyncio.sleep(_SETTLED_S)
    return [(at - sent[name]) * 1000 for name, at in arrived.items() if name in sent]


class _Receiver(asyncio.Protocol):
    """Answers 204 and takes note of when the body was there; as cheap as a receiver can be."""

    def __init__(self, arrived: dict[str, float]) -> None:
        self._arrived = arrived
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(_LENGTH.search(head)[1])  # type: ignore[index]  # we send no other
        if len(rest) < length:
            return
        at = time.perf_counter()
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        why = msgspec.json.decode(rest[:length], type=_Body).data.why
        self._arrived.setdefault(why.get("message_id", ""), at)
        self._read = rest[length:]
