"""The limit on `fold_failed` dead letters; beyond it a partition stops. One event that fails is a
poison event: it becomes a dead letter and the next one is folded. Many failures are a fault of the
fold, and every further dead letter would have to be replayed.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

WINDOW = 1000
"""Number of latest events over which the share of failures is computed."""


class FaultLimits(msgspec.Struct, frozen=True):
    """Failures at which a partition stops."""

    in_a_row: int = 50
    share: float = 0.2
    """Share of failures among the latest `WINDOW` events."""


class FaultLimit:
    """Failures of one partition since its assignment. Mutable; not thread-safe."""

    def __init__(self, limits: FaultLimits) -> None:
        self._limits = limits
        self._seen = 0
        self._row = 0
        self._last = -1
        self._failed: deque[int] = deque()
        """Numbers of the failed ones among the latest `WINDOW` events."""

    def exceeded(self, events: int, failed: Iterable[int]) -> str | None:
        """Adds a batch of `events` whose indexes `failed` (from 0, ascending) failed. Returns the
        reason to stop, or None."""
        most = max(1, int(self._limits.share * WINDOW))
        for number in failed:
            at = self._seen + number
            self._row = self._row + 1 if at == self._last + 1 else 1
            self._last = at
            if self._row >= self._limits.in_a_row:
                return f"{self._row} events in a row could not be folded"
            self._failed.append(at)
            while self._failed[0] <= at - WINDOW:
                self._failed.popleft()
            if len(self._failed) >= most:
                return f"{len(self._failed)} of the latest {WINDOW} events could not be folded"
        self._seen += events
        return None
