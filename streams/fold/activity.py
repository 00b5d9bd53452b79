"""Activity of a customer, and contacts to them: facts, then candidates, then decisions."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from schemas.effect import Effect, Folded, Learn, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.consent.consent import consent_of, source_of, write_consent
from streams.fold.deadlines import arm_deadlines
from streams.fold.talk import Talk, talk_of
from streams.identity.contact_keys import contact_links
from streams.identity.linking import link_events, names_owner, relink_events
from streams.models.offer_outcomes import record_acceptance
from streams.models.offers import known_beside
from streams.models.tiers import move
from streams.orders.ledger import enter_order, same_totals
from streams.orders.told import told_of
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import Matched, match_event
from streams.policy.decide import decide
from streams.profile.lifecycle import update_lifecycle
from streams.profile.message_ids import remember
from streams.profile.traits import write_traits
from streams.segments.changes import changed_groups
from streams.segments.membership import evaluate_segments
from streams.triggers.candidate import Candidate
from streams.triggers.firing import candidates_of, membership_candidates


def fold_activity(
    profile: Profile, event: Event, hashed: bytes, playbook: CompiledPlaybook, models: Models
) -> Folded:
    """The profile after the event, whose message id has the hash `hashed`, and its effects."""
    # 1. Match: the topics and stages of the event.
    matched = match_event(event, playbook.dispatch)
    # 2. Facts: the same in whatever order events come.
    after, talk, effects = _record_facts(profile, event, hashed, matched, playbook)
    matches, began = talk.matches, talk.began
    is_purchase = matched.step is not None and not same_totals(profile.lifecycle, after.lifecycle)
    # 3. Learning: outcomes of offers, and transitions between topics.
    if began:
        after, learned = _learn(profile, after, event, began)
        effects += learned
    change = Change(profile, after, event, matches, talk.earlier, is_purchase)
    # 4. Candidates: rules that fire at a stage, by a segment, or at the first event of a day.
    candidates: list[Candidate] = []
    may_wait = is_purchase or playbook.has_deadlines
    if matches:
        candidates, waits_here = candidates_of(change, playbook, models)
        may_wait = may_wait or waits_here or bool(after.decisions.cases)
    if playbook.watched:
        change, found = _evaluate(change, playbook, models)
        candidates += found
    if playbook.on_new_day and change.is_new_day:
        for rule, on_new_day in playbook.on_new_day:
            cause = on_new_day(change, rule, models)
            if cause is not None:
                candidates.append((rule, cause))
    if is_purchase:
        effects += move(profile.lifecycle.spend, after.lifecycle.spend)
    # 5. Decisions: policy, and the memory of decisions.
    decisions = change.after.decisions
    if candidates:
        decisions, decided = decide(change.after, candidates, playbook, models)
        effects += decided
    # 6. Deadlines: when silence becomes a signal.
    if may_wait or (playbook.day_deadlines and change.is_new_day):
        decisions, armed = arm_deadlines(change, decisions, playbook, models)
        effects += armed
    after = change.after
    return Folded(
        after if decisions is after.decisions else replace(after, decisions=decisions), effects
    )


def _record_facts(
    profile: Profile, event: Event, hashed: bytes, matched: Matched, playbook: CompiledPlaybook
) -> tuple[Profile, Talk, list[Effect]]:
    """The profile with the event in it, what it did to the dialogues, and the messages to other
    profiles."""
    effects: list[Effect] = relink_events(profile, event) if event.hops > 1 else []
    at = event.occurred_at
    talk = talk_of(profile, event, matched)
    life = update_lifecycle(profile.lifecycle, event)
    # What few events change: every further argument of `replace` costs all of them.
    seldom: dict[str, Any] = {}
    if talk.quiet != profile.quiet_dialogues:
        seldom["quiet_dialogues"] = talk.quiet
    if matched.step is not None:
        told = told_of(event, matched.step, playbook)
        orders, settled, life = enter_order((profile.orders, profile.settled, life), told, at)
        seldom |= {"orders": orders, "settled": settled}
    if event.type == "identify":
        by = int.from_bytes(hashed, "big")
        seldom["traits"] = write_traits(profile.traits, event.properties, at, by)
    stated = consent_of(event)
    if stated:
        by = int.from_bytes(hashed, "big")
        source = source_of(event)
        seldom["consent"] = write_consent(profile.consent, stated, at, by, source)
    if event.user_id is not None and names_owner(profile, event):
        seldom["known"] = True
        linked = link_events(profile, event)
        if event.type == "identify":
            effects += [Send(link) for link in contact_links(profile, event, playbook.region)]
        if linked:
            seldom["identities"] = {**profile.identities, **dict.fromkeys(linked, False)}
            effects += [Send(link) for link in linked.values()]
    recent = remember(profile.recent, hashed, event.received_at)
    if talk.exits is profile.exits and talk.items is profile.items:
        after = replace(profile, lifecycle=life, dialogues=talk.dialogues, recent=recent)
    else:
        after = replace(
            profile, lifecycle=life, dialogues=talk.dialogues, recent=recent,
            exits=talk.exits, items=talk.items,
        )  # fmt: skip
    return replace(after, **seldom) if seldom else after, talk, effects


def _learn(
    before: Profile, after: Profile, event: Event, began: Sequence[str]
) -> tuple[Profile, list[Effect]]:
    """The profile with an offer's acceptance, and the transitions between topics to count."""
    learned: list[Effect] = []
    if after.decisions.offered:
        decisions, accepted = record_acceptance(after.decisions, began, event.received_at)
        learned += accepted
        if decisions is not after.decisions:
            after = replace(after, decisions=decisions)
    first = not before.dialogues
    for topic in began:
        previous = known_beside(after.dialogues, topic)
        learned.append(Learn(previous, topic, event.occurred_at, first))
        first = False
    return after, learned


def _evaluate(
    change: Change, playbook: CompiledPlaybook, models: Models
) -> tuple[Change, list[Candidate]]:
    """The change with segments and relationship evaluated, and the rules that fire by them."""
    profile, event = change.after, change.event
    changed = changed_groups(playbook.watched, change)
    if not changed and profile.decisions.relationship != "dormant":
        return change, []
    found = evaluate_segments(profile, event.received_at, changed, playbook, models)
    if found.decisions is profile.decisions:
        return change, []
    after = replace(profile, decisions=found.decisions)
    return replace(change, after=after), membership_candidates(found.changes, event, playbook)
