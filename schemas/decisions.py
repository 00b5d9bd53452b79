"""What has been decided about one customer: caps, deadlines and sent triggers live on it."""

from typing import Any

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


class Waiting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A decision that waits for the end of the quiet hours. Times are milliseconds since 1970."""

    rule: str
    type: str
    cause: str
    until: int
    """When the quiet hours end."""
    occurred_at: int
    reason: str
    why: dict[str, Any]
    topic: str | None = None
    stage: str | None = None


class Offered(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An offer that was made and may yet be taken."""

    topic: str
    at: int
    """Milliseconds since 1970."""
    segment: str
    """Under which its outcome is counted."""


class Decisions(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The memory of decisions, in the order they were taken."""

    deadlines: dict[str, int] = {}
    """Kind (the trigger rule's name) -> the one instant pending, milliseconds since 1970."""
    fired: dict[str, int] = {}
    """Milliseconds since 1970, by `rule`: when it last fired (of rules with a cooldown);
    `rule|topic`: since when that lay which it spoke of; `rule|`: since when there was silence."""
    sent: tuple[Sent, ...] = ()
    """The latest decisions, oldest first."""
    last_topic: str | None = None
    """The topic of the latest stage change: where a transition starts."""
    segments: dict[str, int] = {}
    """Segment -> since when the customer is in it, milliseconds since 1970."""
    relationship: str = ""
    """The relationship stage last looked at; empty: a prospect, or never looked at."""
    spoken: dict[str, tuple[int, ...]] = {}
    """What caps count: `all`, a channel, `offer.next`, or `rule|NAME` -> when it lately fired or
    would have, but for a hold-out; oldest first."""
    waiting: tuple[Waiting, ...] = ()
    """What is decided again when the quiet hours end, oldest first."""
    cases: dict[str, int] = {}
    """Topic of a complaint that was opened again -> since when, milliseconds since 1970."""

    offered: tuple[Offered, ...] = ()
    """Offers whose outcome is open, oldest first."""


NO_DECISIONS = Decisions()
