"""Erasure: removes all data of a customer up to a moment; late events from before it are dropped.
An `erase` event on the log requests it. The profile becomes a tombstone (its key and `erased_at`),
and asks every profile that was merged into it to do the same; one that was merged into another
passes the request on. A profile erased up to that moment does nothing, so the requests end. A
visitor whose merge is under way gets the request when it arrives.

Laws: erasing and then folding an earlier event is folding it and then erasing; erasing twice is
erasing up to the later moment; an event that happened after the erasure begins a new profile.
"""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.effect import ClearDeadline, Dropped, Effect, Folded, Send
from schemas.event import Event
from schemas.profile import Profile
from streams.models.tiers import move

LATE = "erased"
"""Reason of events dropped because they happened before the erasure."""


class Erasure(msgspec.Struct, frozen=True):
    """An id of which everything up to `at` (milliseconds) is erased."""

    key: str
    at: int


def erase_event(key: str, at: int) -> Event:
    """The event that erases the profile `key` up to `at` (milliseconds). It names no other id: it
    stays in the archive and must not reveal which ids were one person."""
    return Event(
        message_id=f"erase:{at}:{key}",
        type="erase",
        key=key,
        channel="daehwa",
        occurred_at=at,
        received_at=at,
    )


def fold_erase(profile: Profile, event: Event) -> Folded:
    """The tombstone, and the requests to the profiles that were merged into it and to the one it
    was merged into. Ids whose merge is only requested may belong to another person: they are
    left."""
    at = event.occurred_at
    others = {name for name, merged in profile.identities.items() if merged}
    if profile.forwarded_to is not None:
        others.add(profile.forwarded_to)
    effects: list[Effect] = [ClearDeadline(kind) for kind in profile.decisions.deadlines]
    effects += [Send(erase_event(other, at)) for other in sorted(others)]
    effects += move(profile.lifecycle.spend, {})
    return Folded(Profile(profile.key, erased_at=at), effects)


def fold_late(profile: Profile, event: Event) -> Folded | Dropped:
    """Drops an event from before the erasure; a merging visitor gets the request to erase."""
    other = event.properties.get("from") if event.type == "merge" else None
    if not isinstance(other, str) or other == profile.key:
        return Dropped(LATE)
    return Folded(profile, [Send(erase_event(other, profile.erased_at))])


def is_erased(profile: Profile, state: Profile) -> bool:
    """Whether a state to be merged covers erased time: it is refused whole, because a state cannot
    be split by time."""
    return 0 < state.lifecycle.first_seen <= profile.erased_at


def erased_in(before: Mapping[str, Profile], after: Mapping[str, Profile]) -> list[Erasure]:
    """The erasures of a batch; `before` and `after` are profiles by key."""
    found = []
    for key, profile in after.items():
        if profile.erased_at:
            earlier = before.get(key)
            if earlier is None or earlier.erased_at < profile.erased_at:
                found.append(Erasure(key, profile.erased_at))
    return found


def is_tombstone(profile: Profile) -> bool:
    """Whether the profile is a tombstone without later events."""
    return profile.erased_at > 0 and profile == Profile(profile.key, erased_at=profile.erased_at)


class Tombstones:
    """Erased ids with their times, for readers of the log without profiles."""

    def __init__(self, known: Iterable[Erasure] = ()) -> None:
        self._until: dict[str, int] = {}
        for erasure in known:
            self.add(erasure)

    def __bool__(self) -> bool:
        return bool(self._until)

    def add(self, erasure: Erasure) -> None:
        """Adds an erasure."""
        self._until[erasure.key] = max(erasure.at, self.until(erasure.key))

    def until(self, key: str | None) -> int:
        """Time (milliseconds) up to which the id is erased; 0: never erased."""
        return 0 if key is None else self._until.get(key, 0)
