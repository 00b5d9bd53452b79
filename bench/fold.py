"""How many events a second one dialogue worker folds, and against what."""

import asyncio
import statistics
import time
from collections.abc import Iterator

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from bench.figure import Figure
from bench.idiomatic import idiomatic_throughput
from bench.servers import Bench, servers
from bench.traffic import envelopes, shop_events
from infra.clock import now_ms
from infra.kafka.names import EVENTS
from infra.playbook_file import read_playbook
from infra.redis.keys import watermark_key
from infra.settings import SHIPPED_PLAYBOOK
from schemas.models import BgNbd
from streams.batches import fold_batch
from streams.codec import decode_envelope
from streams.identity import profile_key
from streams.transitions import CountedTransitions

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
        counts = await fill(bench, EVENTS_COUNT, CUSTOMERS, ENVELOPE)
        throughput = await _one_worker(bench, counts)
        idiomatic = await idiomatic_throughput(bench, IDIOMATIC_EVENTS)
    return throughput, idiomatic


async def fill(bench: Bench, count: int, customers: int, size: int) -> dict[int, list[int]]:
    """Puts the events on the log; returns, per partition, the events up to each offset."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bench.settings.kafka_servers, acks="all", max_request_size=4 << 20
    )
    await producer.start()
    totals: dict[int, list[int]] = {p: [] for p in range(bench.settings.partitions)}
    try:
        pending = []
        events = shop_events(count, customers, seed=1, start=now_ms())
        for partition, events_in, value in envelopes(events, bench.settings.partitions, size):
            reached = totals[partition][-1] if totals[partition] else 0
            totals[partition].append(reached + events_in)
            pending.append(await producer.send(EVENTS, value, partition=partition))
            if len(pending) >= 200:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
    return totals


async def _one_worker(bench: Bench, totals: dict[int, list[int]]) -> float:
    redis: Redis = Redis.from_url(bench.settings.redis_url)
    starting = asyncio.create_task(bench.worker("dialogue"))
    seen: list[tuple[float, int]] = []
    whole = sum(total[-1] for total in totals.values() if total)
    while not seen or seen[-1][1] < whole:
        folded = 0
        for partition, total in totals.items():
            offset = int(await redis.hget(watermark_key(partition), "next_offset") or 0)  # type: ignore[misc]
            folded += total[offset - 1] if offset else 0
        if folded and (not seen or folded != seen[-1][1]):
            seen.append((time.perf_counter(), folded))
        await asyncio.sleep(0.02)
    worker = await starting
    await worker.stop()
    await redis.aclose()
    (first_at, first), (last_at, last) = seen[0], seen[-1]
    return (last - first) / (last_at - first_at)


def _in_memory() -> float:
    book = read_playbook(SHIPPED_PLAYBOOK)
    values = [
        value
        for _, _, value in envelopes(
            shop_events(EVENTS_COUNT // 4, CUSTOMERS, seed=1, start=now_ms()), 1, ENVELOPE
        )
    ]
    rates = []
    for _ in range(3):
        profiles: dict[str, object] = {}
        transitions = CountedTransitions()
        started = time.perf_counter()
        for value in values:
            found, _ = decode_envelope(value)
            events = [(profile_key(event) or "", event) for event in found]
            batch = fold_batch(events, profiles, transitions, book, BgNbd())  # type: ignore[arg-type]
            profiles.update(batch.profiles)
        rates.append(EVENTS_COUNT // 4 / (time.perf_counter() - started))
    return statistics.median(rates)
