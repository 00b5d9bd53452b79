"""How many rows a second one archive worker moves from Kafka to ClickHouse, beside what ClickHouse
takes of the same rows from a bare client, and what they take on its disk."""

import asyncio
import time
from collections.abc import Iterator

import msgspec
from clickhouse_driver import Client

from bench.figure import Figure
from bench.log import Log
from bench.servers import servers
from bench.traffic import shop_events
from infra.clock import now_ms
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from streams.archive.rows import Place, event_columns
from streams.archive.tables import COLUMNS_OF, EVENTS_TABLE
from streams.codec.codec import decode_wire_envelope, encode_envelope

EVENTS_COUNT = 300_000
BARE_BLOCK = 50_000
"""Rows of a block of the bare client."""


class Rates(msgspec.Struct, frozen=True):
    """Rows/s of the worker and of the bare client; bytes an event."""

    worker: float
    bare: float
    raw_bytes: float
    """As JSON."""
    events_bytes: float
    """On disk, in the table of events after its merges."""
    disk_bytes: float
    """On disk, facts included."""


def measure() -> Iterator[Figure]:
    """archive.rows_per_s, archive.vs_bare_insert, archive.disk, on the embedded ClickHouse, which
    shares the machine's cores."""
    rates = asyncio.run(_measure())
    rows = {"rows": EVENTS_COUNT}
    yield Figure("archive.rows_per_s", round(rates.worker), "rows/s", rows)
    bare = {"bare_rows_per_s": round(rates.bare), "block": BARE_BLOCK}
    yield Figure("archive.vs_bare_insert", round(rates.worker / rates.bare, 3), "ratio", bare)
    disk = {
        "raw_bytes": round(rates.raw_bytes),
        "events_only": round(rates.events_bytes, 1),
        "raw_to_disk": round(rates.raw_bytes / rates.disk_bytes, 1),
    }
    yield Figure("archive.disk", round(rates.disk_bytes, 1), "bytes/event", disk)


async def _measure() -> Rates:
    async with servers("clickhouse") as bench:
        events = shop_events(EVENTS_COUNT, 100_000, seed=1, start=now_ms())
        await Log(bench.settings).fill(events, 100)
        starting = asyncio.create_task(bench.worker("archive"))
        client = Client.from_url(bench.settings.clickhouse_url)
        seen: list[tuple[float, int]] = []
        while not seen or seen[-1][1] < EVENTS_COUNT:
            rows = await asyncio.to_thread(_stored, client)
            if rows and (not seen or rows != seen[-1][1]):
                seen.append((time.perf_counter(), rows))
            await asyncio.sleep(0.05)
        (worker,) = (part for part in bench.running if part.part.name == "archive")
        await starting
        await worker.stop()
        events_bytes, disk_bytes = await asyncio.to_thread(_disk_bytes, client)
        raw_bytes, bare = await asyncio.to_thread(_bare, client)
        client.disconnect()
    (first_at, first), (last_at, last) = seen[0], seen[-1]
    rate = (last - first) / (last_at - first_at)
    return Rates(rate, bare, raw_bytes, events_bytes, disk_bytes)


def _disk_bytes(client: Client) -> tuple[float, float]:
    """Bytes an event: of events, of everything."""
    tables = client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine LIKE '%MergeTree'"
    )
    for (table,) in tables:
        client.execute(f"OPTIMIZE TABLE daehwa.{table} FINAL")
    ((events, whole),) = client.execute(
        "SELECT sumIf(bytes_on_disk, table = 'events_stored'), sum(bytes_on_disk)"
        " FROM system.parts WHERE active AND database = 'daehwa'"
    )
    return events / EVENTS_COUNT, whole / EVENTS_COUNT


def _bare(client: Client) -> tuple[float, float]:
    """Bytes an event as JSON; rows/s of a client that inserts the same rows, already in columns,
    into a table as it is without deduplication and facts."""
    start = now_ms()
    shop = shop_events(EVENTS_COUNT, 100_000, seed=1, start=start)
    made = [msgspec.json.encode(event) for event in shop]
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    blocks = []
    for at in range(0, len(made), BARE_BLOCK):
        events, _ = decode_wire_envelope(encode_envelope(made[at : at + BARE_BLOCK]))
        blocks.append(event_columns([(Place("bare", 0, at), events)], playbook))
    client.execute(f"CREATE TABLE daehwa.bare AS {EVENTS_TABLE}")
    names = ", ".join(COLUMNS_OF[EVENTS_TABLE])
    began = time.perf_counter()
    for columns in blocks:
        client.execute(f"INSERT INTO daehwa.bare ({names}) VALUES", columns, columnar=True)
    taken = time.perf_counter() - began
    return sum(map(len, made)) / len(made), EVENTS_COUNT / taken


def _stored(client: Client) -> int:
    found = client.execute(
        "select total_rows from system.tables where database = 'daehwa' and name = 'events_stored'"
    )
    return int(found[0][0] or 0) if found else 0
