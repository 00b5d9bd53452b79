"""Workers share the partitions; they come and go in mid-stream, and nothing is lost or doubled."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from infra.embedded.apache_kafka import apache_kafka_wanted
from infra.embedded.process import PartProcess
from tests.harness.checking import check
from tests.harness.fleet import fleet
from tests.harness.flow import Flow
from tests.harness.traffic import disturbed, shop_traffic

EVENTS = 20_000


async def folded(worker: PartProcess) -> float:
    """Events that the worker has folded since it started."""
    port = worker.part.environment["DAEHWA_METRICS_PORT"]
    async with httpx.AsyncClient(timeout=10) as client:
        metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if line.startswith("daehwa_events_folded_total")
    )


async def all_fold(*workers: PartProcess) -> None:
    """Returns when each of the workers has folded more than it had."""
    deadline = time.monotonic() + 40
    before = [await folded(worker) for worker in workers]
    while True:
        now = [await folded(worker) for worker in workers]
        if all(then < at for then, at in zip(before, now, strict=True)):
            return
        assert time.monotonic() < deadline, f"folded since {before}: {now}"
        await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_workers_come_and_go_in_mid_stream(tmp_path: Path) -> None:
    events = shop_traffic(EVENTS, 2_000, seed=11)
    arriving = disturbed(events, seed=11, copies=0.05, late=0.1)
    async with fleet(tmp_path) as running:
        first, second = await asyncio.gather(running.worker(), running.worker())
        flow = Flow(running.log, arriving, piece=100, pause=0.2)
        try:
            await all_fold(first, second)
            third, fourth = await asyncio.gather(running.worker(), running.worker())
            await all_fold(first, second, third, fourth)
            await running.remove_worker(first, signal.SIGTERM)
            await all_fold(second, third, fourth)
            await running.remove_worker(third, signal.SIGKILL)
            await all_fold(second, fourth)
            if apache_kafka_wanted(os.environ):
                # The embedded broker leaves whoever joins after such departures without partitions.
                joined = await running.worker()
                await all_fold(second, fourth, joined)
            assert flow.flowing, "it was all in mid-stream"
            await flow.finish()
        finally:
            await flow.stop()
        await check(running, events)
