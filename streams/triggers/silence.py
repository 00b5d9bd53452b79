"""`silence`: nothing at all was heard of somebody for so long.

Of a customer, that is: an event has named them, or they have bought. An anonymous visitor who does
not come back is nobody who could be told anything.
"""

from schemas.decisions import Decisions, Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.triggers.candidate import Cause
from streams.triggers.fired import with_fired
from streams.triggers.kind import Deadline, Due, TriggerKind
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


def _due_at(
    profile: Profile,
    decisions: Decisions,
    rule: CompiledRule,
    playbook: CompiledPlaybook,
    models: Models,
) -> int | None:
    return silence_due(profile, decisions, rule)


def _came_due(
    profile: Profile, rule: CompiledRule, timer: Event, playbook: CompiledPlaybook, models: Models
) -> Due:
    due, decisions = timer.occurred_at, profile.decisions
    causes = []
    silent_at = silence_due(profile, decisions, rule)
    if silent_at is not None and silent_at <= due:
        causes.append(silent(profile, rule, due, timer.received_at))
        last_seen = profile.lifecycle.last_seen
        decisions = with_fired(decisions, rule, "", last_seen, profile.dialogues)
    return Due(decisions, causes, silence_due(profile, decisions, rule))


def _still_silent(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    return profile.lifecycle.last_seen == waiting.why.get("last_seen")


SILENCE = TriggerKind(
    name="silence",
    label="not heard of",
    fields=frozenset({"after"}),
    required={"after": "`after`, for example after: 60d"},
    deadline=Deadline(armed_by=lambda rule: "event", due_at=_due_at, came_due=_came_due),
    still_holds=_still_silent,
)
