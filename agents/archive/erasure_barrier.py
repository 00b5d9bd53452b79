"""Erasures on their way into the archive: rows of erased customers go, and late ones never come.

An `erase` event is met in the order of the log: what came before it is deleted first, then the
block that holds it is inserted without what happened before. Broken off in between, it is read and
done again. The other Kafka topics go their own pace, so whoever inserts there looks afterwards
whether an erasure was met meanwhile.
"""

from collections.abc import Iterable
from typing import Protocol

from infra.clickhouse.retrying_inserter import RetryingInserter
from infra.clock import now_ms
from infra.privacy.archived_rows import erase_rows, erased_ids
from streams.privacy.erasure import Erasure, Tombstones

DAY_MS = 86_400_000


class Erasing:
    """The erasures that one archive worker knows of."""

    def __init__(self, inserter: RetryingInserter, remembered_days: int) -> None:
        """`remembered_days`: for how long what comes late is still kept out."""
        self._inserter = inserter
        self._remembered = remembered_days * DAY_MS
        self._met: list[Erasure] = []
        self._done = 0
        self.tombstones = Tombstones()

    async def load(self) -> None:
        """Reads the erasures that are archived, and carries those of the last day out again: a dead
        letter may have come after them. Waits while ClickHouse is unavailable."""
        now = now_ms()
        since = max(0, now - self._remembered)
        found = await self._inserter.asked(lambda ask: erased_ids(ask, since))
        for erasure in found:
            self.tombstones.add(erasure)
        await self.erase([erasure for erasure in found if erasure.at > now - DAY_MS])

    def meet(self, erasures: Iterable[Erasure]) -> None:
        """Takes in erasures of a block that is about to be inserted."""
        for erasure in erasures:
            self.tombstones.add(erasure)
            self._met.append(erasure)

    def met(self) -> int:
        """How many erasures were met so far."""
        return len(self._met)

    async def carry_out(self) -> None:
        """Deletes the rows that the erasures met since the last time ask for."""
        pending = self._met[self._done :]
        if pending:
            await self.erase(pending)
            self._done += len(pending)

    async def erase_since(self, met: int) -> None:
        """Deletes again what may have come in while erasures after the first `met` were met."""
        if len(self._met) > met:
            await self.erase(self._met[met:])

    async def erase(self, erasures: list[Erasure]) -> None:
        """Deletes the rows of these; waits while ClickHouse is unavailable."""
        await self._inserter.asked(lambda ask: erase_rows(ask, erasures))


class ErasureBarrier(Protocol):
    """What an insert does about erasures."""

    def begin(self) -> int:
        """Called before the rows are made; what it answers is given to `end`."""
        ...

    async def ready(self) -> None:
        """Called when the rows are made, before they are inserted."""
        ...

    async def end(self, begun: int) -> None:
        """Called when they are inserted."""
        ...


class EventsErasureBarrier:
    """Of the Kafka topic that erasures come on."""

    def __init__(self, erasing: Erasing) -> None:
        self._erasing = erasing

    def begin(self) -> int:
        return 0

    async def ready(self) -> None:
        await self._erasing.carry_out()

    async def end(self, begun: int) -> None:
        pass


class OtherErasureBarrier:
    """Of the other Kafka topics."""

    def __init__(self, erasing: Erasing) -> None:
        self._erasing = erasing

    def begin(self) -> int:
        return self._erasing.met()

    async def ready(self) -> None:
        pass

    async def end(self, begun: int) -> None:
        await self._erasing.erase_since(begun)
