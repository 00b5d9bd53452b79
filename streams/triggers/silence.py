"""`silence`: nothing at all was heard of somebody for so long.

Of a customer, that is: an event has named them, or they have bought. An anonymous visitor who does
not come back is nobody who could be told anything.
"""

from schemas.decisions import Decisions
from schemas.profile import Profile
from streams.playbook.parts import CompiledRule
from streams.triggers.candidate import Cause
from streams.values.durations import in_words


def silence_due(profile: Profile, decisions: Decisions, rule: CompiledRule) -> int | None:
    """When (milliseconds) the silence will have lasted long enough; None where it concerns nobody
    or the rule has spoken of this silence already."""
    life = profile.lifecycle
    if not life.last_seen or not (profile.known or life.purchases):
        return None
    if decisions.fired.get(f"{rule.name}|", 0) >= life.last_seen:
        return None
    return life.last_seen + rule.after


def silent(profile: Profile, rule: CompiledRule, due: int, decided_at: int) -> Cause:
    """The cause, in words: since when there was nothing, and how much there had been."""
    life = profile.lifecycle
    return Cause(
        type="silence",
        cause=str(life.last_seen),
        occurred_at=due,
        decided_at=decided_at,
        reason=f"nothing was heard for {in_words(rule.after)}",
        why={
            "last_seen": life.last_seen,
            "after_ms": rule.after,
            "events": life.events,
            "purchases": life.purchases,
        },
    )
