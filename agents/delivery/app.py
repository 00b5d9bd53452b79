"""The delivery worker: triggers from the log to the webhook, in order, signed, retried.

First form: one endpoint, retried with growing pauses while the worker holds the trigger, and
given up after `MOST_ATTEMPTS`; a schedule that outlives the worker comes with the policy issue.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

import faust
import msgspec
import structlog

from agents.faust_app import Place, faust_app
from infra.kafka.names import DELIVERY_GROUP, TRIGGERS
from infra.metrics import DELIVERIES, WORKER_READY
from infra.settings import Settings
from infra.webhook import WebhookSender
from schemas.trigger import Trigger
from streams.codec import decode_trigger
from streams.playbook import CompiledPlaybook

PAUSES = (5.0, 300.0, 1800.0)
"""Seconds before the second, third and fourth attempt (Standard Webhooks' schedule begins so)."""

MOST_ATTEMPTS = len(PAUSES) + 1
MOST_SEEN = 10_000
AT_ONCE = 32
"""Deliveries under way together."""

log = structlog.get_logger()


def delivery_app(settings: Settings, book: CompiledPlaybook) -> faust.App:
    """The Faust app of the delivery worker; without an endpoint it only keeps its place."""
    worker = DeliveryWorker(settings)
    app = faust_app(settings, DELIVERY_GROUP, worker.take_over)
    kafka_topic = app.topic(TRIGGERS, value_serializer="raw", key_serializer="raw")

    @app.agent(kafka_topic, name="delivery")  # type: ignore[untyped-decorator]  # Faust is untyped
    async def delivery(stream: Any) -> None:
        async for record in stream.noack().events():
            await worker.hand_over(record)

    @app.on_before_shutdown.connect  # type: ignore[untyped-decorator]  # Faust is untyped
    async def stop(_app: faust.App, **_options: Any) -> None:
        await worker.stop()

    return app


class DeliveryWorker:
    """Delivers what fires; a trigger whose id it has delivered is not delivered again."""

    def __init__(self, settings: Settings) -> None:
        self._sender = WebhookSender(settings) if settings.webhook_url else None
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._records: dict[str, list[Any]] = {}
        """Trigger id -> the records that brought it, while its delivery is under way."""
        self._seen: dict[str, None] = {}

    async def take_over(self, places: dict[Place, int]) -> dict[Place, int]:
        """Goes on where Kafka says the group was."""
        WORKER_READY.set(1)
        return {}

    async def hand_over(self, record: Any) -> None:
        """Delivers the record's trigger, acknowledged when delivered or given up."""
        try:
            trigger = decode_trigger(record.value or b"")
        except msgspec.DecodeError:
            DELIVERIES.labels("unreadable").inc()
            record.ack()
            return
        if self._sender is None or trigger.decision != "fire" or trigger.id in self._seen:
            record.ack()
            return
        if trigger.id in self._records:
            # It came again after a rebalance; until it is delivered Kafka is not told.
            self._records[trigger.id].append(record)
            return
        await self._places.acquire()
        self._records[trigger.id] = [record]
        task = asyncio.create_task(self._deliver(self._sender, trigger))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def stop(self) -> None:
        """Stops; what is under way is not acknowledged and comes again."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._sender is not None:
            await self._sender.close()

    async def _deliver(self, sender: WebhookSender, trigger: Trigger) -> None:
        try:
            for pause in (*PAUSES, None):
                result = await sender.deliver(trigger, datetime.now(UTC))
                DELIVERIES.labels(result.verdict).inc()
                if result.verdict != "again" or pause is None:
                    break
                await asyncio.sleep(max(pause, result.retry_after))
            if result.verdict != "delivered":
                log.warning("trigger not delivered", id=trigger.id, detail=result.detail)
            self._remember(trigger.id)
            for record in self._records[trigger.id]:
                record.ack()
        finally:
            del self._records[trigger.id]
            self._places.release()

    def _remember(self, trigger_id: str) -> None:
        self._seen[trigger_id] = None
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
