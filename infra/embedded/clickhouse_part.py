"""The embedded ClickHouse as a part of the stack."""

import asyncio
import sys
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_driver.errors import Error as ClickHouseError

from infra.embedded.process import Part


def clickhouse_part(port: int, http_port: int, folder: Path, logs: Path) -> Part:
    """The engine on loopback, native protocol and HTTP, its tables in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)

    def answers() -> bool:
        client = Client(host="127.0.0.1", port=port, connect_timeout=1, send_receive_timeout=5)
        try:
            return bool(client.execute("SELECT 1") == [(1,)])
        except (ClickHouseError, EOFError):
            return False
        finally:
            client.disconnect()

    async def ready() -> bool:
        return await asyncio.to_thread(answers)

    return Part(
        name="clickhouse",
        command=(
            sys.executable,
            "-m",
            "infra.embedded.clickhouse",
            "--path",
            str(folder),
            "--port",
            str(port),
            "--http-port",
            str(http_port),
        ),
        log_file=logs / "clickhouse.log",
        ready=ready,
    )
