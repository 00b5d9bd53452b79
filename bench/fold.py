"""How many events a second one dialogue worker folds, and against what."""

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.figure import Figure
from bench.idiomatic import idiomatic_throughput
from bench.log import Log
from bench.servers import servers
from bench.traffic import envelopes, shop_events
from infra.clock import now_ms
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.models import ChurnModels
from streams.codec.codec import decode_envelope
from streams.fold.batch import fold_batch
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned

EVENTS_COUNT = 400_000
CUSTOMERS = 100_000
ENVELOPE = 100
IDIOMATIC_EVENTS = 20_000


def measure() -> Iterator[Figure]:
    """fold.throughput, fold.vs_faust_idiomatic, fold.vs_in_memory."""
    throughput, idiomatic = asyncio.run(_measure())
    about = {"events": EVENTS_COUNT, "customers": CUSTOMERS, "events_per_envelope": ENVELOPE}
    yield Figure("fold.throughput", round(throughput), "events/s", about)
    yield Figure(
        "fold.vs_faust_idiomatic",
        round(throughput / idiomatic, 2),
        "ratio",
        {"idiomatic_events_per_s": round(idiomatic), "idiomatic_events": IDIOMATIC_EVENTS},
    )
    in_memory = _in_memory()
    yield Figure(
        "fold.vs_in_memory",
        round(throughput / in_memory, 3),
        "ratio",
        {"in_memory_events_per_s": round(in_memory)},
    )


async def _measure() -> tuple[float, float]:
    async with servers("redis") as bench:
        log = Log(bench.settings)
        await log.fill(shop_events(EVENTS_COUNT, CUSTOMERS, seed=1, start=now_ms()), ENVELOPE)
        starting = asyncio.create_task(bench.worker("dialogue"))
        throughput = await log.folded()
        await (await starting).stop()
        idiomatic = await idiomatic_throughput(bench, IDIOMATIC_EVENTS)
    return throughput, idiomatic


def _in_memory() -> float:
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    values = [
        value
        for _, _, value in envelopes(
            shop_events(EVENTS_COUNT // 4, CUSTOMERS, seed=1, start=now_ms()), 1, ENVELOPE
        )
    ]
    rates = []
    for _ in range(3):
        profiles: dict[str, object] = {}
        learned = Learned()
        started = time.perf_counter()
        for value in values:
            found, _ = decode_envelope(value)
            events = [(profile_key(event) or "", event) for event in found]
            batch = fold_batch(events, profiles, learned, playbook, ChurnModels())  # type: ignore[arg-type]
            profiles.update(batch.profiles)
        rates.append(EVENTS_COUNT // 4 / (time.perf_counter() - started))
    return statistics.median(rates)
