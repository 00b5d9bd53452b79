"""The playbook as it is written: topics, stages and triggers of one business."""

from typing import Literal

import msgspec


class MatchRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened -> which topic and stage. Exactly one of `event`, `page`, `contact` is set."""

    topic: str
    """Template: `product/{category|product_id}` takes the first property that is there."""
    stage: str
    event: str | None = None
    """Exact name of a track event."""
    page: str | None = None
    """Path pattern: `/products/{product}`; a leading `**/` stands for any beginning."""
    contact: str | None = None
    """Code of a contact event, or `channel:CHANNEL` for every contact on it."""
    each: str | None = None
    """Property holding a list: the rule applies to every item of it."""
    order: bool = False
    """True: the event is a purchase and its `total` (else `revenue`, `value`) is money."""


class TriggerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to tell somebody about a customer."""

    name: str
    when: Literal["stage.reached", "stage.stalled", "churn.risk", "offer.next"]
    topic: str = "*"
    """Exact topic, or `family/*`, or `*`."""
    stages: tuple[str, ...] = ()
    after: str | None = None
    """stage.stalled: how long the customer may stay quiet (`30m`, `24h`, `7d`)."""
    expires: str | None = None
    """A decision later than this after its moment is suppressed."""
    cooldown: str | None = None
    """The least time between two of these for one customer."""
    p_alive: float = 0.5
    """churn.risk: fires when the probability falls below."""
    least_customers: int = 20
    """offer.next: stays silent until so many customers came from the same topic."""


class Playbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one YAML file."""

    version: int
    ladders: dict[str, tuple[str, ...]]
    """Topic family (the part before the first `/`) -> its stages, first to last."""
    match: tuple[MatchRule, ...]
    triggers: tuple[TriggerRule, ...] = ()
