"""The Faust app: raw bytes, manual acknowledgement, positions from the watermark."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from infra.kafka.client_internals import (
    set_fetch_wait,
    set_request_timeout,
    set_running_fetch_wait,
)
from infra.settings import Settings

REQUEST_SECONDS = 90.0
"""Request time-out of a worker's consumer."""

MAX_FETCHED_BYTES = 1024 * 1024
"""Compressed bytes of one partition per fetch; a larger record comes whole. Four times as much
fills the queue of one partition while the others starve."""

_PATIENCE_SECONDS = 10 * 365 * 86_400.0
"""Time-out of `positions`: it waits while a dependency is unavailable."""

IDLE_FACTOR = 5
"""An idle consumer's fetches wait so many times longer: a broker that answers an empty fetch at
once, as the embedded one nearly does, keeps two processes busy with nothing."""

MAX_IDLE_WAIT_MS = 500

Place = tuple[str, int]
"""(Kafka topic, partition)."""

Positions = Callable[[dict[Place, int]], Awaitable[dict[Place, int]]]
"""Assigned places with their committed offsets (0: none) -> the offsets to read from, where they
differ."""


def fetch_wait_ms(configured: int, *, idle: bool) -> int:
    """How long the broker may hold a fetch, milliseconds: as configured under traffic, longer for
    an idle consumer, whose next record then waits up to this long."""
    return max(configured, min(configured * IDLE_FACTOR, MAX_IDLE_WAIT_MS)) if idle else configured


def faust_app(settings: Settings, group: str, positions: Positions | None = None) -> faust.App:
    """A Faust app of a consumer group. No tables, no web server, no topics of its own.

    `positions` is asked at every assignment, before anything is read: the watermark written
    atomically with the state is authoritative, the group's committed offset may be behind it.
    """

    class FetchingThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust is untyped
        def _create_worker_consumer(self, transport: Any) -> Any:
            consumer = super()._create_worker_consumer(transport)
            set_fetch_wait(consumer, settings.fetch_wait_ms)
            set_request_timeout(consumer, int(REQUEST_SECONDS * 1000))
            return consumer

        async def _fetch_records(self, consumer: Any, *args: Any, **options: Any) -> Any:
            # Faust asks for one second: without a record in it the consumer is idle.
            records = await super()._fetch_records(consumer, *args, **options)
            wait = fetch_wait_ms(settings.fetch_wait_ms, idle=not records)
            set_running_fetch_wait(consumer, wait)
            return records

    class PositionedConsumer(Consumer):  # type: ignore[misc]  # Faust is untyped
        def _new_consumer_thread(self) -> Any:
            return FetchingThread(self, loop=self.loop, beacon=self.beacon)

        async def seek_to_committed(self) -> Mapping[TP, int]:
            committed = dict(await super().seek_to_committed())
            if positions is None:
                return committed
            assigned = {(tp.topic, tp.partition): tp for tp in self.assignment()}
            remembered = {place: committed.get(tp) or 0 for place, tp in assigned.items()}
            for place, offset in (await positions(remembered)).items():
                tp = assigned[place]
                if committed.get(tp) != offset:
                    await self._seek(tp, offset)
                    committed[tp] = offset
            return committed

    class PositionedTransport(Transport):  # type: ignore[misc]  # Faust is untyped
        Consumer = PositionedConsumer

    class PositionedApp(faust.App):  # type: ignore[misc]  # Faust is untyped
        def _new_transport(self) -> Any:
            return PositionedTransport(self.conf.broker_consumer, self)

    return PositionedApp(
        group,
        broker=[f"aiokafka://{server}" for server in settings.kafka_servers.split(",")],
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=max(0.5, settings.session_timeout_s / 3),
        broker_commit_interval=1.0,
        # Bounds the consumer's requests and `positions`: a worker without positions by then would
        # neither read nor end. Requests have a time-out of their own.
        broker_request_timeout=_PATIENCE_SECONDS,
        broker_max_poll_interval=600.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_FETCHED_BYTES,
        stream_buffer_maxsize=256,
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        datadir=tempfile.gettempdir(),
        value_serializer="raw",
        key_serializer="raw",
    )
