"""Suppression: the policies in their order; the first that applies gives the reason. blocked,
no_consent, expired, cooldown, cap, quiet_hours, one_offer, priority, and holdout last: treated and
held-out customers have passed the same policies.
"""

from collections.abc import Collection, Mapping

from schemas.decisions import Decisions
from schemas.models import Models
from schemas.profile import Profile
from streams.consent.consent import EVERY_CHANNEL, MARKETING, may_speak
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledCap, CompiledRule
from streams.policy.caps import is_full, speak
from streams.policy.quiet_hours import quiet_until, zone_of
from streams.segments.relationship import is_blocked
from streams.triggers.candidate import Candidate, Cause
from streams.triggers.registry import KINDS

OFFERS = "offer.next"
"""Name under which offers on a channel are remembered."""

QUIET = "quiet_hours"


def suppression_reason(
    candidate: Candidate,
    profile: Profile,
    decisions: Decisions,
    used: Collection[str],
    playbook: CompiledPlaybook,
    models: Models,
) -> str | None:
    """The reason for suppression, None where only a hold-out could apply. `decisions` is the memory
    so far, `used` the channels on which the event has fired already.
    """
    rule, cause = candidate
    channel = rule.then.channel
    now = cause.decided_at
    if (
        playbook.relationship is not None
        and (channel is not None or not KINDS[cause.type].tells_staff)
        and is_blocked(profile, now, playbook, models)
    ):
        return "blocked"
    if channel is not None or profile.consent:
        purpose = MARKETING if rule.campaign else None
        if not may_speak(profile.consent, channel, purpose):
            return "no_consent"
    if rule.expires is not None and now - cause.occurred_at > rule.expires:
        return "expired"
    if rule.cooldown:
        last = decisions.fired.get(rule.name)
        if last is not None and now - last < rule.cooldown:
            return "cooldown"
    if rule.cap is not None or channel is not None:
        for name, cap in _caps(rule, playbook):
            if is_full(decisions.spoken.get(name, ()), now, cap.at_most, cap.per):
                return "cap"
    if channel is None:
        return None
    return _on_channel(candidate, profile, decisions, playbook) or (
        "priority" if channel in used else None
    )


def _on_channel(
    candidate: Candidate, profile: Profile, decisions: Decisions, playbook: CompiledPlaybook
) -> str | None:
    rule, cause = candidate
    now = cause.decided_at
    if rule.respects_quiet_hours and quiet_end(profile, now, playbook) is not None:
        return QUIET
    per = playbook.policy.one_offer_per
    if (
        per is not None
        and cause.type == OFFERS
        and is_full(decisions.spoken.get(OFFERS, ()), now, 1, per)
    ):
        return "one_offer"
    return None


def quiet_end(profile: Profile, at: int, playbook: CompiledPlaybook) -> int | None:
    """End of the customer's quiet hours around `at` (milliseconds), None outside of them."""
    quiet = playbook.policy.quiet
    if quiet is None:
        return None
    stated = profile.traits.get("timezone")
    named = stated.value if stated is not None else None
    return quiet_until(at, quiet, zone_of(named, quiet))


def spoken_with(
    spoken: dict[str, tuple[int, ...]], rule: CompiledRule, cause: Cause, playbook: CompiledPlaybook
) -> dict[str, tuple[int, ...]]:
    """The memory of caps with one more trigger, without caps that the playbook no longer has."""
    limits = _caps(rule, playbook)
    if (
        playbook.policy.one_offer_per is not None
        and cause.type == OFFERS
        and rule.then.channel is not None
    ):
        limits.append((OFFERS, CompiledCap(1, playbook.policy.one_offer_per)))
    if not limits:
        return spoken
    kept = {name: times for name, times in spoken.items() if _is_counted(name, playbook)}
    for name, cap in limits:
        kept[name] = speak(kept.get(name, ()), cause.decided_at, cap.at_most)
    return kept


def _caps(rule: CompiledRule, playbook: CompiledPlaybook) -> list[tuple[str, CompiledCap]]:
    """The caps that the trigger counts towards, by name."""
    found = []
    if rule.cap is not None:
        found.append((f"rule|{rule.name}", rule.cap))
    caps: Mapping[str, CompiledCap] = playbook.policy.caps
    channel = rule.then.channel
    if caps and channel is not None:
        for name in (channel, EVERY_CHANNEL):
            cap = caps.get(name)
            if cap is not None:
                found.append((name, cap))
    return found


def _is_counted(name: str, playbook: CompiledPlaybook) -> bool:
    begin, _, rule = name.partition("|")
    return (
        rule in playbook.rules
        if begin == "rule"
        else name == OFFERS or name in playbook.policy.caps
    )
