"""`stage.reached`: a customer came further in a dialogue than ever before."""

from collections.abc import Mapping

from schemas.event import Event
from schemas.profile import Dialogue
from streams.playbook.matching import Match
from streams.policy.decide import Cause
from streams.profile.dialogues import furthest_stage
from streams.values.durations import in_words

LONGEST_NAME = 200
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


def reached(before: Dialogue | None, found: Match, event: Event, ranks: Mapping[str, int]) -> Cause:
    """The cause, in words: what was reached, where, and how long after the stage before it."""
    topic, stage = found.topic, found.stage
    reason = f"reached {stage} on {topic} for the first time ({event.channel})"
    why: dict[str, object] = {
        "channel": event.channel,
        "event": (event.name or event.type)[:LONGEST_NAME],
        "message_id": event.message_id[:LONGEST_NAME],
    }
    if before is not None:
        earlier = furthest_stage(before, ranks)
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
