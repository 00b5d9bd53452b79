"""What the pure fold makes of the same events in memory: what everything else is compared with.

Two passes. `replay` folds the log as it lies, partition by partition: every byte a worker leaves
behind must be the same, decisions, deadlines and counts included, whoever died in between. `gather`
folds the distinct events in the order they happened, as if there were neither disorder nor copies
nor workers: every fact must be the same.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from infra.playbook.playbook_file import read_playbook
from infra.rebuilding.definitions import Definers
from infra.settings import SHIPPED_PLAYBOOK
from schemas.decisions import NO_DECISIONS
from schemas.effect import Folded, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.codec.codec import encode_profile
from streams.definitions.definitions import Definitions, adoption_of
from streams.fold.batch import fold_batch
from streams.fold.fold import fold
from streams.identity.profile_key import profile_key
from streams.models.learned import Learned
from streams.models.transitions import CountedTransitions


class Replayed:
    """What one partition's log comes to."""

    def __init__(self, log: Sequence[Event], known: Definitions | None = None) -> None:
        """`known` are the definitions that the log's control records speak of."""
        self.profiles: dict[str, Profile] = {}
        self.triggers: list[Trigger] = []
        self.sends: set[str] = set()
        """Message ids of what profiles sent to profiles."""
        self.learned = Learned()
        self.deadlines: dict[tuple[str, str], int] = {}
        definers = Definers(known or Definitions(), read_playbook(SHIPPED_PLAYBOOK))
        active = definers.first()
        for part in _cut(log):
            adoption = adoption_of(part[0])
            if adoption is not None:
                active = definers.after(active, adoption)
                continue
            keyed = [(profile_key(event) or "", event) for event in part]
            models = active.churn
            batch = fold_batch(
                keyed,
                self.profiles,
                self.learned,
                active.playbook,
                models,
            )
            assert not batch.dead
            self.profiles.update(batch.profiles)
            self.triggers += batch.triggers
            self.sends |= {event.message_id for event in batch.sends}
            for name, due in batch.deadlines.items():
                self.deadlines.pop(name, None)
                if due is not None:
                    self.deadlines[name] = due


def _cut(log: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Pieces of the log, a control record alone in its own."""
    begin = 0
    for at, event in enumerate(log):
        if event.type == "adopt" or at - begin >= 500:
            if at > begin:
                yield log[begin:at]
            begin = at
            if event.type == "adopt":
                yield log[at : at + 1]
                begin = at + 1
    if begin < len(log):
        yield log[begin:]


def gather(events: Iterable[Event]) -> dict[str, Profile]:
    """The profiles after the events in this order; what profiles send to profiles comes next."""
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    models = Models(CountedTransitions())
    profiles: dict[str, Profile] = {}
    for event in events:
        coming = deque([event])
        while coming:
            next_event = coming.popleft()
            key = profile_key(next_event) or ""
            outcome = fold(profiles.get(key), key, next_event, playbook, models)
            if isinstance(outcome, Folded):
                profiles[key] = outcome.profile
                coming.extend(e.event for e in outcome.effects if isinstance(e, Send))
    return profiles


def facts(profile: Profile) -> bytes:
    """The bytes of what must not depend on order: without the decisions, which belong to the
    order they were taken in, and the ring of message ids, which holds when they were received."""
    return encode_profile(replace(profile, decisions=NO_DECISIONS, recent=b""))
