"""The folded state of one customer. One Redis value, msgpack, a few kilobytes at most.

The facts form a commutative monoid: whatever order events come in, and however they are split
over two profiles that are merged later, the facts are the same. `decisions` is the exception:
it remembers what was decided, in the order it was decided.

The law has three limits, because the profile is bounded:

* Beyond `streams.profile.dialogues.MAX_DIALOGUES` topics the same topics are kept whatever the
  order, each with its true last time, and no event is lost from the sum of the counts and
  `quiet_dialogues`; but a topic that was given up and came back counts from its return. So does
  one in `spoken`.
* Beyond `streams.orders.ledger.MAX_ORDERS` orders the earliest are settled: their money stays, but
  a later refund or copy of one no longer finds it.
* An item (a product) that is seen under two topics belongs to whichever the order of arrival says.
* Beyond `streams.identity.linking.MAX_IDENTITIES` ids, which ones are linked depends on the order.
* Beyond `streams.fold.hot_profiles.MAX_A_MINUTE` events a minute, which are only counted does,
  too.
"""

from typing import Any

import msgspec

from schemas.decisions import NO_DECISIONS, Decisions
from schemas.orders import Order, Purchases

# gc=False: what is frozen and built from the leaves up cannot be part of a reference cycle.


class Stamped(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A last-writer-wins value: the greater `(at, by)` stays."""

    value: Any
    at: int
    """Milliseconds since 1970."""
    by: int
    """64-bit hash of the message id that wrote it; breaks ties."""


class Statement(Stamped, frozen=True, gc=False, array_like=True):
    """A statement of consent: granted or refused, when, and who stated it."""

    source: str = ""
    """The site or system that the statement came by, or `operator:NAME`."""


class Span(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Number of occurrences with the first and last time (milliseconds since 1970)."""

    count: int
    first_at: int
    last_at: int


class Dialogue(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The folded history of one customer on one topic."""

    stages: dict[str, Span]
    channels: dict[str, int]
    """Channel -> number of events; "other" gathers those beyond the most that are kept."""


class Lifecycle(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Totals of the relationship. Time 0 means never."""

    first_seen: int = 0
    last_seen: int = 0
    events: int = 0
    purchases: int = 0
    first_purchase: int = 0
    last_purchase: int = 0
    spend: dict[str, int] = {}
    """Currency (ISO 4217, or "" where none was given) -> hundredths of its unit."""
    purchase_days: bytes = b""
    """The days with a purchase, see `streams.values.purchase_days`: several orders on one day are
    one."""
    active_day: int = 0
    """The latest active day, in days since 1970 (UTC)."""
    active_days: int = 0
    """Mask of active days among the 64 that end with it, see `streams.models.rhythm`."""


NEW_LIFECYCLE = Lifecycle()


class Profile(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The state of one customer, known or still anonymous."""

    key: str
    traits: dict[str, Stamped] = {}
    consent: dict[str, Statement] = {}
    """Channel or "all", or either with `:purpose` -> granted (bool)."""
    identities: dict[str, bool] = {}
    """Anonymous or previous id -> whether its profile has been merged into this one."""
    lifecycle: Lifecycle = NEW_LIFECYCLE
    dialogues: dict[str, Dialogue] = {}
    """Topic -> dialogue."""
    quiet_dialogues: int = 0
    """Events of evicted dialogues."""
    recent: bytes = b""
    """The most recently received message ids, see `streams.profile.message_ids`."""
    forwarded_to: str | None = None
    """The customer this profile was merged into; its events go there."""
    decisions: Decisions = NO_DECISIONS
    known: bool = False
    """An event named the key as its user id: a customer, no longer an anonymous visitor."""
    hot: Span | None = None
    """Events beyond a person's rate, folded in summary, see `streams.fold.hot_profiles`."""
    spoken: dict[str, Span] = {}
    """Topic -> delivered triggers, with or without a dialogue: deliveries and events may arrive in
    any order."""
    erased_at: int = 0
    """Time up to which the profile is erased, milliseconds since 1970: earlier events are dropped.
    It belongs to the key and is not merged. 0: never."""
    orders: dict[str, Order] = {}
    """Order key (`streams.orders.told`) -> order, the latest ones."""
    settled: Purchases | None = None
    """Purchases beside `orders`: those without an id, and orders evicted; None: there are none, or
    no `orders`, and then `lifecycle` says the same."""
    exits: dict[str, bytes] = {}
    """Topic, or `family/*` -> when its stages were left, see `streams.profile.exits`."""
    items: dict[str, bytes] = {}
    """Topic -> hashes of the items (products) that belong to it, see `streams.profile.items`."""
    claims: dict[str, int] = {}
    """Of an anonymous id: customer, beside the first -> when they last used it, milliseconds; see
    `streams.identity.fan_in`. They belong to the key and are not merged."""
