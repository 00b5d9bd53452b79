"""Dry run: past events folded with a playbook that is not in force; no trigger is sent.

Profiles start empty and live in memory. Messages between profiles arrive at once, deadlines come
due when the next event was received.
"""

from collections import Counter, deque
from heapq import heappop, heappush

import msgspec

from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.fold.batch import fold_batch
from streams.fold.timers import timer_event
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned
from streams.playbook.compiled import CompiledPlaybook

MAX_EXAMPLES = 10


class RuleTally(msgspec.Struct):
    """Result of one trigger rule."""

    fired: int = 0
    customers: int = 0
    """Number of distinct customers for whom it fired."""
    suppressed: dict[str, int] = {}
    """Reason -> decisions."""


class Tally(msgspec.Struct):
    """Result of a playbook."""

    version: str
    fired: int
    customers: int
    """Number of distinct customers for whom any rule fired."""
    suppressed: dict[str, int]
    rules: dict[str, RuleTally]
    """Every rule of the playbook, also those that never fired."""
    examples: list[Trigger]
    """The latest that fired, latest first."""


class DryRun:
    """A playbook with the profiles of a dry run."""

    def __init__(self, playbook: CompiledPlaybook, models: ChurnModels) -> None:
        self._playbook = playbook
        self._models = models
        self._profiles: dict[str, Profile] = {}
        self._learned = Learned()
        self._due: dict[tuple[str, str], int] = {}
        self._coming_due: list[tuple[int, str, str]] = []
        self._told: dict[str, set[str]] = {name: set() for name in playbook.rules}
        self._fired: Counter[str] = Counter()
        self._suppressed: dict[str, Counter[str]] = {}
        self._latest: deque[Trigger] = deque(maxlen=MAX_EXAMPLES)

    def happen(self, event: Event) -> None:
        """Folds an event, after the deadlines that were due before its receipt."""
        self.pass_until(event.received_at)
        self._fold(event)

    def pass_until(self, at: int) -> None:
        """Advances the clock to `at` (milliseconds since 1970): deadlines up to it come due."""
        while self._coming_due and self._coming_due[0][0] <= at:
            due, kind, key = heappop(self._coming_due)
            if self._due.get((kind, key)) == due:
                del self._due[kind, key]
                self._fold(timer_event(key, kind, due, due))

    def tally(self) -> Tally:
        """The result so far."""
        suppressed: Counter[str] = Counter()
        for reasons in self._suppressed.values():
            suppressed += reasons
        return Tally(
            self._playbook.version,
            self._fired.total(),
            len(set().union(*self._told.values())),
            dict(suppressed),
            {
                rule: RuleTally(
                    self._fired[rule],
                    len(customers),
                    dict(self._suppressed.get(rule, {})),
                )
                for rule, customers in self._told.items()
            },
            list(reversed(self._latest)),
        )

    def _fold(self, event: Event) -> None:
        coming = deque([event])
        models = self._models
        while coming:
            one = coming.popleft()
            key = profile_key(one)
            if key is None:
                continue
            batch = fold_batch(
                [(key, one)], self._profiles, self._learned, self._playbook, models,
            )  # fmt: skip
            self._profiles.update(batch.profiles)
            coming.extend(batch.sends)
            for (kind, owner), due in batch.deadlines.items():
                if due is None:
                    self._due.pop((kind, owner), None)
                else:
                    self._due[kind, owner] = due
                    heappush(self._coming_due, (due, kind, owner))
            for trigger in batch.triggers:
                self._note(trigger)

    def _note(self, trigger: Trigger) -> None:
        if trigger.decision == "fire":
            self._fired[trigger.rule] += 1
            self._told.setdefault(trigger.rule, set()).add(trigger.customer_id)
            self._latest.append(trigger)
        else:
            reasons = self._suppressed.setdefault(trigger.rule, Counter())
            reasons[trigger.suppressed_by or "suppressed"] += 1
