"""The Faust app of the delivery worker."""

import asyncio
import os
from typing import Any

import faust
import msgspec
import structlog

from agents.delivery.outbox import Outbox
from agents.delivery.worker import DeliveryWorker
from agents.faust_app import Place, faust_app
from infra.delivery.call_list import CallList
from infra.delivery.dispatcher import DeliveryDispatcher
from infra.delivery.endpoint_states import EndpointStates
from infra.delivery.schedule import DeliverySchedule
from infra.kafka.definition_tail import DefinitionTail
from infra.kafka.log_writer import LogWriter
from infra.kafka.names import DELIVERY_GROUP, TRIGGERS
from infra.metrics import WORKER_READY
from infra.playbook.latest_playbook import LatestPlaybook
from infra.redis.connecting import redis_client
from infra.redis.profile_reader import ProfileReader
from infra.settings import Settings
from streams.codec.codec import UNREADABLE
from streams.playbook.compiled import CompiledPlaybook

log = structlog.get_logger()


class _Decided(msgspec.Struct, gc=False):
    playbook: str = ""


_decoder = msgspec.json.Decoder(_Decided)


def delivery_app(settings: Settings, playbook: CompiledPlaybook) -> faust.App:
    """The Faust app of the delivery worker; without an endpoint it only keeps its place."""
    redis = redis_client(settings)
    writer = LogWriter(settings)
    tail = DefinitionTail(settings)
    latest = LatestPlaybook(tail, playbook)
    schedule = DeliverySchedule(redis, settings)
    dispatcher = DeliveryDispatcher(
        settings,
        lambda: latest().source,
        ProfileReader(redis, settings.partitions),
        CallList(redis),
        os.environ,
    )
    worker = DeliveryWorker(
        schedule,
        EndpointStates(redis),
        dispatcher,
        Outbox(schedule, writer),
        settings.delivery_pauses,
    )
    running: list[asyncio.Task[None]] = []

    async def take_over(places: dict[Place, int]) -> dict[Place, int]:
        """Resumes at the group's committed offsets, and with the due deliveries of these
        partitions."""
        if not running:
            running.append(asyncio.create_task(worker.run()))
            running[0].add_done_callback(check)
            await writer.start()
            await tail.start()
        worker.partitions = tuple(sorted(partition for _, partition in places))
        WORKER_READY.set(1)
        return {}

    def check(task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("delivery failed, the worker stops", problem=repr(problem))
            app.loop.create_task(app.crash(problem))

    app = faust_app(settings, DELIVERY_GROUP, take_over)
    kafka_topic = app.topic(TRIGGERS, value_serializer="raw", key_serializer="raw")

    @app.agent(kafka_topic, name="delivery")  # type: ignore[untyped-decorator]  # Faust is untyped
    async def delivery(stream: Any) -> None:
        async for record in stream.noack().events():
            # Its endpoint may belong to a playbook adopted a moment ago.
            await latest.until_known(_decided_by(record.value or b""))
            await worker.hand_over(record)

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def stop(_app: faust.App, **_options: Any) -> None:
        await worker.stop()
        await tail.stop()
        await writer.stop()
        await dispatcher.close()
        await redis.aclose()

    return app


def _decided_by(value: bytes) -> str:
    """The version of the playbook that decided a trigger."""
    try:
        return _decoder.decode(value).playbook
    except UNREADABLE:
        return ""
