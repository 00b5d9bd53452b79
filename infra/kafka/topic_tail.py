"""Tails a Kafka topic without a consumer group, across outages."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from infra.background import in_background
from infra.backoff import backoff
from infra.kafka.client_internals import close_connections

_FIRST_PAUSE_S = 0.1
_MAX_PAUSE_S = 2.0

_log = structlog.get_logger()


class TopicUnavailableError(Exception):
    """Kafka answers without the tailed topic."""


class TopicTail:
    """Tails in the background. It starts without Kafka and reconnects by itself."""

    def __init__(self, topic: str, follow: Callable[[], Awaitable[None]]) -> None:
        """`follow` reads `topic` until it fails; it reports `caught_up` and `lost`."""
        self._topic = topic
        self._follow = follow
        self._live = asyncio.Event()
        self._told = False
        self._delays = backoff(_FIRST_PAUSE_S, _MAX_PAUSE_S)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts tailing; returns at once, with or without Kafka."""
        if self._task is None:
            self._task = in_background(self._run(), f"tail of {self._topic}")

    async def stop(self) -> None:
        """Stops tailing. Never raises: the caller has more to close."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def caught_up(self) -> None:
        """Caught up with Kafka."""
        if self._told:
            _log.info("tailing again", kafka_topic=self._topic)
        self._told, self._delays = False, backoff(_FIRST_PAUSE_S, _MAX_PAUSE_S)
        self._live.set()

    def lost(self) -> None:
        """The connection is lost."""
        self._live.clear()

    @property
    def live(self) -> bool:
        """Whether it has caught up and receives new records as they are written."""
        return self._live.is_set()

    async def until_live(self) -> None:
        """Returns when it is `live`."""
        await self._live.wait()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, TimeoutError, TopicUnavailableError) as problem:
                if not self._told:
                    _log.warning(
                        "Kafka topic unavailable", kafka_topic=self._topic, problem=str(problem)
                    )
                    self._told = True
            await asyncio.sleep(next(self._delays))


async def close_consumer(consumer: Any) -> None:
    """Stops an aiokafka consumer and closes its connections."""
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping})
    if stopping.cancelled():
        # A fetcher that is closed while it waits to try again cancels the closing itself (aiokafka
        # 0.14), which then leaves the connections open.
        await close_connections(consumer)
    else:
        stopping.result()
