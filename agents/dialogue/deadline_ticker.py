"""Appends due deadlines to the log, as timer events.

A deadline leaves Redis only with the batch that folded its timer event, so a worker that dies in
between loses none; one appended twice is folded once, its message id being the same.
"""

import asyncio
from collections.abc import Callable, Iterable

from agents.dialogue.effects import EffectWriter
from infra.clock import now_ms
from infra.dependencies import retry_until_available
from infra.metrics import DEADLINES_DUE
from infra.redis.state_store import StateStore, is_unavailable
from streams.fold.timers import timer_event

TICK = 0.2
"""Polling interval, seconds."""

MAX_DUE = 500
"""Maximum of deadlines per partition and poll."""

APPEND_AGAIN = 30_000
"""Milliseconds after which a pending deadline is appended again."""


class DeadlineTicker:
    """Appends the due deadlines of the partitions of this worker."""

    def __init__(
        self, store: StateStore, effects: EffectWriter, owned: Callable[[], Iterable[int]]
    ) -> None:
        self._store = store
        self._effects = effects
        self._owned = owned
        self._appended: dict[tuple[str, str, int], int] = {}
        """(kind, profile key, due) -> when it was appended, milliseconds."""

    async def run(self) -> None:
        """Polls until cancelled; waits while Redis or Kafka is unavailable."""
        while True:
            for partition in list(self._owned()):
                await self._look(partition, now_ms())
            await asyncio.sleep(TICK)

    async def _look(self, partition: int, now: int) -> None:
        most = MAX_DUE + len(self._appended)
        due = await retry_until_available(
            "redis", lambda: self._store.due(partition, now, most), is_unavailable
        )
        fresh = [
            deadline
            for deadline in due
            if now - self._appended.get(deadline, -APPEND_AGAIN) >= APPEND_AGAIN
        ]
        if fresh:
            await self._effects.send([timer_event(key, kind, at, now) for kind, key, at in fresh])
            DEADLINES_DUE.inc(len(fresh))
            self._appended.update(dict.fromkeys(fresh, now))
        old = [name for name, at in self._appended.items() if now - at >= APPEND_AGAIN]
        for name in old:
            del self._appended[name]
