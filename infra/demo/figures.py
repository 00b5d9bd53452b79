"""The figures of the live view, each from its cheapest exact source."""

import asyncio
from collections import deque
from typing import Any

import httpx
from clickhouse_driver.errors import Error as ClickHouseError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.clickhouse.connection import open_client
from infra.redis.connecting import redis_client
from infra.redis.keys import counts_key, deadlines_key, watermark_key
from infra.settings import Settings
from streams.models.learned import MAX_FIELDS

_ANSWER_SECONDS = 5.0
_METRIC = "daehwa_events_folded_total "


class Rate:
    """Per second, over the latest readings of a counter."""

    def __init__(self, readings: int = 6) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=readings)

    def read(self, at: float, count: int) -> None:
        """Adds a reading of the counter at `at` (seconds); a lower one is a restart."""
        if self._readings and count < self._readings[-1][1]:
            self._readings.clear()
        self._readings.append((at, count))

    @property
    def per_second(self) -> float:
        """0 until there are two readings."""
        if len(self._readings) < 2:
            return 0.0
        (began, first), (ended, last) = self._readings[0], self._readings[-1]
        return (last - first) / (ended - began) if ended > began else 0.0


class Figures:
    """Figures of the parts of the stack; None for a part that does not answer."""

    def __init__(self, settings: Settings, metrics_url: str) -> None:
        """`metrics_url`: metrics of the dialogue worker."""
        self.folded: int | None = None
        self.profiles: int | None = None
        self.archived: int | None = None
        self._metrics_url = metrics_url
        self._partitions = settings.partitions
        self._http = httpx.AsyncClient(timeout=_ANSWER_SECONDS)
        self._redis: Redis = redis_client(settings)
        self._clickhouse = open_client(settings, answer_seconds=_ANSWER_SECONDS)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()
        await self._redis.aclose()
        await asyncio.to_thread(self._clickhouse.disconnect)

    async def read_folded(self) -> None:
        """Asks the dialogue worker."""
        try:
            text = (await self._http.get(self._metrics_url)).text
        except httpx.HTTPError:
            self.folded = None
            return
        found = [line for line in text.splitlines() if line.startswith(_METRIC)]
        self.folded = int(float(found[0].removeprefix(_METRIC))) if found else None

    async def read_profiles(self) -> None:
        """Number of keys in Redis, less those that are no profiles."""
        others = [
            name
            for partition in range(self._partitions)
            for name in (
                watermark_key(partition),
                deadlines_key(partition),
                *(counts_key(partition, kind) for kind in MAX_FIELDS),
            )
        ]
        try:
            keys: Any = await self._redis.dbsize()
            self.profiles = keys - await self._redis.exists(*others)
        except (RedisError, OSError):
            self.profiles = None

    async def read_archived(self) -> None:
        """Number of archived events, from ClickHouse's metadata."""
        try:
            rows = await asyncio.to_thread(
                self._clickhouse.execute, "SELECT count() FROM daehwa.events_stored"
            )
        except (ClickHouseError, OSError, EOFError):
            self.archived = None
        else:
            self.archived = rows[0][0]
