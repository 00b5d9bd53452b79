"""A batch of events folded in order, and everything it asks for in one value."""

from collections import Counter
from collections.abc import Iterable

from schemas.effect import ClearDeadline, Dead, Dropped, Folded, Learn, Send, SetDeadline
from schemas.event import Event
from schemas.models import BgNbd, Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.folding import fold
from streams.playbook import CompiledPlaybook
from streams.transitions import CountedTransitions


class Batch:
    """What a batch came to: the changed profiles and the effects, later ones over earlier ones."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        """Profile key -> the profile after the batch, only those that changed."""
        self.triggers: list[Trigger] = []
        self.sends: list[Event] = []
        self.deadlines: dict[tuple[str, str], int | None] = {}
        """(kind, profile key) -> due (milliseconds), None for one that was cleared."""
        self.begun: Counter[str] = Counter()
        self.transitions: Counter[tuple[str, str]] = Counter()
        self.dead: list[tuple[Event, Dead]] = []
        self.dropped: Counter[str] = Counter()
        self.folded = 0


def fold_batch(
    events: Iterable[tuple[str, Event]],
    profiles: dict[str, Profile],
    transitions: CountedTransitions,
    book: CompiledPlaybook,
    churn: BgNbd,
) -> Batch:
    """Folds (profile key, event) pairs in order over `profiles`, which is not changed.

    `transitions` learns as it goes, so that what is decided does not depend on where a batch
    happened to end.
    """
    batch = Batch()
    changed = batch.profiles
    models = Models(transitions, churn)
    for key, event in events:
        before = changed.get(key) or profiles.get(key)
        outcome = fold(before, key, event, book, models)
        if type(outcome) is Folded:
            batch.folded += 1
            if outcome.profile is not before:
                changed[key] = outcome.profile
            for effect in outcome.effects:
                match effect:
                    case Trigger():
                        batch.triggers.append(effect)
                    case Learn(previous, topic):
                        if transitions.learn(previous, topic):
                            batch.begun[topic] += 1
                            if previous is not None and previous != topic:
                                batch.transitions[previous, topic] += 1
                    case SetDeadline(kind, at):
                        batch.deadlines[kind, key] = at
                    case ClearDeadline(kind):
                        batch.deadlines[kind, key] = None
                    case Send(sent):
                        batch.sends.append(sent)
        elif type(outcome) is Dropped:
            batch.dropped[outcome.reason] += 1
        elif type(outcome) is Dead:
            batch.dead.append((event, outcome))
    return batch
