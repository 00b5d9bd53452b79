"""Facts: the catalogue of what an expression may ask about a customer."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from schemas.models import Models
from schemas.profile import Dialogue, Profile
from streams.models.churn import alive_at
from streams.models.tiers import tier_of
from streams.models.value import residual_value
from streams.playbook.topics import family
from streams.profile.dialogues import furthest_stage, last_at
from streams.profile.exits import stage_now

Group = Literal[
    "first", "identity", "traits", "consent", "purchases", "models", "topics", "stages",
    "complaints", "referrals", "dialogues", "visits", "time", "quiet", "relationship", "segments",
    "cause",
]  # fmt: skip
"""Which events can change a fact: so that an expression is looked at only when it could turn
(`streams.segments.changes` has the tests).

first: the first event. identity: an event that names the customer. traits, consent: an event that
states them. purchases: an order. models: an order, or newly learned parameters. topics: the first
event on a topic. stages: the first event at a stage of a topic. complaints, referrals: an event
about one. dialogues: any event with a topic. visits: every event. time: the first event of a day or
so, and the passing of a day. quiet: that, by topic. cause: only what fires a trigger has one.
"""

_DAY = 86_400_000

Ranks = Mapping[str, Mapping[str, int]]
"""Topic family -> stage -> rank from 0."""

Given = tuple[Profile, int, Ranks, Models]
"""The customer, now (milliseconds since 1970), the ranks of the ladders, the models."""


class Fact(msgspec.Struct, frozen=True):
    """Something an expression may ask."""

    description: str
    group: Group
    kind: str
    """As CEL calls it: bool, int, double, string, list, map."""
    example: Any
    """Tried by the check of a playbook; of the right kind."""
    read: Callable[[Given], Any] | None = None
    """The value, None where it is not known. No function: the cause of a trigger has it."""


def facts_of(
    names: Iterable[str],
    profile: Profile,
    now: int,
    ranks: Ranks,
    models: Models,
    cause: Mapping[str, Any] = {},
) -> dict[str, Any]:
    """Name -> value of the named facts at `now` (milliseconds since 1970), without those that are
    not known. `cause` holds what fires a trigger: topic, stage, channel, share, lift."""
    given = (profile, now, ranks, models)
    found = {}
    for name in names:
        read = FACTS[name].read
        value = cause.get(name) if read is None else read(given)
        if value is not None:
            found[name] = value
    return found


def _stated(stamped: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.value for name, one in stamped.items()}


def _spend(given: Given) -> float:
    return max(given[0].lifecycle.spend.values(), default=0) / 100


def _average_order(given: Given) -> float | None:
    life = given[0].lifecycle
    # Purchases are not counted per currency: over several, an average would be made up.
    if life.purchases <= 0 or len(life.spend) != 1:
        return None
    return next(iter(life.spend.values())) / 100 / life.purchases


def _days(since: int, now: int) -> int | None:
    return max(0, now - since) // _DAY if since else None


def _channels(given: Given) -> dict[str, int]:
    total: dict[str, int] = {}
    for dialogue in given[0].dialogues.values():
        for name, count in dialogue.channels.items():
            total[name] = total.get(name, 0) + count
    return total


def _furthest(given: Given) -> dict[str, str]:
    ranks = given[2]
    return {
        topic: furthest_stage(dialogue, ranks.get(family(topic), {}))
        for topic, dialogue in given[0].dialogues.items()
    }


def _dialogue(topic: str, dialogue: Dialogue, profile: Profile, ranks_of: Ranks) -> dict[str, Any]:
    ranks = ranks_of.get(family(topic), {})
    return {
        "stage": stage_now(dialogue, profile.exits, topic, ranks),
        "furthest": furthest_stage(dialogue, ranks),
        "events": sum(dialogue.channels.values()),
    }


def _complaints(given: Given, solved: bool) -> int:
    ranks = given[2].get("complaint", {})
    last = max(ranks, key=lambda stage: ranks[stage], default=None)
    standing = [
        stage_now(dialogue, given[0].exits, topic, ranks)
        for topic, dialogue in given[0].dialogues.items()
        if topic.startswith("complaint/")
    ]
    return sum((stage == last) is solved for stage in standing if stage)


def _residual_value(given: Given) -> float | None:
    found = residual_value(given[0].lifecycle, given[1], given[3].churn, given[3].value)
    return None if found is None else found.expected


def _referrals(given: Given) -> int:
    return sum(
        span.count
        for topic, dialogue in given[0].dialogues.items()
        for stage, span in dialogue.stages.items()
        if stage == "referred" or topic.startswith("referral/")
    )


FACTS: dict[str, Fact] = {
    "customer_id": Fact(
        "The customer's id.", "identity", "string", "u1", lambda given: given[0].key
    ),
    "known": Fact(
        "Whether an event named the customer: no longer an anonymous visitor.",
        "identity", "bool", True, lambda given: given[0].known,
    ),
    "traits": Fact(
        "What is stated about the customer: `traits.plan`, `traits[\"postal code\"]`.",
        "traits", "map", {}, lambda given: _stated(given[0].traits),
    ),
    "consent": Fact(
        "Channel, or `all`, to whether it may be used, as stated.",
        "consent", "map", {"all": True}, lambda given: _stated(given[0].consent),
    ),
    "purchases": Fact(
        "Orders so far.", "purchases", "int", 2, lambda given: given[0].lifecycle.purchases
    ),
    "spend": Fact(
        "Money spent, in whole units (9.99) of the currency most was spent in.",
        "purchases", "double", 99.5, _spend,
    ),
    "spend_in": Fact(
        "Money spent by currency: `spend_in.EUR`.",
        "purchases", "map", {"EUR": 99.5},
        lambda given: {name: sum_ / 100 for name, sum_ in given[0].lifecycle.spend.items()},
    ),
    "average_order": Fact(
        "Money of an order on average; known of who has bought, in one currency.",
        "purchases", "double", 49.75, _average_order,
    ),
    "topics": Fact(
        "The topics of all dialogues.",
        "topics", "list", ["product/shoes"], lambda given: list(given[0].dialogues),
    ),
    "furthest": Fact(
        "Topic to the furthest stage ever reached.",
        "stages", "map", {"product/shoes": "cart"}, _furthest,
    ),
    "dialogues": Fact(
        "Topic to `stage` (of the latest event; empty once every stage was left), `furthest` and "
        "`events` (how many).",
        "dialogues", "map",
        {"product/shoes": {"stage": "details", "furthest": "cart", "events": 3}},
        lambda given: {
            topic: _dialogue(topic, dialogue, given[0], given[2])
            for topic, dialogue in given[0].dialogues.items()
        },
    ),
    "channels": Fact(
        "Channel to events in dialogues on it.", "dialogues", "map", {"web": 3, "call": 1},
        _channels,
    ),
    "open_complaints": Fact(
        "Dialogues about a complaint that neither stand at the last stage of their ladder nor were "
        "withdrawn.",
        "complaints", "int", 1, lambda given: _complaints(given, solved=False),
    ),
    "solved_complaints": Fact(
        "Dialogues about a complaint that stand at the last stage.",
        "complaints", "int", 1, lambda given: _complaints(given, solved=True),
    ),
    "referrals": Fact(
        "Recommendations made: events on `referral/…` topics, and at stages called `referred`.",
        "referrals", "int", 1, _referrals,
    ),
    "events": Fact(
        "Events so far, with a topic or without.",
        "visits", "int", 12, lambda given: given[0].lifecycle.events,
    ),
    "hot": Fact(
        "Whether events came faster than a person makes them: a script, mostly.",
        "visits", "bool", False, lambda given: given[0].hot is not None,
    ),
    "days_known": Fact(
        "Whole days since the first event.",
        "time", "int", 40, lambda given: _days(given[0].lifecycle.first_seen, given[1]),
    ),
    "days_since_seen": Fact(
        "Whole days since the latest event.",
        "time", "int", 3, lambda given: _days(given[0].lifecycle.last_seen, given[1]),
    ),
    "days_since_purchase": Fact(
        "Whole days since the latest order; known of who has bought.",
        "time", "int", 20, lambda given: _days(given[0].lifecycle.last_purchase, given[1]),
    ),
    "days_quiet": Fact(
        "Topic to whole days since anything happened in its dialogue.",
        "quiet", "map", {"product/shoes": 3},
        lambda given: {
            topic: _days(last_at(dialogue), given[1])
            for topic, dialogue in given[0].dialogues.items()
        },
    ),
    "relationship": Fact(
        "The relationship stage: prospect, first purchase, regular, advocate, partner, dormant "
        "or blocked.",
        "relationship", "string", "regular",
        lambda given: given[0].decisions.relationship or "prospect",
    ),
    "segments": Fact(
        "The segments the customer is in.",
        "segments", "list", ["loyal"], lambda given: list(given[0].decisions.segments),
    ),
    "p_alive": Fact(
        "Probability, from 0 to 1, that the customer is still one; known of who has bought.",
        "models", "double", 0.8,
        lambda given: alive_at(given[0].lifecycle, given[1], given[3].churn),
    ),
    "residual_value": Fact(
        "Money still expected of the customer within the horizon of the model; known of who has "
        "bought.",
        "models", "double", 120.5, _residual_value,
    ),
    "tier": Fact(
        "`top`: one of the few who bring 80% of the money; `middle`: who bring it to 95%; `low`. "
        "Known once a hundred have bought.",
        "models", "string", "top",
        lambda given: tier_of(given[0].lifecycle.spend, given[3].learned),
    ),
    "topic": Fact("What the trigger is about.", "cause", "string", "product/shoes"),
    "stage": Fact("The stage that fired it.", "cause", "string", "cart"),
    "channel": Fact("Where it happened.", "cause", "string", "web"),
    "share": Fact(
        "offer.next: share of customers who went there from the same topic, from 0 to 1.",
        "cause", "double", 0.31,
    ),
    "lift": Fact("offer.next: that share over the average.", "cause", "double", 2.4),
}  # fmt: skip
"""Name -> fact, in the order of the manual."""
