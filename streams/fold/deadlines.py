"""Silence is a signal: which deadlines a profile needs, and what happens when one comes due.

Each profile has at most one pending deadline per kind. Later activity does not move it: when it
comes due, the fold looks again and either fires or sets the next one.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome, SetDeadline
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Lifecycle, Profile
from streams.fold.timers import Due, morning_came, overdue_due, rule_came_due, rule_due, stall_due
from streams.models.churn import churn_deadline
from streams.models.rhythm import silence_deadline
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.matching import Match
from streams.policy.decide import decide
from streams.policy.waiting import QUIET_KIND, set_morning
from streams.profile.message_ids import holds, remember
from streams.segments.membership import LOOK_KIND, first_look, look, next_look
from streams.segments.relationship import dormant_at
from streams.triggers.churn_risk import was_said
from streams.triggers.complaint_overdue import has_clock, reopened
from streams.triggers.silence import silence_due

DORMANT_KIND = "|dormant"
"""Kind of the deadline at which a customer who has bought becomes dormant."""

_BY_TIME = ("time", "quiet")


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


def arm(
    profile: Profile,
    decisions: Decisions,
    matches: Sequence[Match],
    order: bool,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Decisions:
    """The `decisions` with the deadlines of the rules that an event with matches, or an order, made
    necessary; their effects are appended. `profile` is the customer after the event."""
    pending = decisions.deadlines
    wanted: dict[str, int] = {}
    cases = decisions.cases
    clocks = False
    for found in matches:
        here = book.here.get(found.place)
        if here is None:
            clocks = clocks or found.topic in cases
            continue
        for rule in here.stalled:
            if rule.name in pending or rule.name in wanted:
                continue
            if rule.covers(found.topic):
                due = stall_due(decisions, profile.dialogues, rule, book)
                if due is not None:
                    wanted[rule.name] = due
        if here.overdue or found.topic in cases:
            clocks = True
    if order:
        for rule in book.churn:
            if rule.name not in pending:
                due = churn_deadline(profile.lifecycle, rule.p_alive, models.churn)
                if due is not None:
                    wanted[rule.name] = due
    if clocks and book.overdue:
        decisions = _start_clocks(profile, decisions, matches, book, wanted)
    return _set(decisions, wanted, effects) if wanted else decisions


def _start_clocks(
    profile: Profile,
    decisions: Decisions,
    matches: Sequence[Match],
    book: CompiledPlaybook,
    wanted: dict[str, int],
) -> Decisions:
    topics = []
    for found in matches:
        rules = [rule for rule in book.overdue.get(found.place, ()) if has_clock(found.topic, rule)]
        if rules or found.topic in decisions.cases:
            topics.append(found.topic)
        for rule in rules:
            if rule.name not in decisions.deadlines and rule.name not in wanted:
                due = overdue_due(decisions, profile.dialogues, rule, book)
                if due is not None:
                    wanted[rule.name] = due
    if not topics:
        return decisions
    cases = reopened(decisions.cases, profile.dialogues, topics, book)
    return decisions if cases is decisions.cases else replace(decisions, cases=cases)


def arm_by_time(
    profile: Profile, decisions: Decisions, now: int, book: CompiledPlaybook, effects: list[Effect]
) -> Decisions:
    """The `decisions` with the deadlines that any event at `now` may make necessary: silence,
    dormancy, segments that days alone can change."""
    pending = decisions.deadlines
    wanted: dict[str, int] = {}
    for rule in book.silences:
        if rule.name not in pending:
            due = silence_due(profile, decisions, rule)
            if due is not None:
                wanted[rule.name] = due
    if book.relationship is not None and DORMANT_KIND not in pending:
        due = dormant_at(profile, book)
        if due is not None:
            wanted[DORMANT_KIND] = due
    due = first_look(profile, now, book)
    if due is not None:
        wanted[LOOK_KIND] = due
    return _set(decisions, wanted, effects) if wanted else decisions


def arm_rhythms(
    profile: Profile, decisions: Decisions, book: CompiledPlaybook, effects: list[Effect]
) -> Decisions:
    """The `decisions` with the deadlines that a visit on a new day makes necessary."""
    wanted: dict[str, int] = {}
    for rule in book.rhythms:
        if rule.name not in decisions.deadlines:
            due = silence_deadline(profile.lifecycle, rule.chance, rule.least_days)
            if due is not None:
                wanted[rule.name] = due
    return _set(decisions, wanted, effects) if wanted else decisions


def settle(
    profile: Profile,
    before: Lifecycle,
    event: Event,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Profile:
    """The profile after a merge, whose events are past: what its state means is looked at anew, and
    every deadline it asks for is set. `before` is the customer's lifecycle without the merge."""
    life = profile.lifecycle
    if book.overdue:
        cases = reopened(profile.decisions.cases, profile.dialogues, profile.dialogues, book)
        profile = replace(profile, decisions=replace(profile.decisions, cases=cases))
    if book.segments or book.relationship is not None:
        found = look(profile, event, None, book, models)
        profile = replace(profile, decisions=found.decisions)
        profile = replace(profile, decisions=decide(profile, found.sparks, book, models, effects))
    decisions = profile.decisions
    wanted: dict[str, int] = {}
    for name, (when, rule) in book.by_name.items():
        if name not in decisions.deadlines:
            if when == "churn.risk" and was_said(before, life, rule, models):
                continue
            due = rule_due(when, rule, profile, decisions, book, models)
            if due is not None:
                wanted[name] = due
    if wanted:
        decisions = _set(decisions, wanted, effects)
    if decisions.waiting:
        decisions = set_morning(decisions, effects)
    profile = replace(profile, decisions=decisions)
    decisions = arm_by_time(profile, decisions, event.received_at, book, effects)
    return replace(profile, decisions=decisions)


