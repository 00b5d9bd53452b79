"""What the fold asks the outside world to do; one runner performs it."""

import msgspec

from schemas.event import Event
from schemas.profile import Profile
from schemas.trigger import Trigger


class SetDeadline(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Append a timer event of this kind for this profile when `at` (milliseconds) has come."""

    kind: str
    at: int


class ClearDeadline(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The deadline of this kind has come and was looked at."""

    kind: str


class Learn(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A customer who knows the topics `previous`, among others, began a dialogue on `topic`."""

    previous: tuple[str, ...]
    topic: str
    at: int
    """Milliseconds since 1970."""
    first: bool = False
    """Whether it is the first of all topics of the customer."""


class Count(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Something all customers teach: `field` of the counts of this kind (`streams.models.learned`)
    grows by `by`."""

    kind: str
    field: str
    by: int = 1


class Send(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Append this event to the log; its key says which profile it is for."""

    event: Event


class Summarised(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The event was only counted: its profile is hot."""


Effect = SetDeadline | ClearDeadline | Learn | Count | Send | Trigger | Summarised


class Folded(msgspec.Struct, frozen=True, gc=False):
    """The event is in the profile."""

    profile: Profile
    effects: list[Effect]


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """The event changes nothing: it is already in, or its time is over."""

    reason: str


class Dead(msgspec.Struct, frozen=True, gc=False):
    """The event cannot be folded; `reason` is one of `DeadLetterReason`."""

    reason: str
    detail: str


Outcome = Folded | Dropped | Dead
