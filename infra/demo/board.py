"""Selection of triggers to show: few enough to read, and some of every kind."""

from collections import Counter, deque
from typing import Any

from infra.demo.people import is_simulated

MAX_SHOWN = 12
"""Maximum of triggers kept."""


class Board:
    """Counts every trigger and selects some to show, in bounded memory.

    A trigger is a dict as `GET /v1/triggers/stream` sends it.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Type -> how many have fired."""
        self.shown: deque[dict[str, Any]] = deque(maxlen=MAX_SHOWN)
        """The latest selected ones, newest first."""
        self._waiting: dict[str, dict[str, Any]] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._visitors: deque[dict[str, Any]] = deque(maxlen=MAX_SHOWN)

    def arrived(self, trigger: dict[str, Any]) -> None:
        """Adds a trigger; the newest of each rule is a candidate."""
        self.counts[trigger["type"]] += 1
        if is_simulated(trigger["customer_id"]):
            self._waiting[trigger["rule"]] = trigger
        else:
            self._visitors.append(trigger)

    def pick(self) -> dict[str, Any] | None:
        """The next trigger to show, None where nothing has fired since.

        Visitors of the demo shop come first; then the rule that has waited longest.
        """
        if self._visitors:
            picked = self._visitors.popleft()
        elif self._waiting:
            rule = min(self._waiting, key=lambda name: self._turns.get(name, -1))
            picked = self._waiting.pop(rule)
            self._turn += 1
            self._turns[rule] = self._turn
        else:
            return None
        self.shown.appendleft(picked)
        return picked
