"""Inserter that retries while ClickHouse is unavailable, with one log line."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from infra.backoff import backoff
from infra.clickhouse.failures import ClickHouseUnavailable
from infra.clickhouse.inserter import Inserter
from infra.metrics import ROWS_ARCHIVED, ROWS_REPEATED, set_dependency_up

Result = TypeVar("Result")
Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]

log = structlog.get_logger()

FIRST_WAIT_S = 0.1
MAX_WAIT_S = 10.0


class Outage:
    """Whether ClickHouse is unavailable to a worker: said once in the log, and in a metric."""

    def __init__(self) -> None:
        self._lasts = False

    def began(self, problem: ClickHouseUnavailable) -> None:
        """A call has failed."""
        if not self._lasts:
            self._lasts = True
            log.warning("clickhouse unavailable, retrying", problem=str(problem))
        set_dependency_up("clickhouse", False)

    def over(self) -> None:
        """A call has succeeded."""
        if self._lasts:
            self._lasts = False
            log.info("clickhouse available again")
        set_dependency_up("clickhouse", True)


class RetryingInserter:
    """An `Inserter` for a worker's event loop that retries while ClickHouse is unavailable. Calls
    block no other task; the caller keeps its messages until they return. They raise
    ClickHouseRefused, and asyncio.CancelledError where the worker stops meanwhile: the block may
    then be stored or not, and its token makes a repetition harmless.
    """

    def __init__(
        self,
        inserter: Inserter,
        *,
        outage: Outage | None = None,
        first_wait_s: float = FIRST_WAIT_S,
        max_wait_s: float = MAX_WAIT_S,
    ) -> None:
        self._inserter = inserter
        self._first_wait_s = first_wait_s
        self._max_wait_s = max_wait_s
        self._outage = outage or Outage()
        self._owned: tuple[str, Collection[int], int] | None = None

    async def insert(self, table: str, columns: Sequence[list[Any]], token: str) -> None:
        """Inserts the block, however long ClickHouse is unavailable; see `Inserter.insert`. After a
        failure it may be stored, wholly or without its facts: those are completed before it is
        tried again."""
        tries = 0

        def insert() -> int:
            nonlocal tries
            tries += 1
            if tries > 1 and self._owned is not None:
                self._inserter.complete_facts(*self._owned)
            return self._inserter.insert(table, columns, token)

        new = await self._until_available(insert)
        ROWS_ARCHIVED.labels(table).inc(new)
        ROWS_REPEATED.labels(table).inc(len(columns[0]) - new)

    async def take_over(self, log_id: str, partitions: Collection[int], count: int) -> None:
        """This inserter owns these of `count` partitions of the events from now on. Completes their
        facts, see `Inserter.complete_facts`."""
        self._owned = owned = (log_id, partitions, count)
        await self._until_available(lambda: self._inserter.complete_facts(*owned))

    async def highest_offsets(self, table: str, log_id: str) -> dict[int, int]:
        """See `Inserter.highest_offsets`."""
        return await self._until_available(lambda: self._inserter.highest_offsets(table, log_id))

    async def asked(self, call: Callable[[Ask], Result]) -> Result:
        """The result of the call, repeated while ClickHouse is unavailable."""
        return await self._until_available(lambda: call(self._inserter.ask))

    async def migrate(self) -> list[str]:
        """Applies the migrations, see `infra.clickhouse.migrations.migrate`."""
        return await self._until_available(self._inserter.migrate)

    async def _until_available(self, call: Callable[[], Result]) -> Result:
        delays = backoff(self._first_wait_s, self._max_wait_s)
        while True:
            try:
                result = await asyncio.to_thread(call)
            except ClickHouseUnavailable as problem:
                self._outage.began(problem)
                await asyncio.sleep(next(delays))
            else:
                self._outage.over()
                return result
