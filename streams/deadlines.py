"""Silence is a signal: which deadlines a profile needs, and what happens when one comes due.

Each profile has at most one pending deadline per kind. Later activity does not move it: when it
comes due, the fold looks again and either fires or sets the next one.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome, SetDeadline
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Lifecycle, Profile
from streams.churn import churn_deadline
from streams.matching import Match
from streams.merging import still_spoken_of
from streams.message_ids import remember
from streams.playbook import CompiledPlaybook, CompiledRule
from streams.triggers.churn_risk import at_risk
from streams.triggers.deciding import decide
from streams.triggers.stage_stalled import open_stalls, stalled


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
    decisions: Decisions,
    dialogues: Mapping[str, Dialogue],
    lifecycle: Lifecycle,
    matches: Sequence[Match],
    order: bool,
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Decisions:
    """The decisions with the deadlines that an event made necessary; their effects are appended.

    `dialogues` and `lifecycle` are those after the event.
    """
    pending = decisions.deadlines
    wanted: dict[str, int] = {}
    for found in matches:
        for rule in book.stalled.get(found.place, ()):
            if rule.name in pending or rule.name in wanted:
                continue
            if rule.covers(found.topic):
                due = _stall_due(decisions, dialogues, rule, book)
                if due is not None:
                    wanted[rule.name] = due
    if order:
        for rule in book.churn:
            if rule.name not in pending:
                due = churn_deadline(lifecycle, rule.p_alive, models.churn)
                if due is not None:
                    wanted[rule.name] = due
    return _set(decisions, wanted, effects) if wanted else decisions


def arm_all(
    profile: Profile, book: CompiledPlaybook, models: Models, effects: list[Effect]
) -> Profile:
    """The profile with every deadline its state asks for: after a merge, whose events are past."""
    pending = profile.decisions.deadlines
    wanted: dict[str, int] = {}
    for name, (when, rule) in book.by_name.items():
        if name not in pending:
            due = _due(when, profile, rule, book, models)
            if due is not None:
                wanted[name] = due
    if not wanted:
        return profile
    return replace(profile, decisions=_set(profile.decisions, wanted, effects))


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
        recent=remember(profile.recent, hashed, event.received_at),
        decisions=replace(profile.decisions, deadlines=pending),
    )
    known = book.by_name.get(kind)
    if known is None:
        return Folded(profile, effects)
    when, rule = known
    if when == "stage.stalled":
        profile = _fire_stalls(profile, rule, event, book, effects)
        later = _stall_due(profile.decisions, profile.dialogues, rule, book)
    else:
        later = churn_deadline(profile.lifecycle, rule.p_alive, models.churn)
        if later is not None and later <= due:
            cause = at_risk(profile.lifecycle, rule, due, event.received_at, models.churn)
            decisions, trigger = decide(
                profile.key, profile.consent, profile.decisions, rule, cause
            )
            profile = replace(profile, decisions=decisions)
            effects.append(trigger)
            later = None
    if later is not None:
        decisions = _set(profile.decisions, {kind: later}, effects)
        profile = replace(profile, decisions=decisions)
    return Folded(profile, effects)


def _fire_stalls(
    profile: Profile,
    rule: CompiledRule,
    event: Event,
    book: CompiledPlaybook,
    effects: list[Effect],
) -> Profile:
    due = event.occurred_at
    decisions = profile.decisions
    for stall in open_stalls(decisions, profile.dialogues, rule, book):
        if stall.since + rule.after > due:
            break
        cause = stalled(stall, rule, due, event.received_at)
        decisions, trigger = decide(profile.key, profile.consent, decisions, rule, cause)
        effects.append(trigger)
        spoken = {**decisions.fired, f"{rule.name}|{stall.topic}": stall.since}
        decisions = replace(decisions, fired=still_spoken_of(spoken, profile.dialogues))
    return replace(profile, decisions=decisions)


def _due(
    when: str, profile: Profile, rule: CompiledRule, book: CompiledPlaybook, models: Models
) -> int | None:
    if when == "stage.stalled":
        return _stall_due(profile.decisions, profile.dialogues, rule, book)
    if when == "churn.risk":
        return churn_deadline(profile.lifecycle, rule.p_alive, models.churn)
    return None


def _stall_due(
    decisions: Decisions,
    dialogues: Mapping[str, Dialogue],
    rule: CompiledRule,
    book: CompiledPlaybook,
) -> int | None:
    stalls = open_stalls(decisions, dialogues, rule, book)
    return stalls[0].since + rule.after if stalls else None


def _set(decisions: Decisions, wanted: dict[str, int], effects: list[Effect]) -> Decisions:
    effects += [SetDeadline(kind, at) for kind, at in wanted.items()]
    return replace(decisions, deadlines={**decisions.deadlines, **wanted})
