"""`stage.reached`: a customer came further in a dialogue than ever before."""

from collections.abc import Mapping

from schemas.models import Models
from schemas.profile import Dialogue
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.profile.dialogues import furthest_stage
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind
from streams.values.durations import in_words

MAX_NAME_LENGTH = 200
"""Characters of the event's name that a trigger quotes."""


def goes_further(before: Dialogue | None, stage: str, ranks: Mapping[str, int]) -> bool:
    """Whether `stage` is beyond every stage of the dialogue so far; `ranks` is its ladder."""
    if before is None:
        return True
    stages = before.stages
    if stage in stages:
        return False
    rank = ranks.get(stage, -1)
    for earlier in stages:  # noqa: SIM110 - a generator costs more than the loop it replaces
        if ranks.get(earlier, -1) >= rank:
            return False
    return True


def reached(
    change: Change, index: int, rule: CompiledRule, playbook: CompiledPlaybook, models: Models
) -> Cause:
    """The cause, in words: what was reached, where, and how long after the stage before it."""
    match, before, event = change.matches[index], change.earlier[index], change.event
    topic, stage = match.topic, match.stage
    reason = f"reached {stage} on {topic} for the first time ({event.channel})"
    why: dict[str, object] = {
        "channel": event.channel,
        "event": (event.name or event.type)[:MAX_NAME_LENGTH],
        "message_id": event.message_id[:MAX_NAME_LENGTH],
    }
    if before is not None:
        earlier = furthest_stage(before, playbook.rules_here[match.place].ranks)
        span = before.stages[earlier]
        since = event.occurred_at - span.last_at
        why["from"] = earlier
        why["from_count"] = span.count
        why["since_ms"] = since
        if since >= 0:
            reason = f"{reason}, {in_words(since)} after {earlier}"
    return Cause(
        type="stage.reached",
        cause=f"{topic}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=reason,
        why=why,
        topic=topic,
        stage=stage,
    )


STAGE_REACHED = TriggerKind(
    name="stage.reached",
    label="reached a stage",
    colour="cyan",
    fields=frozenset({"topic", "stages"}),
    at_stage=reached,
)
