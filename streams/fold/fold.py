"""The fold: one profile and one event in, the profile after it and the effects out.

Facts do not depend on the order of events. Decisions do, and use only the times in the events, so
that a replay decides the same.
"""

from schemas.effect import Dropped, Outcome
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.fold.activity import fold_activity
from streams.fold.hot_profiles import HOT_RING, fold_in_summary, is_excess
from streams.fold.links import fold_link, forward
from streams.fold.merges import fold_merge
from streams.fold.timers import fold_timer, is_awaited
from streams.playbook.compiled import CompiledPlaybook
from streams.privacy.erasure import LATE, fold_erase, fold_late, is_tombstone
from streams.profile.message_ids import holds, message_hash
from streams.profile.spoken import fold_spoken, is_ours

_MESSAGES = frozenset({"timer", "link", "merge", "erase"})
"""Event types of messages between profiles and of timers."""


def fold(
    profile: Profile | None, key: str, event: Event, playbook: CompiledPlaybook, models: Models
) -> Outcome:
    """The profile `key` after the event (before: None for a new one), and the effects. Never raises
    for the content of an event that `streams.codec` decoded; one that cannot be folded has the
    effect `Dead`.
    """
    if profile is None:
        profile = Profile(key)
    kind = event.type
    # 1. What happened before an erasure is not folded.
    if event.occurred_at <= profile.erased_at:
        return fold_late(profile, event)
    # 2. A profile that was merged into another forwards what still arrives for it.
    if profile.forwarded_to is not None and kind != "link":
        passed_on = _pass_on(profile, event, profile.forwarded_to)
        if passed_on is not None:
            return passed_on
    # 3. A hot profile only counts; a message id that the profile remembers is a duplicate.
    hashed = message_hash(event.message_id)
    if len(profile.recent) >= HOT_RING and is_excess(profile, event):
        return fold_in_summary(profile, event, hashed)
    if holds(profile.recent, hashed) and not (kind == "timer" and is_awaited(profile, event)):
        return Dropped("duplicate")
    # 4. Dispatch by event type.
    if kind not in _MESSAGES:
        if kind == "contact" and is_ours(event):
            if is_tombstone(profile):  # what was said before, told of late
                return Dropped(LATE)
            return fold_spoken(profile, event, hashed)
        return fold_activity(profile, event, hashed, playbook, models)
    if kind == "timer":
        return fold_timer(profile, event, hashed, playbook, models)
    if kind == "merge":
        return fold_merge(profile, event, hashed, playbook, models)
    return fold_link(profile, event, hashed) if kind == "link" else fold_erase(profile, event)


def _pass_on(profile: Profile, event: Event, to: str) -> Outcome | None:
    """The outcome for an event of a profile that was merged into another; None: the merge came
    back."""
    kind = event.type
    if kind == "erase":
        return fold_erase(profile, event)
    if kind == "timer":
        return Dropped("forwarded")
    if kind == "merge" and event.properties.get("from") == profile.key:
        return None
    return forward(profile, event, to)
