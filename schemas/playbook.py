"""The playbook as it is written: topics, stages, segments, triggers and policy of one business."""

from typing import Literal

import msgspec


class MatchRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened -> which topic and stage. Exactly one of `event`, `page`, `contact` is set."""

    topic: str | None = None
    """Template: `product/{category|product_id}` takes the first property that is there. With
    `leaves` also `product/*`, every topic of the family. Needed with `stage` and `leaves`."""
    stage: str | None = None
    """The stage that the dialogue reaches."""
    leaves: tuple[str, ...] = ()
    """The stages that the dialogue leaves: the customer is no longer there, so nothing stalls."""
    event: str | None = None
    """Name of a track event, in any case, with blanks, underscores, hyphens or none."""
    also: tuple[str, ...] = ()
    """Other names of the same event or contact."""
    page: str | None = None
    """Path pattern: `/products/{product}`; a leading `**/` stands for any beginning."""
    contact: str | None = None
    """Code of a contact event, or `channel:CHANNEL` for every contact on it."""
    each: str | None = None
    """Property holding a list: the rule applies to every item of it."""
    order: bool | Literal["placed", "updated", "cancelled", "refunded"] = False
    """Step in the life of an order; true is `placed`. The order is known by `orders.id`, its money
    is `total` (else `revenue`, `value`, `subtotal`, prices of `products`)."""


class Orders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How orders are told apart."""

    id: tuple[str, ...] = ()
    """Properties that hold the id of an order, the first that is there counts; none: `order_id` and
    its usual spellings."""
    shops: dict[str, tuple[str, ...]] = {}
    """Shop -> sources that share its order numbers, such as a browser and a server. A source that
    is in none is a shop of its own."""


class Cap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many that fire in any stretch of time, for one customer."""

    at_most: int
    per: str
    """A duration such as `7d`."""


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Local time in which customers are left alone; may span midnight."""

    begin: str
    """`HH:MM`."""
    end: str
    zone: str = "UTC"
    """IANA zone of customers who did not say theirs (trait or context `timezone`)."""


class Then(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a trigger that fires goes."""

    channel: str | None = None
    """The channel on which the customer is spoken to: its consent, caps and quiet hours hold.
    None: only systems and staff are told."""
    endpoint: str | None = None
    """One of `endpoints`; None: the webhook of the settings."""
    template: str | None = None
    """One of `templates`."""


class TriggerRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to tell somebody about a customer."""

    name: str
    when: str  # the name of a trigger type in `streams.triggers.registry`
    topic: str = "*"
    """Exact topic, or `family/*`, or `*`."""
    stages: tuple[str, ...] = ()
    segment: str | None = None
    """segment.entered, segment.left: which one."""
    to: tuple[str, ...] = ()
    """lifecycle.changed: relationship stages entered; empty: any."""
    if_: str | None = msgspec.field(default=None, name="if")
    """CEL expression over the customer that has to hold as well."""
    then: Then = Then()
    after: str | None = None
    """stage.stalled, silence, complaint.overdue: how long (`30m`, `24h`, `7d`)."""
    expires: str | None = None
    """A decision later than this after its moment is suppressed."""
    cooldown: str | None = None
    """The least time between two of these for one customer."""
    cap: Cap | None = None
    quiet_hours: Literal["respect", "ignore"] = "respect"
    priority: int = 0
    """Of triggers on one channel caused by one event, only those of the highest fire."""
    campaign: str | None = None
    """One of `campaigns`."""
    by: Literal["purchases", "visits"] = "purchases"
    """churn.risk: which rhythm is looked at; with `stages` none, it fires when one is reached."""
    p_alive: float = 0.5
    """churn.risk by purchases: fires when the probability falls below."""
    chance: float = 0.02
    """churn.risk by visits: fires when so long a silence, or so few visits, would be less probable
    than this were nothing the matter."""
    least_days: int = 5
    """churn.risk by visits: of customers who came on so many days at least."""
    least_customers: int = 20
    """offer.next: stays silent until so many customers came from the same topic."""


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of customers by what is known of them."""

    if_: str = msgspec.field(name="if")
    """CEL expression over the customer."""
    describe: str = ""


class Relationship(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a relationship stage beyond `prospect` and `first purchase`. CEL, all of them."""

    regular: str = "purchases >= 2"
    advocate: str | None = None
    partner: str | None = None
    dormant: str | None = None
    """A duration without a sign of life, of somebody who has bought."""
    blocked: str | None = None
    """The exit rules: whoever they hold for is not spoken to."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is told. Secrets are named, never written here."""

    kind: Literal["webhook", "email", "slack", "call_list"]
    url: str | None = None
    """webhook."""
    secrets: tuple[str, ...] = ()
    """Environment variables beginning with `DAEHWA_SECRET_`: of a webhook the signing keys, newest
    first; of slack the URL."""
    sender: str | None = None
    """email: `Shop <shop@example.com>`."""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to the customer: Jinja2 in a sandbox over `trigger` and `customer`."""

    text: str
    subject: str = ""
    html: str = ""


class Campaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Triggers whose effect is measured together."""

    conversion: str
    """Topic, as in a trigger, on which the customer is hoped to come further."""
    stages: tuple[str, ...]
    """Any of these is a conversion."""
    within: str
    """How long after the exposure a conversion counts."""
    holdout: float = 0.1
    """Share of customers who would have been spoken to and are not, to compare with."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for every trigger that speaks to a customer."""

    caps: dict[str, Cap] = {}
    """Channel, or `all` -> cap over all its triggers."""
    quiet_hours: QuietHours | None = None
    one_offer_per: str | None = None
    """After an offer on a channel, no other offer for so long."""
    holdout: float = 0.0
    """Share of customers who are never spoken to, to measure everything together."""


class Playbook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one YAML file."""

    version: int
    ladders: dict[str, tuple[str, ...]]
    """Topic family (the part before the first `/`) -> its stages, first to last."""
    match: tuple[MatchRule, ...]
    items: dict[str, tuple[str, ...]] = {}
    """Topic family -> properties that name one item (a product): whichever of them an event has,
    the item stays in the topic in which it was seen."""
    orders: Orders = Orders()
    region: str = ""
    """Country (ISO 3166) of telephone numbers in traits written without `+`, by which contacts join
    the customer who states the number."""
    url_encodings: tuple[str, ...] = ()
    """Encodings of page paths that are no UTF-8, the first that fits; of hosts under `.kr` CP949
    comes before."""
    segments: dict[str, Segment] = {}
    relationship: Relationship = Relationship()
    triggers: tuple[TriggerRule, ...] = ()
    policy: Policy = Policy()
    campaigns: dict[str, Campaign] = {}
    endpoints: dict[str, Endpoint] = {}
    templates: dict[str, Template] = {}
    complements: dict[str, tuple[str, ...]] = {}
    """Topic -> topics that go well with it, offered though nobody went there yet."""
