"""The fold: one profile and one event in, the profile after it and the effects out.

Facts (what happened) do not depend on the order of events; decisions (what to say about it) do,
and use only the times the events carry, so that a replay decides the same.
"""

from collections.abc import Mapping, Sequence

from schemas.decisions import Decisions
from schemas.effect import Dropped, Effect, Folded, Learn, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Profile, Stamped
from streams.consent import consent_of, write_consent
from streams.deadlines import arm, fold_timer
from streams.dialogues import MOST_DIALOGUES, advance, keep_liveliest
from streams.hot_profiles import HOT_RING, fold_in_summary, is_excess
from streams.lifecycle import lived
from streams.linking import fold_link, fold_merge, forward, link_events, names_owner
from streams.matching import Match, match_event
from streams.message_ids import holds, message_hash, remember
from streams.playbook import CompiledPlaybook
from streams.traits import write_traits
from streams.triggers.deciding import decide
from streams.triggers.offer_next import offer
from streams.triggers.stage_reached import goes_further, reached

_MESSAGES = frozenset({"timer", "link", "merge"})
"""Types of events that profiles send to profiles and deadlines to the log."""


def fold(
    profile: Profile | None, key: str, event: Event, book: CompiledPlaybook, models: Models
) -> Outcome:
    """What becomes of the profile `key` (None: not seen yet) and what is to be done.

    Never raises for what is in an event that `streams.codec` decoded; one that cannot be folded
    is `Dead`.
    """
    if profile is None:
        profile = Profile(key)
    kind = event.type
    if profile.forwarded_to is not None and kind != "link":
        if kind == "timer":
            return Dropped("forwarded")
        if kind != "merge" or event.properties.get("from") != profile.key:
            return forward(profile, event, profile.forwarded_to)
    hashed = message_hash(event.message_id)
    if len(profile.recent) >= HOT_RING and is_excess(profile, event):
        return fold_in_summary(profile, event, hashed)
    if holds(profile.recent, hashed):
        return Dropped("duplicate")
    if kind not in _MESSAGES:
        return _fold_happening(profile, event, hashed, book, models)
    if kind == "timer":
        return fold_timer(profile, event, hashed, book, models)
    if kind == "link":
        return fold_link(profile, event, hashed)
    return fold_merge(profile, event, hashed, book, models)


def _fold_happening(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Folded:
    effects: list[Effect] = []
    at = event.occurred_at
    matches, order = match_event(event, book.dispatch)
    dialogues = profile.dialogues
    quiet = profile.quiet_dialogues
    earlier: list[Dialogue | None] = []
    if matches:
        dialogues = dialogues.copy()
        for found in matches:
            before = dialogues.get(found.topic)
            earlier.append(before)
            dialogues[found.topic] = advance(before, found.stage, event.channel, at)
        if len(dialogues) > MOST_DIALOGUES:
            dialogues, given_up = keep_liveliest(dialogues)
            quiet += given_up
    traits, consent, identities = profile.traits, profile.consent, profile.identities
    if event.type == "identify":
        traits = write_traits(traits, event.properties, at, hashed)
    stated = consent_of(event)
    if stated:
        consent = write_consent(consent, stated, at, hashed)
    known = profile.known
    if event.user_id is not None and names_owner(profile, event):
        known = True
        linked = link_events(profile, event)
        if linked:
            identities = {**identities, **dict.fromkeys(linked, False)}
            effects += [Send(link) for link in linked.values()]
    lifecycle = lived(profile.lifecycle, event, order)
    decisions = profile.decisions
    if matches:
        about = (profile.key, consent, dialogues)
        decisions = _decide(about, decisions, matches, earlier, event, book, models, effects)
    if matches or order:
        decisions = arm(decisions, dialogues, lifecycle, matches, order, book, models, effects)
    folded = Profile(
        profile.key,
        traits,
        consent,
        identities,
        lifecycle,
        dialogues,
        quiet,
        remember(profile.recent, hashed, event.received_at),
        None,
        decisions,
        known,
        profile.hot,
    )
    return Folded(folded, effects)


def _decide(
    about: tuple[str, Mapping[str, Stamped], Mapping[str, Dialogue]],
    decisions: Decisions,
    matches: Sequence[Match],
    earlier: Sequence[Dialogue | None],
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Decisions:
    """The decisions with those on each match. `about` is the customer after the event: key,
    consent, dialogues; `earlier` are the matched dialogues before it."""
    key, consent, dialogues = about
    last_topic = decisions.last_topic
    for found, before in zip(matches, earlier, strict=True):
        topic = found.topic
        if before is None:
            effects.append(Learn(last_topic, topic))
        last_topic = topic
        ranks = book.ranks[found.place[0]]
        if not goes_further(before, found.stage, ranks):
            continue
        for rule in book.reached.get(found.place, ()):
            if rule.covers(topic):
                cause = reached(before, found, event, ranks)
                decisions, trigger = decide(key, consent, decisions, rule, cause)
                effects.append(trigger)
        for rule in book.offers.get(found.place, ()):
            if rule.covers(topic):
                offered = offer(dialogues, rule, found, event, models.transitions)
                if offered is not None:
                    decisions, trigger = decide(key, consent, decisions, rule, offered)
                    effects.append(trigger)
    if last_topic == decisions.last_topic:
        return decisions
    return Decisions(decisions.deadlines, decisions.fired, decisions.sent, last_topic)
