"""The embedded ClickHouse as a part of the stack."""

import asyncio
import sys
from pathlib import Path

import msgspec
from clickhouse_driver import Client
from clickhouse_driver.errors import Error as ClickHouseError

from infra.embedded.clickhouse.__main__ import DASHBOARD_VARIABLE, PASSWORD_VARIABLE
from infra.embedded.process import Part


class ClickHouseSecrets(msgspec.Struct, frozen=True):
    """Passwords of the two users of the embedded ClickHouse."""

    password: str
    """Of `default`, which may write."""
    dashboard: str
    """Of `dashboard`, which only reads."""


def clickhouse_part(
    ports: tuple[int, int], secrets: ClickHouseSecrets, folder: Path, logs: Path
) -> Part:
    """The engine on loopback, native protocol and HTTP (`ports`), its tables in `folder`."""
    port, http_port = ports
    folder.mkdir(parents=True, exist_ok=True)

    def answers() -> bool:
        client = Client(
            host="127.0.0.1", port=port, password=secrets.password,
            connect_timeout=1, send_receive_timeout=5,
        )  # fmt: skip
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
        environment={
            PASSWORD_VARIABLE: secrets.password,
            DASHBOARD_VARIABLE: secrets.dashboard,
        },
        log_file=logs / "clickhouse.log",
        ready=ready,
    )
