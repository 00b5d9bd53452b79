"""The 360° view: everything known about one customer, as plain values a person can read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.decisions import Sent
from schemas.models import Models
from schemas.orders import Order
from schemas.profile import Dialogue, Profile, Span
from streams.models.offer_outcomes import KIND, outcomes
from streams.models.offers import OfferQuery, interests, next_topics
from streams.orders.ledger import orders_by_time
from streams.orders.order import is_purchase, refunded
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.topics import family
from streams.profile.dialogues import current_stage, first_at, furthest_stage, last_at
from streams.profile.exits import stages_in_force
from streams.segments.relationship import relationship_of
from streams.triggers.offer_next import figures, in_words, segment_of
from streams.views.value_view import churn_view, value_view

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def customer_view(
    profile: Profile, playbook: CompiledPlaybook, models: Models, now: int
) -> dict[str, Any]:
    """The customer at `now` (milliseconds since 1970), ready for JSON; `docs/reference/http.md`
    names every field. Times are ISO-8601 in UTC with milliseconds, money is decimal text per
    currency."""
    life = profile.lifecycle
    return {
        "customer_id": profile.key,
        "known": profile.known,
        "identities": [
            {"id": name, "merged": merged} for name, merged in sorted(profile.identities.items())
        ],
        "traits": {name: stamped.value for name, stamped in sorted(profile.traits.items())},
        "consent": {name: stamped.value for name, stamped in sorted(profile.consent.items())},
        "consent_stated": {
            name: {"granted": said.value, "at": instant(said.at), "source": said.source or None}
            for name, said in sorted(profile.consent.items())
        },
        "lifecycle": _lifecycle(profile, playbook, models, now),
        "dialogues": dialogues_view(profile, playbook),
        "segments": {
            name: instant(since) for name, since in sorted(profile.decisions.segments.items())
        },
        "hot": _span(profile.hot, "events"),
        "churn": churn_view(life, playbook, models, now, instant),
        "value": value_view(life, models, now, _money),
        "orders": [_order(key, order) for key, order in orders_by_time(profile.orders)],
        "next_offers": _next_offers(profile, playbook, models),
        "recent_triggers": [_decision(sent) for sent in reversed(profile.decisions.sent)],
        "deadlines": _deadlines(profile, playbook),
    }


def dialogues_view(profile: Profile, playbook: CompiledPlaybook) -> dict[str, Any]:
    """Topic -> its dialogue, the liveliest first."""
    ordered = sorted(profile.dialogues.items(), key=lambda item: (-last_at(item[1]), item[0]))
    return {
        topic: {
            **_dialogue(topic, dialogue, profile, playbook.ranks.get(family(topic), {})),
            "spoken": _span(profile.spoken.get(topic), "count"),
        }
        for topic, dialogue in ordered
    }


def instant(milliseconds: int) -> str | None:
    """`2026-01-31T12:00:00.000Z`; None for 0 (a time that has not come) and past the year 9999."""
    if not milliseconds:
        return None
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def decimal_text(hundredths: int) -> str:
    """`12.30` for 1230: exact, where a float would not be."""
    whole, rest = divmod(abs(hundredths), 100)
    return f"{'-' if hundredths < 0 else ''}{whole}.{rest:02}"


def _lifecycle(
    profile: Profile, playbook: CompiledPlaybook, models: Models, now: int
) -> dict[str, Any]:
    life = profile.lifecycle
    return {
        "stage": relationship_of(profile, now, playbook, models),
        "first_seen": instant(life.first_seen),
        "last_seen": instant(life.last_seen),
        "events": life.events,
        "quiet_events": profile.quiet_dialogues,
        "purchases": life.purchases,
        "first_purchase": instant(life.first_purchase),
        "last_purchase": instant(life.last_purchase),
        "spend": _money(life.spend),
    }


def _order(key: str, order: Order) -> dict[str, Any]:
    shop, _, order_id = key.rpartition("\x1f")
    given_back = refunded(order)
    return {
        "order_id": order_id,
        "shop": shop or None,
        "status": _status(order, given_back),
        "placed_at": instant(order.placed_at),
        "cancelled_at": instant(order.cancelled_at),
        "currency": order.currency or None,
        "total": decimal_text(order.amount),
        "refunded": decimal_text(given_back),
        "net": decimal_text(order.amount - given_back if is_purchase(order) else 0),
    }


def _status(order: Order, given_back: int) -> str:
    if order.cancelled_at:
        return "cancelled"
    if not order.placed_at:
        return "unknown"
    if order.refunds and given_back >= order.amount:
        return "refunded"
    return "partly_refunded" if given_back else "placed"


def _span(counted: Span | None, name: str) -> dict[str, Any] | None:
    if counted is None:
        return None
    return {
        name: counted.count,
        "first_at": instant(counted.first_at),
        "last_at": instant(counted.last_at),
    }


def _dialogue(
    topic: str, dialogue: Dialogue, profile: Profile, ranks: Mapping[str, int]
) -> dict[str, Any]:
    in_force = stages_in_force(dialogue, profile.exits, topic)
    reached = sorted(dialogue.stages, key=lambda stage: (ranks.get(stage, len(ranks)), stage))
    return {
        "stage": current_stage(in_force, ranks) if in_force else None,
        "furthest": furthest_stage(dialogue, ranks),
        "stages": {
            stage: {
                "count": dialogue.stages[stage].count,
                "first_at": instant(dialogue.stages[stage].first_at),
                "last_at": instant(dialogue.stages[stage].last_at),
                "left": stage not in in_force,
            }
            for stage in reached
        },
        "ladder": list(ranks),
        "channels": dict(sorted(dialogue.channels.items())),
        "events": sum(dialogue.channels.values()),
        "first_at": instant(first_at(dialogue)),
        "last_at": instant(last_at(dialogue)),
    }


def _money(amounts: Mapping[str, int]) -> dict[str, str]:
    return {currency: decimal_text(amount) for currency, amount in sorted(amounts.items())}


def _next_offers(
    profile: Profile, playbook: CompiledPlaybook, models: Models
) -> list[dict[str, Any]]:
    by_place = playbook.by_place.get("offer.next")
    if not profile.dialogues or not by_place:
        return []
    rules = {rule.name: rule for found in by_place.values() for rule in found}
    last = max(profile.dialogues, key=lambda topic: (last_at(profile.dialogues[topic]), topic))
    query = OfferQuery(
        last,
        interests(profile.dialogues, playbook.ranks),
        known=profile.dialogues,
        covers=lambda topic: any(rule.covers(topic) for rule in rules.values()),
        complements=playbook.complements.get(last, ()),
    )
    found = next_topics(query, models.transitions)
    counts, segment = models.learned.counts(KIND), segment_of(profile)
    offers = []
    for offered in found:
        shown, taken = outcomes(counts, offered.topic, segment)
        offers.append(
            {
                "topic": offered.topic,
                **figures(offered),
                "shown": shown,
                "taken": taken,
                "reason": in_words(offered),
            }
        )
    return offers


def _decision(sent: Sent) -> dict[str, Any]:
    return {
        "id": sent.id,
        "type": sent.type,
        "rule": sent.rule,
        "decided_at": instant(sent.at),
        "decision": "fire" if sent.fired else "suppressed",
        # Of a suppressed decision the profile remembers what held it back instead of its reason.
        "reason": sent.reason if sent.fired else None,
        "suppressed_by": None if sent.fired else sent.reason,
        "topic": sent.topic,
        "stage": sent.stage,
    }


def _deadlines(profile: Profile, playbook: CompiledPlaybook) -> list[dict[str, Any]]:
    pending = sorted(profile.decisions.deadlines.items(), key=lambda item: (item[1], item[0]))
    rules = playbook.rules
    return [
        {"rule": name, "when": rules[name].when if name in rules else None, "due": instant(due)}
        for name, due in pending
    ]
