"""The whole stack on one machine: parts, start order, watch and restart."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import structlog
from kafka.errors import KafkaError

from infra.embedded.apache_kafka import apache_kafka_part, apache_kafka_wanted
from infra.embedded.clickhouse.__main__ import DASHBOARD_USER
from infra.embedded.clickhouse_part import clickhouse_part
from infra.embedded.kafka import kafka_part
from infra.embedded.own_parts import WORKERS, api_part, worker_part
from infra.embedded.ports import can_listen, free_ports
from infra.embedded.process import Part, PartFailedError, PartProcess
from infra.embedded.redis import redis_part
from infra.embedded.secrets import stack_secrets
from infra.kafka.lag import group_lag
from infra.kafka.names import ARCHIVE_GROUP, DIALOGUE_GROUP, EVENTS, KAFKA_TOPICS
from infra.kafka.topics import KafkaTopicsError
from infra.settings import Settings

DRAIN_SECONDS = 20.0
"""Grace period of folding and archiving accepted events when the stack stops."""

MAX_RESTARTS = 20
"""Consecutive restarts of one part before the stack gives up."""

LASTING_SECONDS = 60.0
"""Uptime after which earlier restarts of a part do not count."""

log = structlog.get_logger()


class Stack:
    """Embedded servers for the services whose URL is not set, the workers and the API."""

    def __init__(self, settings: Settings, folder: Path, *, tell: Callable[[str], None]) -> None:
        if settings.port and not can_listen(settings.host, settings.port):
            # Another server there would be taken for our API.
            raise PartFailedError(
                f"port {settings.port} of {settings.host} is taken or not for you: stop what "
                "listens there (another `daehwa up`?), or set DAEHWA_PORT to another"
            )
        embedded = _embedded_services(os.environ)
        # A further worker would have no partition.
        dialogues = min(settings.dialogue_workers, settings.partitions)
        requested = [(name, n + 1) for name in WORKERS for n in range(_count(name, dialogues))]
        kafka, controller, redis, clickhouse, http, api, *workers = free_ports(6 + len(requested))
        secrets = stack_secrets(folder)
        writer = f"default:{secrets.clickhouse.password}"
        self.settings = settings.model_copy(
            update={
                **({"kafka_url": f"kafka://127.0.0.1:{kafka}"} if "kafka" in embedded else {}),
                **(
                    {"redis_url": f"redis://:{secrets.redis}@127.0.0.1:{redis}/0"}
                    if "redis" in embedded
                    else {}
                ),
                **(
                    {"clickhouse_url": f"clickhouse://{writer}@127.0.0.1:{clickhouse}"}
                    if "clickhouse" in embedded
                    else {}
                ),
                **(
                    {"rebalance_timeout_s": 2, "session_timeout_s": 6}
                    if "kafka" in embedded
                    else {}
                ),
                "port": settings.port or api,
            }
        )
        self.url = f"http://{self.settings.host}:{self.settings.port}"
        self.clickhouse_http_url = f"http://127.0.0.1:{http}" if "clickhouse" in embedded else ""
        reader = f"{DASHBOARD_USER}:{secrets.clickhouse.dashboard}"
        self.dashboard_url = (
            f"clickhouse://{reader}@127.0.0.1:{clickhouse}" if "clickhouse" in embedded else ""
        )
        """Read-only URL for dashboards."""
        self.logs = folder / "logs"
        self._dispatch = tell
        environment = environment_of(self.settings)
        servers: list[Part] = []
        if "kafka" in embedded and apache_kafka_wanted(os.environ):
            servers.append(
                apache_kafka_part(kafka, controller, folder / "kafka", self.logs, self.settings)
            )
        elif "kafka" in embedded:
            servers.append(kafka_part(kafka, self.logs, self.settings))
        if "redis" in embedded:
            servers.append(redis_part(redis, secrets.redis, folder / "redis", self.logs))
        if "clickhouse" in embedded:
            ports = clickhouse, http
            servers.append(
                clickhouse_part(ports, secrets.clickhouse, folder / "clickhouse", self.logs)
            )
        own = [
            worker_part(name, port, environment, self.logs, number)
            for (name, number), port in zip(requested, workers, strict=True)
        ]
        own.append(api_part(self.url, environment, self.logs))
        self._servers = [PartProcess(part) for part in servers]
        self._own = [PartProcess(part) for part in own]
        self._watchers: list[asyncio.Task[None]] = []
        self._broker = asyncio.Lock()
        """Held while an in-memory broker restarts: no worker starts meanwhile."""
        self.gave_up: asyncio.Future[str] | None = None

    async def start(self) -> None:
        """Starts everything; returns when events can be sent. `PartFailedError` when not."""
        self.gave_up = asyncio.get_running_loop().create_future()
        try:
            for processes in (self._servers, self._own):
                async with asyncio.TaskGroup() as starting:
                    for process in processes:
                        starting.create_task(self._start(process))
        except BaseExceptionGroup as problems:
            await self.stop(drain=False)
            raise problems.exceptions[0] from None
        except BaseException:
            await self.stop(drain=False)
            raise
        self._watchers = [
            asyncio.create_task(self._watch(process)) for process in self._servers + self._own
        ]

    async def stop(self, *, drain: bool = True) -> None:
        """Stops everything in order: the API first, then accepted events are finished."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        try:
            await self._own[-1].stop()
            if drain and all(process.pid for process in self._servers + self._own[:-1]):
                await self._drain()
        finally:
            await asyncio.gather(*(process.stop() for process in self._own))
            await asyncio.gather(*(process.stop() for process in self._servers))

    def process(self, name: str) -> PartProcess:
        """A part by name. KeyError for one that is not embedded."""
        return {process.part.name: process for process in self._servers + self._own}[name]

    async def _start(self, process: PartProcess) -> None:
        await process.start()
        self._dispatch(f"{process.part.name} is up")

    async def _watch(self, process: PartProcess) -> None:
        clock = asyncio.get_running_loop().time
        name = process.part.name
        restarts = 0
        while restarts < MAX_RESTARTS:
            started = clock()
            code = await process.wait()
            if clock() - started >= LASTING_SECONDS:
                restarts = 0
            self._dispatch(f"{name} ended by itself (exit code {code}), starting it again")
            await asyncio.sleep(min(0.2 * 2**restarts, 10))
            restarts += 1
            async with self._broker:
                empty = name == "kafka" and process.part.forgets
                if empty:
                    # The broker lost records and offsets; and a client that requests a Kafka topic
                    # by name from an empty broker creates a wrong one.
                    await asyncio.gather(*(worker.kill() for worker in self._own[:-1]))
                    await self._start_again(process)
            # Concurrently: a part that waits for a dependency delays no other.
            if not empty:
                await self._start_again(process)
        if self.gave_up is not None and not self.gave_up.done():
            self.gave_up.set_result(name)

    async def _start_again(self, process: PartProcess) -> None:
        try:
            await self._start(process)
        except (PartFailedError, KafkaTopicsError, OSError) as problem:
            self._dispatch(f"{process.part.name} did not start: {problem}")
            await process.kill()

    async def _drain(self) -> None:
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        groups = ((DIALOGUE_GROUP, (EVENTS,)), (ARCHIVE_GROUP, KAFKA_TOPICS))
        while asyncio.get_running_loop().time() < deadline:
            try:
                lags = [
                    await asyncio.to_thread(group_lag, self.settings, group, topics)
                    for group, topics in groups
                ]
            except (KafkaError, TimeoutError):
                return
            if not any(lags):
                return
            await asyncio.sleep(0.2)
        self._dispatch("stopping although not everything was archived in time")


def _count(name: str, dialogues: int) -> int:
    return dialogues if name == "dialogue" else 1


def environment_of(settings: Settings) -> dict[str, str]:
    """The `DAEHWA_*` variables that make a child process have these settings."""
    variables = {}
    for name, value in settings:
        if hasattr(value, "get_secret_value"):
            text = value.get_secret_value()
        elif isinstance(value, dict):
            text = ",".join(f"{key}={source}" for key, source in value.items())
        elif isinstance(value, tuple):
            text = ",".join(str(part) for part in value)
        else:
            text = "" if value is None else str(value)
        variables[f"DAEHWA_{name.upper()}"] = text
    return variables


def _embedded_services(environment: "os._Environ[str]") -> set[str]:
    services = ("kafka", "redis", "clickhouse")
    return {name for name in services if not environment.get(f"DAEHWA_{name.upper()}_URL")}
