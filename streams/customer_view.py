"""The 360° view: everything known about one customer, as plain values a person can read."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.decisions import Sent
from schemas.models import Models
from schemas.profile import Dialogue, Lifecycle, Profile, Span
from streams.churn import alive_at, churn_deadline
from streams.dialogues import current_stage, first_at, furthest_stage, last_at
from streams.offers import NextTopic, next_topics
from streams.playbook import CompiledPlaybook
from streams.topics import family

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def customer_view(
    profile: Profile, book: CompiledPlaybook, models: Models, now: int
) -> dict[str, Any]:
    """The customer at `now` (milliseconds since 1970), ready for JSON; `docs/http.md` names every
    field. Times are ISO-8601 in UTC with milliseconds, money is decimal text per currency."""
    life = profile.lifecycle
    return {
        "customer_id": profile.key,
        "known": profile.known,
        "identities": [
            {"id": name, "merged": merged} for name, merged in sorted(profile.identities.items())
        ],
        "traits": {name: stamped.value for name, stamped in sorted(profile.traits.items())},
        "consent": {name: stamped.value for name, stamped in sorted(profile.consent.items())},
        "lifecycle": _lifecycle(profile),
        "dialogues": dialogues_view(profile, book),
        "hot": _hot(profile.hot),
        "churn": _churn(life, book, models, now),
        "value": _value(life),
        "next_offers": _next_offers(profile, book, models),
        "recent_triggers": [_decision(sent) for sent in reversed(profile.decisions.sent)],
        "deadlines": _deadlines(profile, book),
    }


def dialogues_view(profile: Profile, book: CompiledPlaybook) -> dict[str, Any]:
    """Topic -> its dialogue, the liveliest first."""
    ordered = sorted(profile.dialogues.items(), key=lambda item: (-last_at(item[1]), item[0]))
    return {
        topic: _dialogue(dialogue, book.ranks.get(family(topic), {})) for topic, dialogue in ordered
    }


def relationship(life: Lifecycle) -> str:
    """How far the relationship has come: `prospect`, `first purchase` or `regular`."""
    if life.purchases <= 0:
        return "prospect"
    return "first purchase" if life.purchases == 1 else "regular"


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


def _lifecycle(profile: Profile) -> dict[str, Any]:
    life = profile.lifecycle
    return {
        "stage": relationship(life),
        "first_seen": instant(life.first_seen),
        "last_seen": instant(life.last_seen),
        "events": life.events,
        "quiet_events": profile.quiet_dialogues,
        "purchases": life.purchases,
        "first_purchase": instant(life.first_purchase),
        "last_purchase": instant(life.last_purchase),
        "spend": _money(life.spend),
    }


def _hot(counted: Span | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    return {
        "events": counted.count,
        "first_at": instant(counted.first_at),
        "last_at": instant(counted.last_at),
    }


def _dialogue(dialogue: Dialogue, ranks: Mapping[str, int]) -> dict[str, Any]:
    reached = sorted(dialogue.stages, key=lambda stage: (ranks.get(stage, len(ranks)), stage))
    return {
        "stage": current_stage(dialogue, ranks),
        "furthest": furthest_stage(dialogue, ranks),
        "stages": {
            stage: {
                "count": dialogue.stages[stage].count,
                "first_at": instant(dialogue.stages[stage].first_at),
                "last_at": instant(dialogue.stages[stage].last_at),
            }
            for stage in reached
        },
        "ladder": list(ranks),
        "channels": dict(sorted(dialogue.channels.items())),
        "events": sum(dialogue.channels.values()),
        "first_at": instant(first_at(dialogue)),
        "last_at": instant(last_at(dialogue)),
    }


def _churn(life: Lifecycle, book: CompiledPlaybook, models: Models, now: int) -> dict[str, Any]:
    alive = alive_at(life, now, models.churn)
    threshold = max((rule.p_alive for rule in book.churn), default=None)
    deadline = None
    if threshold is not None and life.purchases > 0:
        deadline = churn_deadline(life, threshold, models.churn)
    return {
        "p_alive": None if alive is None else round(alive, 4),
        "threshold": threshold,
        "deadline": instant(deadline or 0),
        "model": "fitted" if models.churn.fitted else "default",
    }


def _value(life: Lifecycle) -> dict[str, Any]:
    average = {}
    # Purchases are not counted per currency: over several, an average would be made up.
    if life.purchases > 0 and len(life.spend) == 1:
        average = {name: round(amount / life.purchases) for name, amount in life.spend.items()}
    return {
        "spend": _money(life.spend),
        "purchases": life.purchases,
        "average_order": _money(average),
    }


def _money(amounts: Mapping[str, int]) -> dict[str, str]:
    return {currency: decimal_text(amount) for currency, amount in sorted(amounts.items())}


def _next_offers(profile: Profile, book: CompiledPlaybook, models: Models) -> list[dict[str, Any]]:
    if not profile.dialogues or not book.offers:
        return []
    rules = {rule.name: rule for found in book.offers.values() for rule in found}
    last = max(profile.dialogues, key=lambda topic: (last_at(profile.dialogues[topic]), topic))
    found = next_topics(
        last,
        models.transitions,
        known=profile.dialogues,
        covers=lambda topic: any(rule.covers(topic) for rule in rules.values()),
    )
    return [
        {
            "topic": offer.topic,
            "share": round(offer.share, 4),
            "lift": round(offer.lift, 3),
            "seen": offer.seen,
            "of": offer.of,
            "reason": _offer_reason(last, offer),
        }
        for offer in found
    ]


def _offer_reason(last: str, offer: NextTopic) -> str:
    if not offer.seen:
        return f"popular: {offer.share:.0%} of all dialogues are about {offer.topic}"
    return f"after {last} {offer.share:.0%} go to {offer.topic}, {offer.lift:.1f} times the average"


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


def _deadlines(profile: Profile, book: CompiledPlaybook) -> list[dict[str, Any]]:
    pending = sorted(profile.decisions.deadlines.items(), key=lambda item: (item[1], item[0]))
    known = book.by_name
    return [
        {"rule": name, "when": known[name][0] if name in known else None, "due": instant(due)}
        for name, due in pending
    ]
