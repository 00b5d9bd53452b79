"""Embedded servers for a benchmark, without the rest of the stack."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from infra.embedded.apache_kafka import apache_kafka_part, apache_kafka_wanted
from infra.embedded.clickhouse_part import ClickHouseSecrets, clickhouse_part
from infra.embedded.kafka import kafka_part
from infra.embedded.own_parts import api_part, worker_part
from infra.embedded.ports import free_ports
from infra.embedded.process import PartProcess
from infra.embedded.redis import redis_part
from infra.embedded.stack import environment_of
from infra.settings import Settings

WRITE_KEY = "bench"
TOKEN = "bench-token"


class Bench:
    """The settings, and the parts that run."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.url = f"http://127.0.0.1:{settings.port}"
        self.running: list[PartProcess] = []

    async def worker(self, name: str) -> PartProcess:
        """Starts a worker; returns when it reads its partitions."""
        (port,) = free_ports(1)
        part = worker_part(name, port, environment_of(self.settings), self.folder)
        return await self._start(PartProcess(part))

    async def api(self) -> PartProcess:
        """Starts the API; returns when it is ready."""
        part = api_part(self.url, environment_of(self.settings), self.folder)
        return await self._start(PartProcess(part))

    async def _start(self, process: PartProcess) -> PartProcess:
        self.running.append(process)
        await process.start()
        return process


@asynccontextmanager
async def servers(*names: str, partitions: int = 4) -> AsyncIterator[Bench]:
    """Kafka, and Redis or ClickHouse where named, in a temporary folder."""
    kafka, controller, redis, clickhouse, http, port = free_ports(6)
    settings = Settings(
        kafka_url=f"kafka://127.0.0.1:{kafka}",
        redis_url=f"redis://:{TOKEN}@127.0.0.1:{redis}/0",
        clickhouse_url=f"clickhouse://default:{TOKEN}@127.0.0.1:{clickhouse}",
        partitions=partitions,
        write_keys={WRITE_KEY: "shop"},
        rate_limit=0,
        api_token=SecretStr(TOKEN),
        rebalance_timeout_s=2,
        session_timeout_s=6,
        port=port,
    )
    with tempfile.TemporaryDirectory(prefix="daehwa-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        bench = Bench(settings, folder)
        if apache_kafka_wanted(os.environ):
            parts = [apache_kafka_part(kafka, controller, folder / "kafka", folder, settings)]
        else:
            parts = [kafka_part(kafka, folder, settings)]
        if "redis" in names:
            parts.append(redis_part(redis, TOKEN, folder / "redis", folder))
        if "clickhouse" in names:
            secrets = ClickHouseSecrets(TOKEN, TOKEN)
            ports = clickhouse, http
            parts.append(clickhouse_part(ports, secrets, folder / "clickhouse", folder))
        bench.running = [PartProcess(part) for part in parts]
        try:
            await asyncio.gather(*(process.start() for process in bench.running))
            yield bench
        finally:
            for process in reversed(bench.running):
                await process.stop()
