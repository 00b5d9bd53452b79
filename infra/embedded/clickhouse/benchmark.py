"""``python -m infra.embedded.clickhouse.benchmark [ROWS]``: rows a second through the server.

20 columns (strings, low-cardinality strings, datetimes, numbers) with clickhouse-driver, which does
the larger part of the work: it makes every value from and to a Python object. One JSON line each.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from clickhouse_driver import Client

from .launch import launch

ROWS: Final = 300_000
BLOCK_ROWS: Final = 50_000
COLUMNS: Final = (
    [f"s{n} String" for n in range(10)]
    + [f"l{n} LowCardinality(String)" for n in range(4)]
    + [f"d{n} DateTime64(3, 'UTC')" for n in range(3)]
    + ["n0 UInt32", "n1 UInt64", "n2 Float64"]
)


def _column(declaration: str, rows: int) -> list[Any]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    match declaration[0]:
        case "s":
            return [f"value-{row * 7919 % rows}-of-the-event" for row in range(rows)]
        case "l":
            return [f"kind-{row % 50}" for row in range(rows)]
        case "d":
            return [start + timedelta(milliseconds=row * 37) for row in range(rows)]
        case _:
            return list(range(rows))


def _report(what: str, rows: int, call: Callable[[], object]) -> None:
    started = time.perf_counter()
    call()
    seconds = time.perf_counter() - started
    line = {"what": what, "rows": rows, "seconds": round(seconds, 2), "rows_s": int(rows / seconds)}
    sys.stdout.write(json.dumps(line) + "\n")


def _measure(client: Any, insert: str, data: list[list[Any]], how: str) -> None:
    rows = len(data[0])

    def run(sql: str) -> Callable[[], object]:
        return lambda: client.execute(sql, columnar=True)

    def many() -> None:
        for _ in range(1000):
            client.execute("SELECT 1")

    _report(f"insert 20 columns, {how}", rows, lambda: client.execute(insert, data, columnar=True))
    _report(f"select 20 columns, {how}", rows, run("SELECT * FROM wide"))
    _report(f"select 2 columns, {how}", rows, run("SELECT n0, s0 FROM wide"))
    _report(f"1000 selects of one row, {how}", 1000, many)


def main() -> None:
    """Start a server in a temporary directory and measure inserts and selects."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    names = ", ".join(column.split()[0] for column in COLUMNS)
    data = [_column(column, rows) for column in COLUMNS]
    with tempfile.TemporaryDirectory() as folder:
        server = launch(Path(folder) / "data", Path(folder) / "log")
        for compression in (False, "lz4"):
            client = Client(
                server.host,
                port=server.port,
                compression=compression,
                settings={"insert_block_size": BLOCK_ROWS},
            )
            client.execute("DROP TABLE IF EXISTS wide")
            client.execute(
                f"CREATE TABLE wide ({', '.join(COLUMNS)}) ENGINE = MergeTree ORDER BY n0"
            )
            insert = f"INSERT INTO wide ({names}) VALUES"
            _measure(client, insert, data, f"compression {compression}")
            client.disconnect()
        server.stop()


if __name__ == "__main__":
    main()
