"""Events that keep coming while something happens to whoever reads them."""

import asyncio
from collections.abc import Sequence

from schemas.event import Event
from tests.harness.log import Log


class Flow:
    """Appends events piece by piece, each piece after a pause (seconds)."""

    def __init__(self, log: Log, events: Sequence[Event], *, piece: int, pause: float) -> None:
        self._log = log
        self._events = events
        self._piece = piece
        self._pause = pause
        self._at = 0
        self._next = asyncio.Event()
        self._flowing = asyncio.create_task(self._flow())

    @property
    def flowing(self) -> bool:
        """Whether there is more to come."""
        return not self._flowing.done()

    @property
    def part(self) -> float:
        """How much has been appended, 0 to 1."""
        return self._at / len(self._events)

    async def appended(self) -> None:
        """Returns when the next piece is appended."""
        await self._next.wait()

    async def done(self) -> None:
        """Returns when everything is appended."""
        await self._flowing

    async def finish(self) -> None:
        """Appends what is left at once."""
        self._pause = 0
        await self._flowing

    async def stop(self) -> None:
        """Appends nothing any more."""
        self._flowing.cancel()
        await asyncio.wait({self._flowing})

    async def _flow(self) -> None:
        while self._at < len(self._events):
            await self._log.append(self._events[self._at : self._at + self._piece])
            self._at += self._piece
            appended, self._next = self._next, asyncio.Event()
            appended.set()
            await asyncio.sleep(self._pause)
