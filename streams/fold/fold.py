"""The fold: one profile and one event in, the profile after it and the effects out.

Facts (what happened) do not depend on the order of events; decisions (what to say about it) do,
and use only the times the events carry, so that a replay decides the same.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import Dropped, Effect, Folded, Learn, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Lifecycle, Profile
from streams.consent.consent import consent_of, source_of, write_consent
from streams.fold.deadlines import arm, arm_by_time, arm_rhythms, fold_timer, is_awaited
from streams.fold.hot_profiles import HOT_RING, fold_in_summary, is_excess
from streams.fold.linking import fold_link, fold_merge, forward, link_events, moved, names_owner
from streams.models.offer_outcomes import taken
from streams.models.offers import known_beside
from streams.models.tiers import move
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import Match, match_event
from streams.policy.decide import decide
from streams.privacy.erasure import LATE, fold_erase, fold_late, is_tombstone
from streams.profile.dialogues import MOST_DIALOGUES, advance, keep_liveliest
from streams.profile.lifecycle import lived
from streams.profile.message_ids import holds, message_hash, remember
from streams.profile.spoken import fold_spoken, is_ours
from streams.profile.traits import write_traits
from streams.segments.changes import changed_groups
from streams.segments.membership import look
from streams.triggers.candidate import Spark
from streams.triggers.churn_risk import announced, falls
from streams.triggers.offer_next import offer, rests
from streams.triggers.stage_reached import goes_further, reached

_MESSAGES = frozenset({"timer", "link", "merge", "erase"})
"""Types of events that profiles send to profiles and deadlines to the log."""


def fold(
    profile: Profile | None, key: str, event: Event, book: CompiledPlaybook, models: Models
) -> Outcome:
    """What becomes of the profile `key` (None: not seen yet) and what is to be done.

    Never raises for what is in an event that `streams.codec.codec` decoded; one that cannot be
    folded is `Dead`.
    """
    if profile is None:
        profile = Profile(key)
    kind = event.type
    if event.occurred_at <= profile.erased_at:
        return fold_late(profile, event)
    if profile.forwarded_to is not None and kind != "link":
        passed_on = _pass_on(profile, event, profile.forwarded_to)
        if passed_on is not None:
            return passed_on
    hashed = message_hash(event.message_id)
    if len(profile.recent) >= HOT_RING and is_excess(profile, event):
        return fold_in_summary(profile, event, hashed)
    if holds(profile.recent, hashed) and not (kind == "timer" and is_awaited(profile, event)):
        return Dropped("duplicate")
    if kind not in _MESSAGES:
        if kind == "contact" and is_ours(event):
            if is_tombstone(profile):  # what was said before, told of late
                return Dropped(LATE)
            return fold_spoken(profile, event, hashed)
        return _fold_happening(profile, event, hashed, book, models)
    if kind == "timer":
        return fold_timer(profile, event, hashed, book, models)
    if kind == "merge":
        return fold_merge(profile, event, hashed, book, models)
    return fold_link(profile, event, hashed) if kind == "link" else fold_erase(profile, event)


def _pass_on(profile: Profile, event: Event, to: str) -> Outcome | None:
    """What becomes of an event of a profile that was merged into another; None: it comes back."""
    kind = event.type
    if kind == "erase":
        return fold_erase(profile, event)
    if kind == "timer":
        return Dropped("forwarded")
    if kind == "merge" and event.properties.get("from") == profile.key:
        return None
    return forward(profile, event, to)


def _fold_happening(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Folded:
    effects: list[Effect] = moved(profile, event) if event.hops > 1 else []
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
        consent = write_consent(consent, stated, at, hashed, source_of(event))
    known = profile.known
    if event.user_id is not None and names_owner(profile, event):
        known = True
        linked = link_events(profile, event)
        if linked:
            identities = {**identities, **dict.fromkeys(linked, False)}
            effects += [Send(link) for link in linked.values()]
    lifecycle = lived(profile.lifecycle, event, order)
    decisions = profile.decisions
    sparks: list[Spark] = []
    if decisions.offered and matches:
        decisions = taken(decisions, matches, earlier, event.received_at, effects)
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
        profile.spoken,
        profile.erased_at,
    )
    waits = order
    if matches and _caused(
        folded, profile.dialogues, matches, earlier, event, book, models, sparks, effects
    ):
        waits = True
    if book.watched:
        now = event.received_at
        changed = changed_groups(book.watched, profile, folded, order, matches, earlier, now)
        if changed or decisions.relationship == "dormant":
            folded = _looked_at(folded, changed, event, book, models, sparks)
    past = profile.lifecycle
    decisions = _decided(past, folded, sparks, matches, order, waits, event, book, models, effects)
    if decisions is not folded.decisions:
        folded = replace(folded, decisions=decisions)
    return Folded(folded, effects)


def _looked_at(
    profile: Profile,
    changed: Sequence[str],
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    sparks: list[Spark],
) -> Profile:
    """The customer with the segments and the relationship after the event, which has `changed`
    these groups of facts; what that makes rules say is appended to `sparks`."""
    decisions = profile.decisions
    state = look(profile, event, changed, book, models)
    sparks += state.sparks
    return profile if state.decisions is decisions else replace(profile, decisions=state.decisions)


def _decided(
    before: Lifecycle,
    profile: Profile,
    sparks: list[Spark],
    matches: Sequence[Match],
    order: bool,
    waits: bool,
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Decisions:
    """The decisions on the `sparks` and the deadlines, after those in `profile`, which is the
    customer after the event; `before` is the lifecycle without it. `waits`: what happened may ask
    for a deadline."""
    life = profile.lifecycle
    visited = book.rhythms and life.active_day > before.active_day
    if visited:
        sparks += falls(before, life, event, book.rhythms, models)
    if order:
        effects += move(before.spend, life.spend)
    decisions = profile.decisions
    if sparks:
        decisions = decide(profile, sparks, book, models, effects)
    if waits:
        decisions = arm(profile, decisions, matches, order, book, models, effects)
    if book.waits:
        decisions = arm_by_time(profile, decisions, event.received_at, book, effects)
    if visited:
        decisions = arm_rhythms(profile, decisions, book, effects)
    return decisions


def _caused(
    profile: Profile,
    dialogues: Mapping[str, Dialogue],
    matches: Sequence[Match],
    earlier: Sequence[Dialogue | None],
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    sparks: list[Spark],
    effects: list[Effect],
) -> bool:
    """Appends to `sparks` what each match makes rules say, and to `effects` what it teaches;
    returns whether a deadline may follow.

    `profile` is the customer after the event; `dialogues` are all of them and `earlier` the matched
    ones before it.
    """
    first = not dialogues
    waits = bool(profile.decisions.cases)
    for place, match in enumerate(matches):  # a strict `zip` reads its keyword each time
        topic, before = match.topic, earlier[place]
        if before is None:
            previous = known_beside(profile.dialogues, topic)
            effects.append(Learn(previous, topic, event.occurred_at, first))
            first = False
        here = book.here.get(match.place)
        if here is None:
            continue
        waits = waits or here.waits
        if not here.speaks or not goes_further(before, match.stage, here.ranks):
            continue
        for rule in here.reached:
            if rule.covers(topic):
                sparks.append((rule, reached(before, match, event, here.ranks)))
        for rule in here.leaving:
            if rule.covers(topic):
                sparks.append((rule, announced(profile.lifecycle, match, event, models)))
        for rule in here.offers:
            if rule.covers(topic) and not rests(profile.decisions, rule, event.received_at):
                offered = offer(profile, rule, match, event, book, models)
                if offered is not None:
                    sparks.append((rule, offered))
    return waits
