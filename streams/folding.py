"""The fold: one profile and one event in, the profile after it and the effects out.

Facts (what happened) do not depend on the order of events; decisions (what to say about it) do,
and use only the times the events carry, so that a replay decides the same.
"""

from msgspec.structs import replace

from schemas.effect import Dead, Dropped, Effect, Folded, Learn, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Lifecycle, Profile
from streams.consent import consent_of
from streams.deadlines import arm, fold_timer
from streams.dialogues import advance, keep_liveliest
from streams.linking import fold_link, fold_merge, link_events
from streams.matching import Match, match_event
from streams.message_ids import holds, message_hash, remember
from streams.money import order_value
from streams.playbook import CompiledPlaybook
from streams.topics import family
from streams.traits import write_traits
from streams.triggers.deciding import decide
from streams.triggers.offer_next import offer
from streams.triggers.stage_reached import goes_further, reached

MOST_HOPS = 8
"""Forwards of one event; more means that merged profiles point at each other."""


def fold(
    profile: Profile | None, key: str, event: Event, book: CompiledPlaybook, models: Models
) -> Outcome:
    """What becomes of the profile `key` (None: not seen yet) and what is to be done.

    Never raises for what is in the event; an event that cannot be folded is `Dead`.
    """
    if profile is None:
        profile = Profile(key=key)
    if profile.forwarded_to is not None and event.type != "link":
        if event.type == "timer":
            return Dropped("forwarded")
        if event.hops >= MOST_HOPS:
            return Dead("forward_loop", f"forwarded {event.hops} times, last by {key!r}")
        return Folded(profile, [Send(forwarded(event, profile.forwarded_to))])
    hashed = message_hash(event.message_id)
    if holds(profile.recent, hashed):
        return Dropped("duplicate")
    match event.type:
        case "timer":
            return fold_timer(profile, event, hashed, book, models)
        case "link":
            return fold_link(profile, event, hashed)
        case "merge":
            return fold_merge(profile, event, hashed, book, models)
        case _:
            return _fold_happening(profile, event, hashed, book, models)


def forwarded(event: Event, to: str) -> Event:
    """The same event, addressed to the profile that this one was merged into."""
    return replace(event, key=to, hops=event.hops + 1)


def _fold_happening(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Folded:
    matches, order = match_event(event, book.dispatch)
    effects: list[Effect] = []
    at = event.occurred_at
    before = profile.dialogues
    dialogues = before
    given_up = 0
    if matches:
        dialogues = dict(before)
        for found in matches:
            dialogues[found.topic] = advance(
                dialogues.get(found.topic), found.stage, event.channel, at
            )
        dialogues, given_up = keep_liveliest(dialogues)
    traits = profile.traits
    consent = profile.consent
    if event.type == "identify":
        traits = write_traits(traits, event.properties, at, hashed)
    stated = consent_of(event)
    if stated:
        consent = write_traits(consent, stated, at, hashed)
    identities = profile.identities
    linked = link_events(profile, event)
    if linked:
        identities = {**identities, **dict.fromkeys(linked, False)}
        effects += [Send(link) for link in linked.values()]
    folded = Profile(
        profile.key,
        traits,
        consent,
        identities,
        _lived(profile.lifecycle, event, order),
        dialogues,
        profile.quiet_dialogues + given_up,
        remember(profile.recent, hashed, event.received_at),
        None,
        profile.decisions,
    )
    if matches:
        folded = _decide(folded, profile, matches, event, book, models, effects)
    if matches or order:
        folded = arm(folded, matches, order, book, models, effects)
    return Folded(folded, effects)


def _decide(
    folded: Profile,
    before: Profile,
    matches: list[Match],
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Profile:
    decisions = folded.decisions
    last_topic = decisions.last_topic
    for found in matches:
        topic, stage = found.topic, found.stage
        earlier = before.dialogues.get(topic)
        if earlier is None:
            effects.append(Learn(last_topic, topic))
        last_topic = topic
        if earlier is not None and not goes_further(earlier, topic, stage, book):
            continue
        place = (family(topic), stage)
        for rule in book.reached.get(place, ()):
            if rule.covers(topic):
                decisions, trigger = decide(
                    folded, rule, reached(earlier, topic, stage, event, book)
                )
                folded = replace(folded, decisions=decisions)
                effects.append(trigger)
        for rule in book.offers.get(place, ()):
            if rule.covers(topic):
                cause = offer(folded, rule, topic, stage, event, models.transitions)
                if cause is not None:
                    decisions, trigger = decide(folded, rule, cause)
                    folded = replace(folded, decisions=decisions)
                    effects.append(trigger)
    if last_topic != decisions.last_topic:
        folded = replace(folded, decisions=replace(decisions, last_topic=last_topic))
    return folded


def _lived(life: Lifecycle, event: Event, order: bool) -> Lifecycle:
    at = event.occurred_at
    first = life.first_seen
    purchases, first_purchase, last_purchase, spend = (
        life.purchases,
        life.first_purchase,
        life.last_purchase,
        life.spend,
    )
    if order:
        currency, amount = order_value(event.properties)
        purchases += 1
        first_purchase = min(first_purchase, at) if first_purchase else at
        last_purchase = max(last_purchase, at)
        if amount:
            spend = {**spend, currency: spend.get(currency, 0) + amount}
    return Lifecycle(
        at if not first or at < first else first,
        at if at > life.last_seen else life.last_seen,
        life.events + 1,
        purchases,
        first_purchase,
        last_purchase,
        spend,
    )
