"""Waits for ClickHouse instead of giving up, and says so once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from infra.clickhouse.failures import ClickHouseUnavailable
from infra.clickhouse.inserter import Inserter
from infra.metrics import DEPENDENCY_UP, ROWS_ARCHIVED

Result = TypeVar("Result")
Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]

FIRST_WAIT_S = 0.1
MAX_WAIT_S = 10.0


class RetryingInserter:
    """An `Inserter` for a worker's event loop: what ClickHouse cannot take now waits until it can.

    Calls block no other task; the caller keeps its messages until they return. They raise
    ClickHouseRefused, and asyncio.CancelledError where the worker stops meanwhile: what was under
    way may then be stored or not, and its token makes repeating it harmless.
    """

    def __init__(
        self,
        inserter: Inserter,
        *,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = MAX_WAIT_S,
    ) -> None:
        self._inserter = inserter
        self._first_wait_s = first_wait_s
        self._longest_wait_s = longest_wait_s
        self._away = False

    async def insert(self, table: str, columns: Sequence[list[Any]], token: str) -> None:
        """Inserts the block, however long ClickHouse is away; see `Inserter.insert`."""
        await self._until_up(lambda: self._inserter.insert(table, columns, token))
        ROWS_ARCHIVED.labels(table).inc(len(columns[0]))

    async def highest_offsets(self, table: str, log_id: str) -> dict[int, int]:
        """See `Inserter.highest_offsets`."""
        return await self._until_up(lambda: self._inserter.highest_offsets(table, log_id))

    async def asked(self, call: Callable[[Ask], Result]) -> Result:
        """What the call makes of the answers of ClickHouse; all of it again where it was away."""
        return await self._until_up(lambda: call(self._inserter.ask))

    async def migrate(self) -> list[str]:
        """Applies the migrations, see `infra.clickhouse.migrations.migrate`."""
        return await self._until_up(self._inserter.migrate)

    async def _until_up(self, call: Callable[[], Result]) -> Result:
        log = structlog.get_logger()
        wait = self._first_wait_s
        while True:
            try:
                result = await asyncio.to_thread(call)
            except ClickHouseUnavailable as problem:
                if not self._away:
                    self._away = True
                    log.warning("clickhouse_away", problem=str(problem))
                DEPENDENCY_UP.labels("clickhouse").set(0)
                await asyncio.sleep(wait)
                wait = min(wait * 2, self._longest_wait_s)
            else:
                if self._away:
                    self._away = False
                    log.info("clickhouse_back")
                DEPENDENCY_UP.labels("clickhouse").set(1)
                return result
