"""What has been decided about one customer: caps, deadlines and sent triggers live on it."""

import msgspec


class Sent(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A decision taken: enough to show it and to cap the next."""

    id: str
    type: str
    rule: str
    at: int
    """Milliseconds since 1970, by the time the events carry."""
    fired: bool
    reason: str
    topic: str | None = None
    stage: str | None = None


class Decisions(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The memory of decisions, in the order they were taken."""

    deadlines: dict[str, int] = {}
    """Kind (the trigger rule's name) -> the one instant pending, milliseconds since 1970."""
    fired: dict[str, int] = {}
    """`rule` or `rule|topic` -> when it last fired, milliseconds since 1970."""
    sent: tuple[Sent, ...] = ()
    """The latest decisions, oldest first."""
    last_topic: str | None = None
    """The topic of the latest stage change: where a transition starts."""
    segments: dict[str, int] = {}
    """Segment -> since when the customer is in it, milliseconds since 1970."""
    relationship: str = ""
    """The relationship stage last looked at; empty: not yet."""
    spoken: dict[str, tuple[int, ...]] = {}
    """What caps count: `all`, a channel, or `rule|NAME` -> when it lately fired, oldest first."""


NO_DECISIONS = Decisions()
