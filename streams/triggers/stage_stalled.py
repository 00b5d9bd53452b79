"""`stage.stalled`: a customer got as far as a stage and then went quiet."""

from collections.abc import Mapping

import msgspec

from schemas.decisions import Decisions, Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Dialogue, Profile, Span
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.playbook.topics import family
from streams.profile.dialogues import last_at
from streams.profile.exits import has_left, stages_in_force
from streams.triggers.candidate import Cause
from streams.triggers.fired import with_fired
from streams.triggers.kind import Deadline, Due, TriggerKind
from streams.values.durations import in_words


class Stall(msgspec.Struct, frozen=True, gc=False):
    """A dialogue that waits at a stage. Times in milliseconds since 1970."""

    topic: str
    stage: str
    reached_at: int
    """When the stage was last reached."""
    since: int
    """When anything last happened in the dialogue."""


def stall_of(
    topic: str,
    dialogue: Dialogue,
    stages: Mapping[str, Span],
    rule: CompiledRule,
    ranks: Mapping[str, int],
) -> Stall | None:
    """Where the dialogue waits at one of the rule's stages with nothing further reached since;
    `stages` are those that it has not left."""
    waits_at, reached, rank, beyond = "", None, -1, -1
    for name in rule.stages:  # one loop: this is asked of every dialogue with a cart
        here = ranks.get(name, -1)
        beyond = max(beyond, here)
        span = stages.get(name)
        if span is None:
            continue
        if reached is None or (span.last_at, here) > (reached.last_at, rank):
            waits_at, reached, rank = name, span, here
    if reached is None:
        return None
    reached_at = reached.last_at
    for name, span in stages.items():
        if span.last_at >= reached_at and ranks.get(name, -1) > beyond:
            return None
    return Stall(topic, waits_at, reached_at, last_at(dialogue))


def open_stalls(
    decisions: Decisions, profile: Profile, rule: CompiledRule, playbook: CompiledPlaybook
) -> list[Stall]:
    """Every waiting dialogue the rule covers that it has not spoken of, soonest due first.

    Having spoken, the rule stays silent about a dialogue until one of its stages is reached again:
    looking at a page is no new cart.
    """
    fired = decisions.fired
    found = []
    exits = profile.exits
    asked = rule.stages
    for topic, dialogue in profile.dialogues.items():
        stages = dialogue.stages
        for stage in asked:
            if stage in stages:
                break
        else:  # most dialogues
            continue
        if not rule.covers(topic):
            continue
        if exits and has_left(exits, topic):
            stages = stages_in_force(dialogue, exits, topic)
        stall = stall_of(topic, dialogue, stages, rule, playbook.ranks.get(family(topic), {}))
        if stall is not None and fired.get(f"{rule.name}|{topic}", -1) < stall.reached_at:
            found.append(stall)
    if len(found) > 1:
        found.sort(key=lambda stall: (stall.since, stall.topic))
    return found


def stalled(stall: Stall, rule: CompiledRule, due: int, decided_at: int) -> Cause:
    """The cause, in words: what is left lying and for how long."""
    return Cause(
        type="stage.stalled",
        cause=f"{stall.topic}\x1f{stall.stage}\x1f{stall.since}",
        occurred_at=due,
        decided_at=decided_at,
        reason=f"left {stall.topic} at {stall.stage} and was quiet for {in_words(rule.after)}",
        why={"quiet_since": stall.since, "after_ms": rule.after},
        topic=stall.topic,
        stage=stall.stage,
    )


def _due_at(
    profile: Profile,
    decisions: Decisions,
    rule: CompiledRule,
    playbook: CompiledPlaybook,
    models: Models,
) -> int | None:
    stalls = open_stalls(decisions, profile, rule, playbook)
    return stalls[0].since + rule.after if stalls else None


def _came_due(
    profile: Profile, rule: CompiledRule, timer: Event, playbook: CompiledPlaybook, models: Models
) -> Due:
    due, decisions = timer.occurred_at, profile.decisions
    causes = []
    for stall in open_stalls(decisions, profile, rule, playbook):
        if stall.since + rule.after > due:
            break
        causes.append(stalled(stall, rule, due, timer.received_at))
        decisions = with_fired(decisions, rule, stall.topic, stall.since, profile.dialogues)
    return Due(decisions, causes, _due_at(profile, decisions, rule, playbook, models))


def _still_lies(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    topic = waiting.topic or ""
    dialogue = profile.dialogues.get(topic)
    if dialogue is None or last_at(dialogue) != waiting.why.get("quiet_since"):
        return False
    stages = stages_in_force(dialogue, profile.exits, topic)
    ranks = playbook.ranks.get(family(topic), {})
    return stall_of(topic, dialogue, stages, rule, ranks) is not None


STAGE_STALLED = TriggerKind(
    name="stage.stalled",
    label="went quiet",
    colour="yellow",
    fields=frozenset({"topic", "stages", "after"}),
    required={
        "after": "`after`, for example after: 30m",
        "stages": "the `stages` a customer is left at",
    },
    deadline=Deadline(armed_by=lambda rule: "stage", due_at=_due_at, came_due=_came_due),
    still_holds=_still_lies,
)
