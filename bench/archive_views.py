"""What each view of the archive costs over a long history, and the same question of raw events."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import msgspec
from clickhouse_driver import Client

from bench.archive_history import archive_with
from bench.figure import Figure
from infra.clickhouse.facts import fact_columns, fact_query
from streams.archive.tables import FACT_TABLES

EVENTS = 10_000_000
TRIES = 3
SECONDS_A_TRY = 3
"""A question that takes longer is asked once."""

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_NOW = re.compile(r"VmRSS:\s+(\d+) kB")
_EVERY_COLUMN = "SELECT sum(cityHash64(*)) FROM {}.{}"


class Cost(msgspec.Struct, frozen=True):
    """Of one question."""

    seconds: float
    """The best of `TRIES`."""
    rows_read: int
    peak_mb: int
    """What the server grew by at most; other memory it had free is not counted."""


def measure() -> Iterator[Figure]:
    """archive.view of each view, archive.views.p95, archive.views.median, archive.views.disk: on
    the embedded ClickHouse, with DAEHWA_BENCH_EVENTS events (10,000,000 without it)."""
    wanted = int(os.environ.get("DAEHWA_BENCH_EVENTS", EVENTS))
    with archive_with(wanted, seed=11) as (server, client):
        ((events,),) = client.execute("SELECT count() FROM daehwa.events_stored")
        yield from _disk(client, events)
        _ask_raw_events(client)
        seconds = []
        for view in _views(client):
            ((rows,),) = client.execute(f"SELECT count() FROM daehwa.{view}")
            cost = _cost(client, server.process.pid, "daehwa", view)
            raw = _cost(client, server.process.pid, "daehwa_raw", view)
            seconds.append(cost.seconds)
            about = {
                "view": view,
                "rows": rows,
                "rows_read": cost.rows_read,
                "peak_mb": cost.peak_mb,
                "raw_seconds": round(raw.seconds, 3),
                "ratio": round(raw.seconds / cost.seconds, 1),
            }
            yield Figure("archive.view", round(cost.seconds, 3), "s", about)
        ranks = quantiles(seconds, n=20)
        about = {"events": events, "views": len(seconds)}
        yield Figure("archive.views.median", round(ranks[9], 3), "s", about)
        yield Figure("archive.views.p95", round(ranks[18], 3), "s", about)


def _disk(client: Client, events: int) -> Iterator[Figure]:
    tables = client.execute(
        "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'daehwa'"
        " GROUP BY table ORDER BY table"
    )
    about = {table: round(size / events, 1) for table, size in tables if size > events / 10}
    whole = sum(size for _, size in tables)
    yield Figure("archive.views.disk", round(whole / events, 1), "bytes/event", about)


def _views(client: Client) -> list[str]:
    rows = client.execute(
        "SELECT name FROM system.tables WHERE database = 'daehwa' AND engine = 'View' ORDER BY name"
    )
    return [str(name) for (name,) in rows]


def _ask_raw_events(client: Client) -> None:
    """Makes the database `daehwa_raw`: the same views, over facts taken from the events when they
    are asked."""
    client.execute("CREATE DATABASE daehwa_raw")
    for table in FACT_TABLES:
        columns = ", ".join(fact_columns(client.execute, table))
        query = fact_query(client.execute, table)
        client.execute(
            f"CREATE VIEW daehwa_raw.{table.removeprefix('daehwa.')} AS"
            f" SELECT {columns} FROM ({query})"
        )
    views = set(_views(client))
    known = views | {table.removeprefix("daehwa.") for table in FACT_TABLES}
    waiting = sorted(views)
    queries = dict(
        client.execute("SELECT name, as_select FROM system.tables WHERE database = 'daehwa'")
    )
    while waiting:
        view = waiting.pop(0)
        used = {name for name in re.findall(r"daehwa\.(\w+)", queries[view]) if name in views}
        if used & set(waiting):
            waiting.append(view)
            continue
        query = re.sub(
            r"daehwa\.(\w+)",
            lambda found: f"daehwa_raw.{found[1]}" if found[1] in known else found[0],
            queries[view],
        )
        client.execute(f"CREATE VIEW daehwa_raw.{view} AS {query}")


def _cost(client: Client, pid: int, database: str, view: str) -> Cost:
    taken: list[float] = []
    memory = 0
    while len(taken) < TRIES and (not taken or taken[0] < SECONDS_A_TRY):
        before = _memory(pid, _NOW)
        # 5 sets the peak to what is used now, see proc_pid_clear_refs(5).
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        began = time.perf_counter()
        client.execute(_EVERY_COLUMN.format(database, view))
        taken.append(time.perf_counter() - began)
        memory = max(memory, _memory(pid, _PEAK) - before)
    return Cost(min(taken), int(client.last_query.progress.rows), memory >> 10)


def _memory(pid: int, which: re.Pattern[str]) -> int:
    """Kilobytes."""
    found = which.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
