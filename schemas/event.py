"""One event, as received."""

from typing import Annotated, Any, Literal

import msgspec

EventType = Literal[
    "track",
    "page",
    "screen",
    "identify",
    "alias",
    "group",
    "contact",
    "timer",
    "link",
    "merge",
    "adopt",
    "erase",
]

Direction = Literal["inbound", "outbound"]

Instant = Annotated[int, msgspec.Meta(ge=1, le=253_402_300_799_999)]
"""Milliseconds since 1970 (UTC), up to the end of the year 9999. 0 means never, so no event has it;
decoding refuses other values."""

Channel = Annotated[str, msgspec.Meta(max_length=64)]
"""Channel of an event: web, app, call, email, letter, store, order, delivery, chat…"""


class PageContext(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The page of an event."""

    path: str | None = None
    url: str | None = None


class Context(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The part of an event's context that the fold reads; the rest is not decoded."""

    page: PageContext | None = None
    consent: Any = None
    """Statement of a consent banner in any form; read by `streams.consent.consent`."""


NO_CONTEXT = Context()


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """An event as the fold reads it. Times are integer milliseconds since 1970 (UTC).

    `properties` holds a track or page event's properties, an identify event's traits,
    and the fields of internal events (`timer`, `link`, `merge`, `erase`).
    """

    message_id: str
    type: EventType
    occurred_at: Instant
    received_at: Instant
    user_id: str | None = None
    anonymous_id: str | None = None
    key: str | None = None
    """The profile this event belongs to, where it is neither `user_id` nor `anonymous_id`."""
    previous_id: str | None = None
    channel: Channel = "web"
    name: str | None = None
    direction: Direction | None = None
    operator: str | None = None
    outcome: str | None = None
    properties: dict[str, Any] = {}
    context: Context = NO_CONTEXT
    sent_at: Instant | None = None
    source: str = ""
    hops: int = 0
    """How often the event was forwarded from one profile to another."""


class Addressee(msgspec.Struct, frozen=True, gc=False):
    """The ids of an event; the rest is not decoded."""

    key: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None


class WireEvent(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The same event with `properties` and `context` as the JSON they came in: a passed-on event
    (collector to Kafka, Kafka to ClickHouse) is neither parsed nor changed."""

    message_id: str
    type: EventType
    occurred_at: Instant
    received_at: Instant
    user_id: str | None = None
    anonymous_id: str | None = None
    key: str | None = None
    previous_id: str | None = None
    channel: Channel = "web"
    name: str | None = None
    direction: Direction | None = None
    operator: str | None = None
    outcome: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    context: msgspec.Raw = msgspec.Raw(b"{}")
    sent_at: Instant | None = None
    source: str = ""
    hops: int = 0
    stated_at: Instant | None = None
    """When the sender says it happened, where that lay after its receipt."""
