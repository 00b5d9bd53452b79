"""What a deadline that has come due means: what fires, and when to look again."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Profile
from streams.playbook.compiled import CompiledPlaybook, CompiledRule
from streams.policy.memory import still_spoken_of
from streams.policy.waiting import cause_again
from streams.triggers.candidate import Spark
from streams.triggers.churn_risk import at_risk, risk_due
from streams.triggers.complaint_overdue import open_cases, overdue
from streams.triggers.silence import silence_due, silent
from streams.triggers.stage_stalled import open_stalls, stalled
from streams.triggers.still import still_holds


class Due(msgspec.Struct):
    """The customer's memory after the look, what it makes rules say, and the next deadline."""

    decisions: Decisions
    sparks: list[Spark]
    later: int | None = None


def rule_due(
    when: str,
    rule: CompiledRule,
    profile: Profile,
    decisions: Decisions,
    book: CompiledPlaybook,
    models: Models,
) -> int | None:
    """When (milliseconds) the rule is to be looked at by the state of the customer; None: never."""
    if when == "stage.stalled":
        return stall_due(decisions, profile.dialogues, rule, book)
    if when == "complaint.overdue":
        return overdue_due(decisions, profile.dialogues, rule, book)
    if when == "churn.risk":
        return risk_due(profile.lifecycle, rule, models)
    if when == "silence":
        return silence_due(profile, decisions, rule)
    return None


def rule_came_due(
    when: str,
    rule: CompiledRule,
    profile: Profile,
    event: Event,
    book: CompiledPlaybook,
    models: Models,
) -> Due:
    """The deadline of a rule has come with the timer `event`."""
    due, now = event.occurred_at, event.received_at
    decisions = profile.decisions
    sparks: list[Spark] = []
    if when == "stage.stalled":
        for stall in open_stalls(decisions, profile.dialogues, rule, book):
            if stall.since + rule.after > due:
                break
            sparks.append((rule, stalled(stall, rule, due, now)))
            decisions = _speaks(decisions, rule, stall.topic, stall.since, profile.dialogues)
    elif when == "complaint.overdue":
        for case in open_cases(decisions, profile.dialogues, rule, book):
            if case.opened_at + rule.after > due:
                break
            sparks.append((rule, overdue(case, rule, due, now)))
            decisions = _speaks(decisions, rule, case.topic, case.opened_at, profile.dialogues)
    elif when == "silence":
        later = silence_due(profile, decisions, rule)
        if later is not None and later <= due:
            sparks.append((rule, silent(profile, rule, due, now)))
            decisions = _speaks(decisions, rule, "", profile.lifecycle.last_seen, profile.dialogues)
    elif when == "churn.risk":
        later = risk_due(profile.lifecycle, rule, models)
        if later is not None and later <= due:
            sparks.append((rule, at_risk(profile.lifecycle, rule, due, now, models)))
            return Due(decisions, sparks)
    return Due(decisions, sparks, rule_due(when, rule, profile, decisions, book, models))


def morning_came(profile: Profile, event: Event, book: CompiledPlaybook) -> Due:
    """The quiet hours are over: what waited is decided again, unless it is no longer so."""
    left = []
    sparks: list[Spark] = []
    for late in profile.decisions.waiting:
        if late.until > event.occurred_at:
            left.append(late)
            continue
        known = book.by_name.get(late.rule)
        if known is not None and still_holds(late, known[1], profile, book):
            sparks.append((known[1], cause_again(late, event.received_at)))
    return Due(replace(profile.decisions, waiting=tuple(left)), sparks)


def stall_due(
    decisions: Decisions,
    dialogues: Mapping[str, Dialogue],
    rule: CompiledRule,
    book: CompiledPlaybook,
) -> int | None:
    """When the first dialogue will have waited long enough."""
    stalls = open_stalls(decisions, dialogues, rule, book)
    return stalls[0].since + rule.after if stalls else None


def overdue_due(
    decisions: Decisions,
    dialogues: Mapping[str, Dialogue],
    rule: CompiledRule,
    book: CompiledPlaybook,
) -> int | None:
    """When the clock of the first open case runs out."""
    cases = open_cases(decisions, dialogues, rule, book)
    return cases[0].opened_at + rule.after if cases else None


def _speaks(
    decisions: Decisions,
    rule: CompiledRule,
    topic: str,
    since: int,
    dialogues: Mapping[str, Dialogue],
) -> Decisions:
    """The memory that the rule has spoken of this, whatever is decided about it."""
    spoken = {**decisions.fired, f"{rule.name}|{topic}": since}
    return replace(decisions, fired=still_spoken_of(spoken, dialogues))
