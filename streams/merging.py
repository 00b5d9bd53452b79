"""Two profiles that turn out to be one customer."""

from schemas.decisions import Decisions
from schemas.profile import Lifecycle, Profile
from streams.dialogues import add_counts, keep_liveliest, merge_dialogues
from streams.message_ids import unite
from streams.traits import merge_traits

MOST_SENT = 5
"""Decisions remembered one by one."""


def merge_profiles(one: Profile, other: Profile) -> Profile:
    """The profile that saw the events of both, under the key of `one`."""
    dialogues = dict(one.dialogues)
    for topic, dialogue in other.dialogues.items():
        mine = dialogues.get(topic)
        dialogues[topic] = dialogue if mine is None else merge_dialogues(mine, dialogue)
    dialogues, given_up = keep_liveliest(dialogues)
    identities = dict(one.identities)
    for name, merged in other.identities.items():
        identities[name] = merged or identities.get(name, False)
    return Profile(
        key=one.key,
        traits=merge_traits(one.traits, other.traits),
        consent=merge_traits(one.consent, other.consent),
        identities=identities,
        lifecycle=merge_lifecycles(one.lifecycle, other.lifecycle),
        dialogues=dialogues,
        quiet_dialogues=one.quiet_dialogues + other.quiet_dialogues + given_up,
        recent=unite(one.recent, other.recent),
        forwarded_to=one.forwarded_to,
        decisions=merge_decisions(one.decisions, other.decisions),
    )


def merge_lifecycles(one: Lifecycle, other: Lifecycle) -> Lifecycle:
    """Counts and money add; firsts take the earlier, lasts the later; 0 is no time."""
    return Lifecycle(
        first_seen=_earlier(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        events=one.events + other.events,
        purchases=one.purchases + other.purchases,
        first_purchase=_earlier(one.first_purchase, other.first_purchase),
        last_purchase=max(one.last_purchase, other.last_purchase),
        spend=add_counts(one.spend, other.spend),
    )


def merge_decisions(one: Decisions, other: Decisions) -> Decisions:
    """What was decided for both; pending deadlines of `other` died with its profile."""
    fired = dict(one.fired)
    for name, at in other.fired.items():
        fired[name] = max(at, fired.get(name, 0))
    sent = {decision.id: decision for decision in (*other.sent, *one.sent)}
    latest = sorted(sent.values(), key=lambda decision: (decision.at, decision.id))
    return Decisions(
        deadlines=one.deadlines,
        fired=fired,
        sent=tuple(latest[-MOST_SENT:]),
        last_topic=one.last_topic or other.last_topic,
    )


def _earlier(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
