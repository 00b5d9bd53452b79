"""Merge of two profiles of one customer: the monoid operation."""

from schemas.profile import Lifecycle, Profile, Span
from streams.consent.consent import merge_consent
from streams.fold.talk import join_topics
from streams.orders.ledger import Ledger, merge_ledgers
from streams.playbook.item_names import WIDTH
from streams.policy.memory import merge_decisions
from streams.profile.active_days import is_window, unite_active_days
from streams.profile.dialogues import keep_liveliest, merge_dialogues, merge_spans
from streams.profile.exits import are_exits, merge_exits
from streams.profile.items import merge_items, of_topics
from streams.profile.message_ids import is_ring, unite
from streams.profile.spoken import merge_spoken
from streams.profile.traits import merge_traits
from streams.values.purchase_days import are_days


def merge_profiles(one: Profile, other: Profile) -> Profile:
    """The profile that saw the events of both, under the key of `one`."""
    dialogues = dict(one.dialogues)
    for topic, dialogue in other.dialogues.items():
        mine = dialogues.get(topic)
        dialogues[topic] = dialogue if mine is None else merge_dialogues(mine, dialogue)
    items = merge_items(one.items, other.items)
    exits = merge_exits(one.exits, other.exits)
    if items or exits:
        dialogues, exits, items = join_topics(dialogues, exits, items)
    dialogues, given_up = keep_liveliest(dialogues)
    life = merge_lifecycles(one.lifecycle, other.lifecycle)
    orders, settled, life = merge_ledgers(_ledger(one), _ledger(other), life)
    identities = dict(one.identities)
    for name, merged in other.identities.items():
        identities[name] = merged or identities.get(name, False)
    identities.pop(one.key, None)
    return Profile(
        key=one.key,
        traits=merge_traits(one.traits, other.traits),
        consent=merge_consent(one.consent, other.consent),
        identities=identities,
        lifecycle=life,
        dialogues=dialogues,
        quiet_dialogues=one.quiet_dialogues + other.quiet_dialogues + given_up,
        recent=unite(one.recent, other.recent),
        forwarded_to=one.forwarded_to,
        decisions=merge_decisions(one.decisions, other.decisions, dialogues),
        known=one.known or other.known,
        hot=_merge_hot(one.hot, other.hot),
        spoken=merge_spoken(one.spoken, other.spoken) if other.spoken else one.spoken,
        erased_at=one.erased_at,
        orders=orders,
        settled=settled,
        exits=exits,
        items=of_topics(items, {*dialogues, *exits}),
        claims=one.claims,
    )


def _ledger(profile: Profile) -> Ledger:
    return profile.orders, profile.settled, profile.lifecycle


def is_sound(profile: Profile) -> bool:
    """Whether a profile from a message is valid: whole ring and days, no empty dialogue."""
    return (
        is_ring(profile.recent)
        and are_days(profile.lifecycle.purchase_days)
        and is_window(profile.lifecycle)
        and all(d.stages for d in profile.dialogues.values())
        and (profile.settled is None or are_days(profile.settled.purchase_days))
        and all(len(held) % WIDTH == 0 for held in profile.items.values())
        and are_exits(profile.exits)
    )


def merge_lifecycles(one: Lifecycle, other: Lifecycle) -> Lifecycle:
    """Counts add; days unite; firsts take the minimum, lasts the maximum; 0 is no time. Without
    purchases: `streams.orders.ledger.merge_ledgers` adds them."""
    active_day, active_days = unite_active_days(
        one.active_day, one.active_days, other.active_day, other.active_days
    )
    return Lifecycle(
        first_seen=_earlier(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        events=one.events + other.events,
        active_day=active_day,
        active_days=active_days,
    )


def _merge_hot(one: Span | None, other: Span | None) -> Span | None:
    return merge_spans(one, other) if one and other else one or other


def _earlier(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
