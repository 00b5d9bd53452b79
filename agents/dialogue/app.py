"""The dialogue worker: a Faust app whose agent hands records to one folder per partition."""

import asyncio
from collections.abc import Callable
from typing import Any

import faust
import structlog
from faust.types import TP
from kafka.errors import KafkaError

from agents.abandoning import abandon
from agents.dialogue.deadline_ticker import DeadlineTicker
from agents.dialogue.effects import EffectWriter
from agents.dialogue.partition_folder import PartitionFolder
from agents.faust_app import Place, faust_app
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import DIALOGUE_GROUP, EVENTS
from infra.kafka.topics import TopicAdmin
from infra.metrics import WORKER_READY
from infra.redis.connecting import redis_client
from infra.redis.state_store import StateStore
from infra.settings import Settings
from infra.waiting import until_up
from schemas.models import BgNbd
from streams.playbook import CompiledPlaybook


def dialogue_app(settings: Settings, book: CompiledPlaybook) -> faust.App:
    """The Faust app of the dialogue worker."""
    worker = DialogueWorker(
        settings, book, lambda problem: app.loop.create_task(app.crash(problem))
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

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def stop(_app: faust.App, **_options: Any) -> None:
        await worker.stop()

    return app


log = structlog.get_logger()


class DialogueWorker:
    """Owns the folders of the partitions this process was assigned."""

    def __init__(
        self,
        settings: Settings,
        book: CompiledPlaybook,
        crash: Callable[[BaseException], object],
    ) -> None:
        self._crash = crash
        self._settings = settings
        self._book = book
        self._redis = redis_client(settings)
        self._store = StateStore(self._redis, settings.profile_days)
        self._writer = LogWriter(settings)
        self._effects = EffectWriter(self._writer, settings.partitions)
        self._folders: dict[int, PartitionFolder] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._started = False
        self.ticker = DeadlineTicker(self._store, self._effects, lambda: self._folders)

    async def take_over(self, places: dict[Place, int]) -> dict[Place, int]:
        """Makes a folder for each partition and returns the offset to read it from.

        Called at every assignment; what was in work before is dropped and read again.
        """
        if not self._started:
            self._started = True
            await self._writer.start()
        await self._drop_all()
        log_id = await until_up(
            "kafka",
            lambda: asyncio.to_thread(self._log_identity),
            lambda problem: isinstance(problem, KafkaError | OSError),
        )
        positions = {}
        for topic, partition in sorted(places):
            folder = PartitionFolder(
                partition,
                self._store,
                self._effects,
                self._book,
                BgNbd(),
                self._settings.cached_profiles // len(places),
            )
            positions[topic, partition] = await folder.take_over(log_id)
            self._folders[partition] = folder
            task = asyncio.create_task(folder.run())
            task.add_done_callback(self._check)
            self._tasks[partition] = task
        WORKER_READY.set(1)
        return positions

    async def hand_over(self, record: Any) -> None:
        """Gives a record to its partition's folder; waits while that has enough to do."""
        tp: TP = record.message.tp
        folder = self._folders.get(tp.partition)
        if folder is not None:
            await folder.waiting.put(record)

    async def stop(self) -> None:
        """Stops folding; what is not written yet is read again by whoever comes next."""
        await self._drop_all()
        await self._writer.stop()
        await self._redis.aclose()

    async def _drop_all(self) -> None:
        tasks, folders = list(self._tasks.values()), list(self._folders.values())
        self._folders.clear()
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for folder in folders:
            abandon(folder.waiting)

    def _check(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("folding failed, the worker stops", problem=repr(problem))
            self._crash(problem)

    def _log_identity(self) -> str:
        admin = TopicAdmin(self._settings)
        try:
            return admin.identity(EVENTS)
        finally:
            admin.close()
