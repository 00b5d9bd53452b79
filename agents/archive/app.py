"""The archive worker: a Faust app with one agent for each of the three Kafka topics."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import faust
import structlog
from kafka.errors import KafkaError

from agents.archive.batcher import ArchiveBatcher, ArchiveTable, TopicPositions
from agents.archive.erasure_barrier import Erasing, EventsErasureBarrier, OtherErasureBarrier
from agents.archive.inserters import ArchiveInserters
from agents.archive.rows import dead_letter_rows, event_rows, trigger_rows
from agents.faust_app import Place, faust_app
from agents.log_watch import watch_log
from infra.cancellation import drain_queue, end_all
from infra.dependencies import retry_until_available
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.first_offset import first_offset
from infra.kafka.log_end import beyond_the_end
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import ARCHIVE_GROUP, DEAD_LETTERS, EVENTS, KAFKA_TOPICS, TRIGGERS
from infra.kafka.record import Record
from infra.kafka.topics import TopicAdmin
from infra.metrics import WORKER_READY
from infra.playbook.latest_playbook import LatestPlaybook
from infra.settings import Settings
from streams.archive.tables import (
    DEAD_LETTERS_TABLE,
    EVENTS_TABLE,
    TRIGGERS_TABLE,
)
from streams.playbook.compiled import CompiledPlaybook

log = structlog.get_logger()


def archive_app(settings: Settings, playbook: CompiledPlaybook) -> faust.App:
    """The Faust app of the archive worker."""
    worker = ArchiveWorker(
        settings, playbook, lambda problem: app.loop.create_task(app.crash(problem))
    )
    app = faust_app(settings, ARCHIVE_GROUP, worker.take_over)

    for name in KAFKA_TOPICS:
        _add_agent(app, worker, name)

    @app.task  # type: ignore[untyped-decorator]  # Faust is untyped
    async def log_watch() -> None:
        await worker.watch_log()

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def stop(_app: faust.App, **_options: Any) -> None:
        await worker.stop()

    return app


def _add_agent(app: faust.App, worker: "ArchiveWorker", name: str) -> None:
    kafka_topic = app.topic(name, value_serializer="raw", key_serializer="raw")

    @app.agent(kafka_topic, name=f"archive.{name}")  # type: ignore[untyped-decorator]
    async def archive(stream: Any) -> None:
        async for record in stream.noack().events():
            await worker.hand_over(name, record)


def _lane(starts: dict[int, int], lane: int, lanes: int) -> dict[int, int]:
    """The partitions of a lane, as `ArchiveWorker.hand_over` chooses it."""
    return {partition: at for partition, at in starts.items() if partition % lanes == lane}


class ArchiveWorker:
    """Owns the batchers of the Kafka topics."""

    def __init__(
        self,
        settings: Settings,
        playbook: CompiledPlaybook,
        crash: Callable[[BaseException], object],
    ) -> None:
        self._settings = settings
        self._tail = DefinitionTail(settings)
        self._playbook = LatestPlaybook(self._tail, playbook)
        self._crash = crash
        self._inserters = ArchiveInserters(settings)
        self._patient = self._inserters.first
        self._erasing = Erasing(self._patient, settings.profile_days)
        self._writer = LogWriter(settings)
        self._lanes: dict[str, list[ArchiveBatcher]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._started = False
        self._taking_over = asyncio.Lock()
        self._log_ids: dict[str, str] | None = None

    async def take_over(self, places: dict[Place, int]) -> dict[Place, int]:
        """Starts after the highest stored offsets; waits while ClickHouse is unavailable."""
        async with self._taking_over:
            return await self._take_over(places)

    async def _take_over(self, places: dict[Place, int]) -> dict[Place, int]:
        if not self._started:
            self._started = True
            await self._writer.start()
            await self._tail.start()
            # A dialogue worker publishes the first playbook; topics of rows are the latest one's.
            await self._tail.until_live()
            await self._patient.migrate()
        await self._drop_all()
        self._log_ids = log_ids = await self._identities()
        await self._erasing.load()
        await self._inserters.take_over(
            log_ids[EVENTS], [partition for topic, partition in places if topic == EVENTS]
        )
        positions: dict[Place, int] = {}
        for name, (table, rows) in self._tables().items():
            stored = await self._patient.highest_offsets(table, log_ids[name])
            # Erasure can lower the highest stored offset; it must not bring records back.
            starts = {
                partition: max(committed, stored.get(partition, -1) + 1)
                for (topic, partition), committed in places.items()
                if topic == name
            }
            for partition, end in (await self._cut_off(name, starts)).items():
                log.error(
                    "Kafka has lost records that were archived",
                    topic=name,
                    partition=partition,
                    archived=starts[partition],
                    end=end,
                )
                # Stored offsets belong to lost records, not to new records with the same offsets.
                starts[partition] = min(places[name, partition], end)
            positions.update({(name, partition): start for partition, start in starts.items()})
            barrier = EventsErasureBarrier if name == EVENTS else OtherErasureBarrier
            inserters = self._inserters.of(name)
            self._lanes[name] = [
                ArchiveBatcher(
                    ArchiveTable(table, rows, barrier(self._erasing)),
                    TopicPositions(
                        _lane(starts, lane, len(inserters)),
                        partial(self._first_offset, name),
                    ),
                    inserter,
                    self._writer,
                    self._settings.archive_linger_ms,
                )
                for lane, inserter in enumerate(inserters)
            ]
            for batcher in self._lanes[name]:
                task = asyncio.create_task(batcher.run(log_ids[name]))
                task.add_done_callback(self._check)
                self._tasks.append(task)
        WORKER_READY.set(1)
        return positions

    async def _cut_off(self, topic: str, starts: dict[int, int]) -> dict[int, int]:
        return await retry_until_available(
            "kafka",
            lambda: asyncio.to_thread(beyond_the_end, self._settings, topic, starts),
            lambda problem: isinstance(problem, KafkaError | OSError),
        )

    async def watch_log(self) -> None:
        """Ends the worker when a Kafka topic is no longer the one whose offsets it counts."""
        await watch_log(lambda: self._log_ids, self._identities, self._crash)

    async def hand_over(self, topic: str, record: Record) -> None:
        """Gives a record to its topic's batcher; waits while its queue is full."""
        lanes = self._lanes.get(topic)
        if lanes:
            lane = lanes[record.message.partition % len(lanes)]
            await lane.waiting.put(record)

    async def stop(self) -> None:
        """Stops archiving; the next owner of the partitions reads records that are not stored yet
        again."""
        await self._drop_all()
        await self._tail.stop()
        await self._writer.stop()
        await asyncio.to_thread(self._inserters.close)

    def _tables(self) -> dict[str, tuple[str, Any]]:
        return {
            EVENTS: (
                EVENTS_TABLE,
                lambda found: event_rows(
                    found, self._playbook(), self._erasing, self._settings.region
                ),
            ),
            TRIGGERS: (
                TRIGGERS_TABLE,
                lambda found: trigger_rows(found, self._erasing.tombstones),
            ),
            DEAD_LETTERS: (DEAD_LETTERS_TABLE, dead_letter_rows),
        }

    async def _drop_all(self) -> None:
        tasks, self._tasks = self._tasks, []
        batchers = [batcher for lanes in self._lanes.values() for batcher in lanes]
        self._lanes.clear()
        await end_all(tasks)
        for batcher in batchers:
            drain_queue(batcher.waiting)

    def _check(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("archiving failed, the worker stops", problem=repr(problem))
            self._crash(problem)

    async def _first_offset(self, topic: str, partition: int, at: int) -> int:
        return await retry_until_available(
            "kafka",
            lambda: asyncio.to_thread(first_offset, self._settings, topic, partition, at),
            lambda problem: isinstance(problem, KafkaError | OSError),
        )

    async def _identities(self) -> dict[str, str]:
        return await retry_until_available(
            "kafka",
            lambda: asyncio.to_thread(self._ask_identities),
            lambda problem: isinstance(problem, KafkaError | OSError),
        )

    def _ask_identities(self) -> dict[str, str]:
        admin = TopicAdmin(self._settings)
        try:
            return {name: admin.identity(name) for name in KAFKA_TOPICS}
        finally:
            admin.close()
