"""A real Kafka, a real Redis and dialogue workers that come, go, die and are started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from redis.asyncio import Redis

from infra.embedded.apache_kafka import apache_kafka_part, apache_kafka_wanted
from infra.embedded.kafka import kafka_part
from infra.embedded.own_parts import worker_part
from infra.embedded.ports import free_ports
from infra.embedded.process import Part, PartFailedError, PartProcess
from infra.embedded.redis import redis_part
from infra.embedded.stack import environment_of
from infra.redis.connecting import redis_client
from infra.settings import Settings
from tests.harness.log import Log

PASSWORD = "of-a-test"


class Fleet:
    """What runs, and what has been done to it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.log = Log(settings)
        self.redis: Redis = redis_client(settings)
        self.workers: list[PartProcess] = []
        self.kills = 0
        self.restarts = 0
        self.redis_restarts = 0
        self.redis_part: PartProcess | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._made = 0

    async def worker(
        self, fault: str | None = None, *, ready: bool = True, module: str = "agents"
    ) -> PartProcess:
        """Starts a worker; returns when it reads its partitions, or at once. With a fault it
        dies at that step and stays dead, without it is started again whenever it dies. `module` is
        the program that is the worker."""
        (port,) = free_ports(1)
        self._made += 1
        part = worker_part("dialogue", port, environment_of(self.settings), self.folder)
        part = replace(part, command=(sys.executable, "-m", module, "dialogue"))
        process = PartProcess(part if ready and fault is None else _unasked(part, fault))
        self.workers.append(process)
        await process.start()
        if fault is None:
            self._watchers.append(asyncio.create_task(self._watch(process)))
        return process

    def forget(self, process: PartProcess) -> None:
        """Leaves a worker dead when it ends."""
        self.workers.remove(process)

    async def kill_worker(self, process: PartProcess) -> None:
        """Ends a worker in the middle of whatever it does; it is started again."""
        self.kills += 1
        await process.kill()

    async def remove_worker(self, process: PartProcess, how: signal.Signals) -> None:
        """Makes a worker leave for good: asked (SIGTERM) or not (SIGKILL)."""
        self.workers.remove(process)
        if how == signal.SIGKILL:
            await process.kill()
        else:
            await process.stop()

    async def restart_redis(self, *, lose_bytes: int = 0) -> None:
        """Kills Redis and starts it again, without the last bytes of its append-only file: what
        a machine that lost its power would have lost."""
        assert self.redis_part is not None
        self.redis_restarts += 1
        await self.redis_part.kill()
        self._cut(self._redis_bytes() - lose_bytes)
        await self.redis_part.start()
        await self.redis.connection_pool.disconnect()

    async def lose_a_second(self) -> None:
        """Kills Redis and starts it again without what it wrote in its last second."""
        assert self.redis_part is not None
        self.redis_restarts += 1
        before = self._redis_bytes()
        await asyncio.sleep(1)
        await self.redis_part.kill()
        self._cut(before)
        await self.redis_part.start()
        await self.redis.connection_pool.disconnect()

    def _redis_bytes(self) -> int:
        return self._append_only_file().stat().st_size

    def _cut(self, size: int) -> None:
        with self._append_only_file().open("r+b") as file:
            if size < file.seek(0, os.SEEK_END):
                file.truncate(max(0, size))

    def _append_only_file(self) -> Path:
        found = [
            path
            for path in (self.folder / "redis").rglob("*.aof")
            if path.name == "appendonly.aof" or path.name.endswith(".incr.aof")
        ]
        return max(found)

    async def stop(self) -> None:
        """Stops the workers."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in self.workers))
        self.workers.clear()
        self._watchers.clear()

    async def _watch(self, process: PartProcess) -> None:
        while True:
            await process.wait()
            if process not in self.workers:
                return
            self.restarts += 1
            try:
                await process.start()
            except PartFailedError:
                continue  # killed while it started


def _unasked(part: Part, fault: str | None) -> Part:
    async def at_once() -> bool:
        return True

    faulty = {"DAEHWA_FAULT": fault, "DAEHWA_TESTING": "1"} if fault else {}
    return Part(
        name=part.name,
        command=part.command,
        log_file=part.log_file,
        ready=at_once,
        environment={**part.environment, **faulty},
        stop_seconds=part.stop_seconds,
    )


@asynccontextmanager
async def fleet(folder: Path, *, partitions: int = 4, **more: Any) -> AsyncIterator[Fleet]:
    """Kafka and Redis in a folder, no workers yet; everything is stopped in the end."""
    kafka, controller, redis = free_ports(3)
    settings = Settings(
        kafka_url=f"kafka://127.0.0.1:{kafka}",
        redis_url=f"redis://:{PASSWORD}@127.0.0.1:{redis}/0",
        partitions=partitions,
        rebalance_timeout_s=2,
        # A worker that was killed is missed only after this; Apache Kafka allows no less than 6 s.
        session_timeout_s=6 if apache_kafka_wanted(os.environ) else 3,
        **more,
    )
    made = Fleet(settings, folder)
    broker = PartProcess(
        apache_kafka_part(kafka, controller, folder / "kafka", folder, settings)
        if apache_kafka_wanted(os.environ)
        else kafka_part(kafka, folder, settings)
    )
    made.redis_part = PartProcess(redis_part(redis, PASSWORD, folder / "redis", folder))
    try:
        await asyncio.gather(broker.start(), made.redis_part.start())
        yield made
    finally:
        await made.stop()
        await made.redis.aclose()
        await made.redis_part.stop()
        await broker.stop()