def is_awaited(profile: Profile, event: Event) -> bool:
    """Whether a timer's deadline is pending, though a timer with its id has been folded: an event
    that came out of order may set the same one again."""
    kind = event.properties.get("kind")
    return isinstance(kind, str) and profile.decisions.deadlines.get(kind) == event.properties.get(
        "due"
    )


def fold_timer(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Outcome:
    """A deadline has come: fire what is true now, set the next one if there is more to wait for."""
    kind = event.properties.get("kind")
    due = event.properties.get("due")
    if not isinstance(kind, str) or not isinstance(due, int):
        return Dead("invalid_event", "a timer event needs `kind` and `due`")
    if profile.decisions.deadlines.get(kind) != due:
        return Dropped("stale_timer")
    effects: list[Effect] = [ClearDeadline(kind)]
    pending = dict(profile.decisions.deadlines)
    del pending[kind]
    profile = replace(
        profile,
        recent=profile.recent
        if holds(profile.recent, hashed)
        else remember(profile.recent, hashed, event.received_at),
        decisions=replace(profile.decisions, deadlines=pending),
    )
    came = _came_due(kind, profile, event, book, models)
    profile = replace(profile, decisions=came.decisions)
    decisions = decide(profile, came.sparks, book, models, effects)
    if came.later is not None:
        decisions = _set(decisions, {kind: came.later}, effects)
    if decisions.waiting:
        decisions = set_morning(decisions, effects)
    return Folded(replace(profile, decisions=decisions), effects)


def _came_due(
    kind: str, profile: Profile, event: Event, book: CompiledPlaybook, models: Models
) -> Due:
    known = book.by_name.get(kind)
    if known is not None:
        return rule_came_due(*known, profile, event, book, models)
    if kind == QUIET_KIND:
        return morning_came(profile, event, book)
    if kind not in (LOOK_KIND, DORMANT_KIND):
        return Due(profile.decisions, [])
    found = look(profile, event, _BY_TIME, book, models)
    after = replace(profile, decisions=found.decisions)
    if kind == DORMANT_KIND:
        return Due(found.decisions, found.sparks, dormant_at(after, book))
    return Due(found.decisions, found.sparks, next_look(after, event.received_at, book, models))


def _set(decisions: Decisions, wanted: dict[str, int], effects: list[Effect]) -> Decisions:
    effects += [SetDeadline(kind, at) for kind, at in wanted.items()]
    return replace(decisions, deadlines={**decisions.deadlines, **wanted})
