"""A deadline that came due: what fires, and when to look again.

A deadline is appended to the log as a timer event, so the single writer of the profile folds it and
a replay sees it.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.fold.deadlines import DORMANT_KIND, set_deadlines
from streams.playbook.compiled import CompiledPlaybook
from streams.policy.decide import decide
from streams.policy.waiting import QUIET_KIND, arm_morning, cause_again
from streams.profile.message_ids import holds, remember
from streams.segments.membership import SEGMENTS_KIND, evaluate_segments, next_evaluation
from streams.segments.relationship import dormant_at
from streams.triggers.candidate import Candidate
from streams.triggers.firing import membership_candidates
from streams.triggers.registry import KINDS

_BY_TIME = ("time", "quiet")


class CameDue(msgspec.Struct, frozen=True):
    """Result of a deadline that came due."""

    decisions: Decisions
    candidates: Sequence[Candidate] = ()
    next_at: int | None = None
    """When to look again, milliseconds; None: never."""


def timer_event(key: str, kind: str, due: int, now: int) -> Event:
    """The event that tells the fold that a deadline (milliseconds) has come; `now` is its arrival.

    Its message id is deterministic: appended twice, it is folded once.
    """
    return Event(
        message_id=f"timer:{key}:{kind}:{due}",
        type="timer",
        key=key,
        channel="daehwa",
        name=kind,
        occurred_at=due,
        received_at=now,
        properties={"kind": kind, "due": due},
    )


def is_awaited(profile: Profile, event: Event) -> bool:
    """Whether a timer's deadline is pending, though a timer with its id has been folded: an event
    that came out of order may set the same one again."""
    kind = event.properties.get("kind")
    return isinstance(kind, str) and profile.decisions.deadlines.get(kind) == event.properties.get(
        "due"
    )


def fold_timer(
    profile: Profile, event: Event, hashed: bytes, playbook: CompiledPlaybook, models: Models
) -> Outcome:
    """Fires the rules that hold now, and sets the next deadline."""
    kind = event.properties.get("kind")
    due = event.properties.get("due")
    if not isinstance(kind, str) or not isinstance(due, int):
        return Dead("invalid_event", "a timer event needs `kind` and `due`")
    if profile.decisions.deadlines.get(kind) != due:
        return Dropped("stale_timer")
    # 1. The deadline is no longer pending.
    effects: list[Effect] = [ClearDeadline(kind)]
    pending = dict(profile.decisions.deadlines)
    del pending[kind]
    recent = profile.recent
    if not holds(recent, hashed):
        recent = remember(recent, hashed, event.received_at)
    decisions = replace(profile.decisions, deadlines=pending)
    profile = replace(profile, recent=recent, decisions=decisions)
    # 2. The causes.
    came = _came_due(kind, profile, event, playbook, models)
    profile = replace(profile, decisions=came.decisions)
    # 3. The decisions.
    decisions, decided = decide(profile, came.candidates, playbook, models)
    effects += decided
    # 4. The next deadlines.
    if came.next_at is not None:
        decisions, armed = set_deadlines(decisions, {kind: came.next_at})
        effects += armed
    if decisions.waiting:
        decisions, morning = arm_morning(decisions)
        effects += morning
    return Folded(replace(profile, decisions=decisions), effects)


def _came_due(
    kind: str, profile: Profile, timer: Event, playbook: CompiledPlaybook, models: Models
) -> CameDue:
    rule = playbook.rules.get(kind)
    if rule is not None:
        deadline = KINDS[rule.when].deadline
        if deadline is None:
            return CameDue(profile.decisions)
        due = deadline.came_due(profile, rule, timer, playbook, models)
        return CameDue(due.decisions, [(rule, cause) for cause in due.causes], due.next_at)
    if kind == QUIET_KIND:
        return _morning_came(profile, timer, playbook)
    if kind not in (SEGMENTS_KIND, DORMANT_KIND):
        return CameDue(profile.decisions)
    now = timer.received_at
    found = evaluate_segments(profile, now, _BY_TIME, playbook, models)
    candidates = membership_candidates(found.changes, timer, playbook)
    after = replace(profile, decisions=found.decisions)
    if kind == DORMANT_KIND:
        return CameDue(found.decisions, candidates, dormant_at(after, playbook))
    return CameDue(found.decisions, candidates, next_evaluation(after, now, playbook, models))


def _morning_came(profile: Profile, timer: Event, playbook: CompiledPlaybook) -> CameDue:
    """End of quiet hours: waiting decisions whose cause still holds are decided again."""
    left = []
    candidates: list[Candidate] = []
    for waiting in profile.decisions.waiting:
        if waiting.until > timer.occurred_at:
            left.append(waiting)
            continue
        rule = playbook.rules.get(waiting.rule)
        if rule is None:
            continue
        kind = KINDS.get(waiting.type)
        still_holds = None if kind is None else kind.still_holds
        if still_holds is None or still_holds(waiting, rule, profile, playbook):
            candidates.append((rule, cause_again(waiting, timer.received_at)))
    return CameDue(replace(profile.decisions, waiting=tuple(left)), candidates)
