"""The dialogue worker: a Faust app whose agent hands records to one folder per partition."""

import asyncio
from collections.abc import Callable
from typing import Any

import faust
import structlog
from kafka.errors import KafkaError

from agents.dialogue.deadline_ticker import DeadlineTicker
from agents.dialogue.definition_loader import DefinitionLoader
from agents.dialogue.definition_publisher import DefinitionPublisher
from agents.dialogue.effects import EffectWriter
from agents.dialogue.fault_injection import AtStep, no_fault
from agents.dialogue.folder_parts import FolderParts
from agents.dialogue.partition_folder import PartitionFolder
from agents.faust_app import Place, faust_app
from agents.log_watch import Identities, watch_log
from infra.cancellation import drain_queue, end_all
from infra.dependencies import retry_until_available
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.first_offset import first_offset
from infra.kafka.log_end import beyond_the_end
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import DIALOGUE_GROUP, EVENTS
from infra.kafka.record import Record
from infra.kafka.topics import TopicAdmin
from infra.metrics import CACHED_PROFILES, WORKER_READY
from infra.privacy.forgetting import Forgetting
from infra.redis.alias_index import AliasIndex
from infra.redis.connecting import redis_client
from infra.redis.definition_copy import DefinitionCopy
from infra.redis.partition_halts import PartitionHalts
from infra.redis.state_store import StateStore
from infra.settings import Settings
from streams.dead_letters.fault_limit import FaultLimits
from streams.playbook.compiled import CompiledPlaybook


def dialogue_app(
    settings: Settings, playbook: CompiledPlaybook, at_step: AtStep = no_fault
) -> faust.App:
    """The Faust app of the dialogue worker; `at_step` is called at the steps of each batch."""
    worker = DialogueWorker(
        settings, playbook, lambda problem: app.loop.create_task(app.crash(problem)), at_step
    )
    app = faust_app(settings, DIALOGUE_GROUP, worker.take_over)
    events = app.topic(EVENTS, value_serializer="raw", key_serializer="raw")

    @app.agent(events, name="dialogue")  # type: ignore[untyped-decorator]  # Faust is untyped
    async def dialogue(stream: Any) -> None:
        async for record in stream.noack().events():
            await worker.hand_over(record)

    @app.task  # type: ignore[untyped-decorator]  # Faust is untyped
    async def deadlines() -> None:
        await worker.ticker.run()

    @app.task  # type: ignore[untyped-decorator]  # Faust is untyped
    async def definitions() -> None:
        await worker.publisher.run()

    @app.task  # type: ignore[untyped-decorator]  # Faust is untyped
    async def log_watch() -> None:
        await worker.watch_log()

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def stop(_app: faust.App, **_options: Any) -> None:
        await worker.stop()

    return app


log = structlog.get_logger()


