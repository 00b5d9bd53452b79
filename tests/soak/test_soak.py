"""Everything at once, at size: copies, disorder, merges, workers killed, Redis losing writes."""

import asyncio
import json
import os
import random
import time
from pathlib import Path

import pytest

from tests.harness.checking import check
from tests.harness.fleet import Fleet, fleet
from tests.harness.flow import Flow
from tests.harness.traffic import disturbed, shop_traffic

EVENTS = int(os.environ.get("DAEHWA_SOAK_EVENTS", "300000"))
VISITORS = int(os.environ.get("DAEHWA_SOAK_VISITORS", str(max(50, EVENTS // 15))))
WORKERS = int(os.environ.get("DAEHWA_SOAK_WORKERS", "2"))
SECONDS = float(os.environ.get("DAEHWA_SOAK_SECONDS", "90"))
"""How long the events take to come."""

PIECES = 300
KILL_EVERY_S = 5.0
"""Between two kills; a worker of the embedded broker needs some seconds to get its partitions."""


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_soak(tmp_path: Path) -> None:
    began = time.monotonic()
    events = shop_traffic(EVENTS, VISITORS, seed=3)
    arriving = disturbed(events, seed=4, copies=0.05, late=0.10)
    async with fleet(tmp_path) as running:
        await asyncio.gather(*(running.worker(ready=False) for _ in range(WORKERS)))
        piece = max(1, len(arriving) // PIECES)
        flow = Flow(running.log, arriving, piece=piece, pause=SECONDS / PIECES)
        harm = asyncio.create_task(_harm(running, flow))
        try:
            await flow.done()
            await harm
        finally:
            harm.cancel()
            await flow.stop()
        sent_after = time.monotonic() - began
        checked = await check(running, events, within=300, stop=True)
        told = {
            "events": len(events),
            "visitors": VISITORS,
            "workers": WORKERS,
            "worker_kills": running.kills,
            "worker_starts_again": running.restarts,
            "redis_restarts": running.redis_restarts,
            "seconds_sending": round(sent_after),
            "seconds": round(time.monotonic() - began),
            **vars(checked),
        }
        print(json.dumps(told))
        assert running.kills > 1
        assert running.redis_restarts == 2


async def _harm(running: Fleet, flow: Flow) -> None:
    """Kills a worker every few seconds, and Redis twice, until everything is sent."""
    chance = random.Random(5)
    redis_at = [0.3, 0.65]
    while flow.flowing:
        await asyncio.sleep(KILL_EVERY_S)
        alive = [worker for worker in running.workers if worker.pid is not None]
        if alive:
            await running.kill_worker(chance.choice(alive))
        if redis_at and flow.part >= redis_at[0]:
            redis_at.pop(0)
            await running.lose_a_second()
