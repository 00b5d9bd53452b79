"""Kafka, ClickHouse and one archive worker, which tests kill."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from infra.embedded.clickhouse_part import ClickHouseSecrets, clickhouse_part
from infra.embedded.kafka import kafka_part
from infra.embedded.own_parts import worker_part
from infra.embedded.ports import free_ports
from infra.embedded.process import PartProcess
from infra.embedded.stack import environment_of
from infra.kafka.names import EVENTS, TRIGGERS
from infra.settings import Settings
from schemas.event import WireEvent
from schemas.trigger import Trigger
from streams.codec.codec import encode_envelope, encode_event, encode_trigger
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import profile_key

PASSWORD = "of-a-test"
ENVELOPE = 40


class ArchiveFleet:
    """What runs."""

    def __init__(self, settings: Settings, folder: Path, clickhouse: PartProcess) -> None:
        self.settings = settings
        self.clickhouse = clickhouse
        self._folder = folder

    async def worker(self) -> PartProcess:
        """Starts the archive worker; returns at once."""
        (port,) = free_ports(1)
        part = worker_part("archive", port, environment_of(self.settings), self._folder)
        process = PartProcess(part)
        self._starting = asyncio.create_task(process.start())
        return process

    async def ready(self) -> None:
        """Returns when the worker reads its partitions."""
        await self._starting

    async def kill(self, process: PartProcess) -> None:
        """Ends the worker in the middle of whatever it does."""
        self._starting.cancel()
        await asyncio.gather(self._starting, return_exceptions=True)
        await process.kill()

    async def append(self, events: Iterable[WireEvent], triggers: Iterable[Trigger]) -> int:
        """Puts everything on the log, in its order within a partition. Returns the records."""
        waiting: dict[int, list[bytes]] = defaultdict(list)
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_servers, acks="all")
        await producer.start()
        sent = []
        try:
            for event in events:
                partition = partition_of(profile_key(event) or "", self.settings.partitions)
                waiting[partition].append(encode_event(event))
                if len(waiting[partition]) == ENVELOPE:
                    value = encode_envelope(waiting.pop(partition))
                    sent.append(await producer.send(EVENTS, value, partition=partition))
            for partition, left in waiting.items():
                value = encode_envelope(left)
                sent.append(await producer.send(EVENTS, value, partition=partition))
            for trigger in triggers:
                partition = partition_of(trigger.customer_id, self.settings.partitions)
                value = encode_trigger(trigger)
                sent.append(await producer.send(TRIGGERS, value, partition=partition))
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return len(sent)


@asynccontextmanager
async def archive_fleet(folder: Path) -> AsyncIterator[ArchiveFleet]:
    """Starts Kafka and ClickHouse."""
    kafka, native, http = free_ports(3)
    settings = Settings(
        kafka_url=f"kafka://127.0.0.1:{kafka}",
        clickhouse_url=f"clickhouse://default:{PASSWORD}@127.0.0.1:{native}",
        partitions=4,
        rebalance_timeout_s=2,
        session_timeout_s=6,
        archive_linger_ms=20,
    )
    broker = PartProcess(kafka_part(kafka, folder, settings))
    secrets = ClickHouseSecrets(PASSWORD, PASSWORD)
    clickhouse = PartProcess(
        clickhouse_part((native, http), secrets, folder / "clickhouse", folder)
    )
    try:
        await asyncio.gather(broker.start(), clickhouse.start())
        yield ArchiveFleet(settings, folder, clickhouse)
    finally:
        await clickhouse.stop()
        await broker.stop()