class DialogueWorker:
    """Owns the folders of the assigned partitions."""

    def __init__(
        self,
        settings: Settings,
        playbook: CompiledPlaybook,
        crash: Callable[[BaseException], object],
        at_step: AtStep = no_fault,
    ) -> None:
        self._crash = crash
        self._settings = settings
        self._redis = redis_client(settings)
        self._store = StateStore(self._redis, settings.profile_days, settings.anonymous_days)
        self._writer = LogWriter(settings)
        self._at_step = at_step
        self._effects = EffectWriter(self._writer, settings.partitions, at_step)
        self._tail = DefinitionTail(settings)
        self._loader = DefinitionLoader(self._tail, playbook)
        self._folders: dict[int, PartitionFolder] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        CACHED_PROFILES.set_function(lambda: sum(f.cached for f in self._folders.values()))
        self._started = False
        self._taking_over = asyncio.Lock()
        self._log_id: str | None = None
        self.ticker = DeadlineTicker(self._store, self._effects, self._folding)
        self.publisher = DefinitionPublisher(
            settings,
            self._writer,
            self._tail,
            DefinitionCopy(self._redis),
            lambda: self._folders,
        )

    async def take_over(self, places: dict[Place, int]) -> dict[Place, int]:
        """Makes a folder for each partition and returns the offset to read it from.

        Called at every assignment, and by Faust's fetcher at any time during one; batches in
        progress are dropped and read again.
        """
        async with self._taking_over:
            if not self._started:
                self._started = True
                await self._writer.start()
                await self._tail.start()
            await self.publisher.begin()
            await self._drop_all()
            self._log_id = log_id = await self._identity()
            positions = {}
            parts = self._parts(self._settings.cached_profiles // len(places))
            for topic, partition in sorted(places):
                folder = await PartitionFolder.take_over(partition, log_id, parts)
                positions[topic, partition] = folder.next_offset
                self._folders[partition] = folder
            for partition, end in (await self._cut_off(positions)).items():
                positions[EVENTS, partition] = self._folders[partition].cut_back(end)
            for partition, folder in self._folders.items():
                task = asyncio.create_task(folder.run())
                task.add_done_callback(self._check)
                self._tasks[partition] = task
            WORKER_READY.set(1)
            return positions

    def _parts(self, max_cached: int) -> FolderParts:
        settings, aliases = self._settings, AliasIndex(self._redis)
        return FolderParts(
            store=self._store,
            effects=self._effects,
            loader=self._loader,
            aliases=aliases,
            halts=PartitionHalts(self._redis),
            forgetting=Forgetting(self._redis, aliases),
            first_offset=self._first_offset,
            region=settings.region,
            max_cached=max_cached,
            fault_limits=FaultLimits(settings.fold_failed_in_a_row, settings.fold_failed_share),
            at_step=self._at_step,
        )

    def _folding(self) -> list[int]:
        """The running partitions: timers of a halted one would pile up on the log."""
        return [partition for partition, one in self._folders.items() if not one.is_halted]

    async def watch_log(self) -> None:
        """Ends the worker when the Kafka topic is no longer the one whose offsets it counts."""

        async def ask() -> Identities:
            return {EVENTS: await self._identity()}

        await watch_log(
            lambda: {EVENTS: self._log_id} if self._log_id is not None else None, ask, self._crash
        )

    async def hand_over(self, record: Record) -> None:
        """Queues a record for its partition's folder; waits while the queue is full."""
        folder = self._folders.get(record.message.partition)
        if folder is not None:
            await folder.waiting.put(record)

    async def stop(self) -> None:
        """Stops folding; the next owner reads unwritten records again."""
        await self._drop_all()
        await self._tail.stop()
        await self._writer.stop()
        await self._redis.aclose()

    async def _drop_all(self) -> None:
        tasks, folders = list(self._tasks.values()), list(self._folders.values())
        self._folders.clear()
        self._tasks.clear()
        await end_all(tasks)
        for folder in folders:
            drain_queue(folder.waiting)

    def _check(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("folding failed, the worker stops", problem=repr(problem))
            self._crash(problem)

    async def _identity(self) -> str:
        return await retry_until_available(
            "kafka", lambda: asyncio.to_thread(self._ask_identity), _passes
        )

    async def _cut_off(self, positions: dict[Place, int]) -> dict[int, int]:
        places = {partition: offset for (_, partition), offset in positions.items()}
        return await retry_until_available(
            "kafka",
            lambda: asyncio.to_thread(beyond_the_end, self._settings, EVENTS, places),
            _passes,
        )

    async def _first_offset(self, partition: int, at: int) -> int:
        return await retry_until_available(
            "kafka",
            lambda: asyncio.to_thread(first_offset, self._settings, EVENTS, partition, at),
            _passes,
        )

    def _ask_identity(self) -> str:
        admin = TopicAdmin(self._settings)
        try:
            return admin.identity(EVENTS)
        finally:
            admin.close()


def _passes(problem: Exception) -> bool:
    return isinstance(problem, KafkaError | OSError)
