"""Effects of the fold, performed by the agent."""

import msgspec

from schemas.event import Event
from schemas.profile import Profile
from schemas.trigger import Trigger


class SetDeadline(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Append a timer event of this kind for this profile when `at` (milliseconds) has come."""

    kind: str
    at: int


class ClearDeadline(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The deadline of this kind came due and was evaluated."""

    kind: str


class Learn(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A customer with the topics `previous`, among others, began a dialogue on `topic`."""

    previous: tuple[str, ...]
    topic: str
    at: int
    """Milliseconds since 1970."""
    first: bool = False
    """Whether it is the first of all topics of the customer."""


class Count(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Increment `by` of `field` in the learned counts of this kind (`streams.models.learned`)."""

    kind: str
    field: str
    by: int = 1


class Send(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Append this event to the log; its key is the profile key."""

    event: Event


class Summarised(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The event was folded in summary: its profile is hot."""


Effect = SetDeadline | ClearDeadline | Learn | Count | Send | Trigger | Summarised


class Folded(msgspec.Struct, frozen=True, gc=False):
    """The event was folded."""

    profile: Profile
    effects: list[Effect]


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """The event changes nothing: a duplicate, or out of date."""

    reason: str


class Dead(msgspec.Struct, frozen=True, gc=False):
    """The event cannot be folded; `reason` is one of `DeadLetterReason`."""

    reason: str
    detail: str


Outcome = Folded | Dropped | Dead
