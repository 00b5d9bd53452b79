"""`stage.reached`: a customer came further in a dialogue than ever before."""

from schemas.event import Event
from schemas.profile import Dialogue
from streams.dialogues import furthest_stage
from streams.durations import in_words
from streams.playbook import CompiledPlaybook
from streams.topics import family
from streams.triggers.deciding import Cause


def goes_further(before: Dialogue | None, topic: str, stage: str, book: CompiledPlaybook) -> bool:
    """Whether `stage` is beyond every stage of the dialogue so far."""
    if before is None:
        return True
    ranks = book.ranks.get(family(topic), {})
    rank = ranks.get(stage, -1)
    return all(ranks.get(earlier, -1) < rank for earlier in before.stages)


def reached(
    before: Dialogue | None, topic: str, stage: str, event: Event, book: CompiledPlaybook
) -> Cause:
    """The cause, in words: what was reached, where, and how long after the stage before it."""
    reason = f"reached {stage} on {topic} for the first time ({event.channel})"
    why: dict[str, object] = {"channel": event.channel, "event": event.name or event.type}
    if before is not None:
        earlier = furthest_stage(before, book.ranks.get(family(topic), {}))
        span = before.stages[earlier]
        since = event.occurred_at - span.last_at
        why |= {"from": earlier, "from_count": span.count, "since_ms": since}
        if since >= 0:
            reason += f", {in_words(since)} after {earlier}"
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
