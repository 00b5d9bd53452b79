"""The limit on `fold_failed` dead letters: beyond it a partition stops instead of losing a day.

One event that the fold cannot take is the event's matter: a dead letter, and the next one is
folded. Many of them are a fault of the fold: every further one would only have to be replayed.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

WINDOW = 1000
"""Latest events of a partition of which the share is taken."""


class FaultLimits(msgspec.Struct, frozen=True):
    """How many failures a partition takes before it stops."""

    in_a_row: int = 50
    share: float = 0.2
    """Of the latest `WINDOW` events."""


class FaultLimit:
    """The failures of one partition since it was taken over. Mutable; not for several threads."""

    def __init__(self, limits: FaultLimits) -> None:
        self._limits = limits
        self._seen = 0
        self._row = 0
        self._last = -1
        self._failed: deque[int] = deque()
        """Numbers of the failed ones among the latest `WINDOW` events."""

    def exceeded(self, events: int, failed: Iterable[int]) -> str | None:
        """Takes in a batch of `events`, of which those with the numbers `failed` (from 0,
        ascending) failed; the reason to stop, None where there is none."""
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
