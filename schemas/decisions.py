"""Memory of the decisions on one customer, for caps and deadlines."""

from typing import Any

import msgspec


class Sent(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A past decision, for views and caps."""

    id: str
    type: str
    rule: str
    at: int
    """Milliseconds since 1970, by the times in the events."""
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
    """An offer whose outcome is open."""

    topic: str
    at: int
    """Milliseconds since 1970."""
    segment: str
    """Segment under which its outcome is counted."""


class Decisions(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The memory of decisions, in their order."""

    deadlines: dict[str, int] = {}
    """Kind (name of a trigger rule) -> the pending deadline, milliseconds since 1970."""
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
    """The relationship stage last evaluated; empty: a prospect, or never evaluated."""
    spoken: dict[str, tuple[int, ...]] = {}
    """What caps count: `all`, a channel, `offer.next`, or `rule|NAME` -> when it lately fired or
    would have, but for a hold-out; oldest first."""
    waiting: tuple[Waiting, ...] = ()
    """Decisions that wait for the end of quiet hours, oldest first."""
    cases: dict[str, int] = {}
    """Topic of a complaint that was opened again -> since when, milliseconds since 1970."""

    offered: tuple[Offered, ...] = ()
    """Offers whose outcome is open, oldest first."""


NO_DECISIONS = Decisions()
