"""Erasures in the archive: deletes the rows of erased customers and keeps late ones out. An `erase`
event is handled in the order of the log: earlier rows are deleted first, then its block is inserted
without events from before the erasure. After a crash in between, it is read and done again. Other
lanes and Kafka topics have their own pace: after an insert they check for erasures in the meantime.
"""

from collections.abc import Iterable
from typing import Protocol

from infra.clickhouse.retrying_inserter import RetryingInserter
from infra.clock import now_ms
from infra.privacy.archived_rows import erase_rows, erased_ids
from streams.privacy.erasure import Erasure, Tombstones

DAY_MS = 86_400_000


class Erasing:
    """The erasures known to one archive worker."""

    def __init__(self, inserter: RetryingInserter, remembered_days: int) -> None:
        """`remembered_days`: how long late rows are kept out."""
        self._inserter = inserter
        self._remembered = remembered_days * DAY_MS
        self._met: list[Erasure] = []
        self._done = 0
        self.tombstones = Tombstones()

    async def load(self) -> None:
        """Reads the archived erasures and repeats those of the last day: a dead letter may have
        come after them. Waits while ClickHouse is unavailable."""
        now = now_ms()
        since = max(0, now - self._remembered)
        found = await self._inserter.asked(lambda ask: erased_ids(ask, since))
        for erasure in found:
            self.tombstones.add(erasure)
        await self.erase([erasure for erasure in found if erasure.at > now - DAY_MS])

    def meet(self, erasures: Iterable[Erasure]) -> None:
        """Adds the erasures of a block that is about to be inserted."""
        for erasure in erasures:
            self.tombstones.add(erasure)
            self._met.append(erasure)

    def met(self) -> int:
        """Number of erasures so far."""
        return len(self._met)

    async def carry_out(self, met: int) -> None:
        """Deletes the rows of the first `met` erasures, without those of an earlier call."""
        pending = self._met[self._done : met]
        if pending:
            await self.erase(pending)
            self._done = max(self._done, met)

    async def erase_since(self, met: int) -> None:
        """Deletes again for the erasures after the first `met`, whose rows may have come in
        meanwhile."""
        if len(self._met) > met:
            await self.erase(self._met[met:])

    async def erase(self, erasures: list[Erasure]) -> None:
        """Deletes the rows of these; waits while ClickHouse is unavailable."""
        await self._inserter.asked(lambda ask: erase_rows(ask, erasures))


class ErasureBarrier(Protocol):
    """The erasure steps of an insert."""

    def met(self) -> int:
        """Number of erasures so far: asked before and after the rows are made."""
        ...

    async def ready(self, met: int) -> None:
        """Called before the insert, with the number after the rows were made."""
        ...

    async def end(self, met_before: int) -> None:
        """Called after the insert, with the number before the rows were made."""
        ...


class OtherErasureBarrier:
    """The barrier of a Kafka topic without `erase` events."""

    def __init__(self, erasing: Erasing) -> None:
        self._erasing = erasing

    def met(self) -> int:
        return self._erasing.met()

    async def ready(self, met: int) -> None:
        pass

    async def end(self, met_before: int) -> None:
        await self._erasing.erase_since(met_before)


class EventsErasureBarrier(OtherErasureBarrier):
    """The barrier of the Kafka topic with `erase` events."""

    async def ready(self, met: int) -> None:
        await self._erasing.carry_out(met)
