"""The customer's side of a merge: adds the state that the visitor's profile sent, once. In a cycle
of aliases, a merge that returns to its sender makes it a profile of its own again: no message
circles for ever and nothing is lost.
"""

from base64 import b64decode

import msgspec
from msgspec.structs import replace

from schemas.effect import Dead, Dropped, Effect, Folded, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Lifecycle, Profile
from streams.codec.codec import decode_profile
from streams.fold.deadlines import due_by_time, set_deadlines
from streams.fold.merging import is_sound, merge_profiles
from streams.identity.linking import MAX_IDENTITIES
from streams.models.tiers import move
from streams.playbook.compiled import CompiledPlaybook
from streams.policy.decide import decide
from streams.policy.waiting import arm_morning
from streams.privacy.erasure import erase_event, is_erased
from streams.profile.message_ids import remember
from streams.segments.membership import evaluate_segments
from streams.triggers.complaint_overdue import track_merged_cases
from streams.triggers.firing import membership_candidates
from streams.triggers.registry import KINDS


def fold_merge(
    profile: Profile, event: Event, hashed: bytes, playbook: CompiledPlaybook, models: Models
) -> Outcome:
    """Adds the state that the visitor's profile sent, once. A profile's own state that returns went
    round a cycle: the profile is restored.
    """
    other = event.properties.get("from")
    state = event.properties.get("state")
    if not isinstance(other, str) or not isinstance(state, str):
        return Dead("invalid_event", "a merge event needs `from` and `state`")
    returned = other == profile.key
    if profile.identities.get(other) or (returned and profile.forwarded_to is None):
        return Dropped("already_merged")
    try:
        sent = decode_profile(b64decode(state, validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError) as problem:
        return Dead("invalid_event", f"the state of a merge event is unreadable: {problem}")
    if not is_sound(sent):
        return Dead("invalid_event", "the state of a merge event is no profile")
    if is_erased(profile, sent):
        recent = remember(profile.recent, hashed, event.received_at)
        asked = replace(profile, recent=recent)
        return Folded(asked, [Send(erase_event(other, profile.erased_at))])
    merged = merge_profiles(profile, sent)
    merged = replace(
        merged,
        forwarded_to=None,
        identities=merged.identities if returned else _merged(merged.identities, other),
        recent=remember(merged.recent, hashed, event.received_at),
        decisions=replace(merged.decisions, deadlines=profile.decisions.deadlines),
    )
    moves = move(profile.lifecycle.spend, merged.lifecycle.spend)
    settled, effects = _settle(merged, profile.lifecycle, event, playbook, models)
    return Folded(settled, [*moves, *effects])


def _settle(
    profile: Profile,
    before: Lifecycle,
    event: Event,
    playbook: CompiledPlaybook,
    models: Models,
) -> tuple[Profile, list[Effect]]:
    """The profile after a merge: its state is evaluated anew and every deadline of it is set.
    `before` is the customer's lifecycle without the merge."""
    effects: list[Effect] = []
    # 1. Open cases, by the dialogues of both.
    decisions = track_merged_cases(profile, playbook)
    profile = replace(profile, decisions=decisions)
    # 2. Segments and relationship, and their triggers.
    if playbook.segments or playbook.relationship is not None:
        found = evaluate_segments(profile, event.received_at, None, playbook, models)
        profile = replace(profile, decisions=found.decisions)
        candidates = membership_candidates(found.changes, event, playbook)
        decisions, decided = decide(profile, candidates, playbook, models)
        effects += decided
        profile = replace(profile, decisions=decisions)
    # 3. Deadlines of rules.
    due: dict[str, int] = {}
    for name, rule in playbook.rules.items():
        deadline = KINDS[rule.when].deadline
        if deadline is None or name in decisions.deadlines:
            continue
        decided_before = deadline.was_decided
        life = profile.lifecycle
        if decided_before is not None and decided_before(before, life, rule, models):
            continue
        at = deadline.due_at(profile, decisions, rule, playbook, models)
        if at is not None:
            due[name] = at
    if due:
        decisions, armed = set_deadlines(decisions, due)
        effects += armed
    # 4. The end of quiet hours, dormancy, segments that days alone change.
    if decisions.waiting:
        decisions, morning = arm_morning(decisions)
        effects += morning
    profile = replace(profile, decisions=decisions)
    due = due_by_time(profile, decisions, event.received_at, playbook, models)
    if due:
        decisions, armed = set_deadlines(decisions, due)
        effects += armed
    return replace(profile, decisions=decisions), effects


def _merged(identities: dict[str, bool], other: str) -> dict[str, bool]:
    """The identities with `other` merged; beyond the bound, unmerged ones are evicted first."""
    marked = {**identities, other: True}
    if len(marked) <= MAX_IDENTITIES:
        return marked
    names = sorted(marked, key=lambda name: (name != other, not marked[name], name))
    return {name: marked[name] for name in names[:MAX_IDENTITIES]}
