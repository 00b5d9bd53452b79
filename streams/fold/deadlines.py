"""Deadlines of a profile: silence is a signal.

Each profile has at most one pending deadline per kind: a rule, the end of quiet hours, dormancy,
segments. Later activity does not move it: when it comes due, `streams.fold.timers` looks again and
either fires or sets the next one.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import Effect, SetDeadline
from schemas.models import Models
from schemas.profile import Profile
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook, Hook
from streams.segments.membership import SEGMENTS_KIND, first_evaluation
from streams.segments.relationship import dormant_at
from streams.triggers.complaint_overdue import track_cases

DORMANT_KIND = "|dormant"
"""Kind of the deadline at which a customer who has bought becomes dormant."""

Armed = tuple[Decisions, list[Effect]]
"""The memory with its deadlines, and the effects that set them."""


def arm_deadlines(
    change: Change, decisions: Decisions, playbook: CompiledPlaybook, models: Models
) -> Armed:
    """The `decisions` with the deadlines that the change sets."""
    profile = change.after
    due: dict[str, int] = {}
    # 1. At a stage that a rule waits at.
    rules_here = playbook.rules_here
    has_clock = bool(decisions.cases)
    for match in change.matches:
        here = rules_here.get(match.place)
        if here is not None and here.deadlines:
            has_clock = True
            hooks = [
                hook
                for hook in here.deadlines
                if hook[0].name not in decisions.deadlines and hook[0].covers(match.topic)
            ]
            if hooks:  # most often the rule has a deadline pending
                due |= _due(hooks, due, profile, decisions, playbook, models)
    # 2. After a purchase, and after the first event of a day.
    if change.is_purchase and playbook.purchase_deadlines:
        due |= _due(playbook.purchase_deadlines, due, profile, decisions, playbook, models)
    if playbook.day_deadlines and change.is_new_day:
        due |= _due(playbook.day_deadlines, due, profile, decisions, playbook, models)
    if has_clock and change.matches:
        decisions = track_cases(change, decisions, playbook)
    # 3. After any event.
    if playbook.has_deadlines:
        due |= due_by_time(profile, decisions, change.event.received_at, playbook, models)
    return set_deadlines(decisions, due) if due else (decisions, [])


def due_by_time(
    profile: Profile, decisions: Decisions, now: int, playbook: CompiledPlaybook, models: Models
) -> dict[str, int]:
    """Kind -> when it is due (milliseconds), of the deadlines that any event at `now` may set:
    silence, dormancy, segments that change with days alone."""
    due = _due(playbook.event_deadlines, {}, profile, decisions, playbook, models)
    if playbook.relationship is not None and DORMANT_KIND not in decisions.deadlines:
        at = dormant_at(profile, playbook)
        if at is not None:
            due[DORMANT_KIND] = at
    at = first_evaluation(profile, now, playbook)
    if at is not None:
        due[SEGMENTS_KIND] = at
    return due


def set_deadlines(decisions: Decisions, due: Mapping[str, int]) -> Armed:
    """The `decisions` with these deadlines pending, and the effects that set them."""
    effects: list[Effect] = [SetDeadline(kind, at) for kind, at in due.items()]
    return replace(decisions, deadlines={**decisions.deadlines, **due}), effects


def _due(
    hooks: Iterable[Hook],
    besides: Mapping[str, int],
    profile: Profile,
    decisions: Decisions,
    playbook: CompiledPlaybook,
    models: Models,
) -> dict[str, int]:
    """Rule -> when it is due, of the rules that are neither pending nor among `besides`."""
    pending = decisions.deadlines
    due: dict[str, int] = {}
    for rule, due_at in hooks:
        name = rule.name
        if name not in pending and name not in besides:
            at = due_at(profile, decisions, rule, playbook, models)
            if at is not None:
                due[name] = at
    return due
