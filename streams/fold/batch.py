"""Batch fold: events in order, their profiles and effects collected in one value."""

from collections import Counter
from collections.abc import Iterable

from schemas.effect import (
    ClearDeadline,
    Count,
    Dead,
    Dropped,
    Effect,
    Folded,
    Learn,
    Send,
    SetDeadline,
    Summarised,
)
from schemas.event import Event
from schemas.models import ChurnModels, Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.dead_letters.short_traceback import short_traceback
from streams.fold.fold import fold
from streams.models.increments import Increments
from streams.models.learned import Learned
from streams.playbook.compiled import CompiledPlaybook


class Batch:
    """Result of a batch: changed profiles and effects; a later one replaces an earlier one."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        """Profile key -> the profile after the batch, only those that changed."""
        self.triggers: list[Trigger] = []
        self.decided: dict[tuple[str, str], int] = {}
        """(type, decision) -> number of triggers."""
        self.sends: list[Event] = []
        self.deadlines: dict[tuple[str, str], int | None] = {}
        """(kind, profile key) -> due (milliseconds), None for one that was cleared."""
        self.counted: Increments = {}
        """Of the learned counts."""
        self.dead: list[tuple[Event, Dead]] = []
        self.failed: list[int] = []
        """Indexes, from 0, of the events on which the fold failed."""
        self.dropped: Counter[str] = Counter()
        self.folded = 0
        self.summarised = 0
        """Events of hot profiles, folded in summary."""

    @property
    def events(self) -> int:
        """Number of events so far."""
        return self.folded + self.dropped.total() + len(self.dead)

    def add(self, key: str, effects: Iterable[Effect], learned: Learned) -> None:
        """Adds the effects of one event on the profile `key`."""
        for effect in effects:
            # A chain of tests by type: `match` with class patterns costs several times as much.
            if type(effect) is Trigger:
                self.triggers.append(effect)
                decided = effect.type, effect.decision
                self.decided[decided] = self.decided.get(decided, 0) + 1
            elif type(effect) is Learn:
                learned.transitions.learn(
                    effect.previous, effect.topic, effect.at, effect.first, self.counted
                )
            elif type(effect) is SetDeadline:
                self.deadlines[effect.kind, key] = effect.at
            elif type(effect) is ClearDeadline:
                self.deadlines[effect.kind, key] = None
            elif type(effect) is Send:
                self.sends.append(effect.event)
            elif type(effect) is Count:
                learned.count(effect.kind, effect.field, effect.by, self.counted)
            elif type(effect) is Summarised:
                self.summarised += 1

    def forget_deadline(self, key: str, event: Event, profile: Profile | None) -> None:
        """Clears the deadline of a timer that its profile does not have pending (expired or
        merged); otherwise it would come due again and again."""
        kind = event.properties.get("kind")
        pending = profile.decisions.deadlines if profile is not None else {}
        if isinstance(kind, str) and kind not in pending:
            self.deadlines[kind, key] = None


def fold_batch(
    events: Iterable[tuple[str, Event]],
    profiles: dict[str, Profile],
    learned: Learned,
    playbook: CompiledPlaybook,
    churn: ChurnModels,
    into: Batch | None = None,
) -> Batch:
    """Folds (profile key, event) pairs in order over `profiles`, which is not changed.

    `into` is a batch that goes on: its profiles come first, and all that follows is added to it.

    `learned` grows as it goes, so that what is decided does not depend on where a batch
    happened to end.
    """
    batch = Batch() if into is None else into
    changed = batch.profiles
    models = Models(learned.transitions, churn.churn, churn.value, learned)
    folded = 0
    for key, event in events:
        before = changed.get(key) or profiles.get(key)
        try:
            outcome = fold(before, key, event, playbook, models)
        except Exception as problem:  # a fault of the fold, kept with its traceback
            batch.failed.append(batch.events + folded)
            outcome = Dead("fold_failed", short_traceback(problem))
        if type(outcome) is Folded:
            folded += 1
            if outcome.profile is not before:
                changed[key] = outcome.profile
            if outcome.effects:
                batch.add(key, outcome.effects, learned)
        elif type(outcome) is Dropped:
            batch.dropped[outcome.reason] += 1
            if event.type == "timer":
                batch.forget_deadline(key, event, before)
        elif type(outcome) is Dead:
            batch.dead.append((event, outcome))
    batch.folded += folded
    return batch
