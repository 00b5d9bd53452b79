"""`offer.next`: what this customer will most likely want next."""

from collections.abc import Container

from schemas.event import Event
from schemas.models import Transitions
from streams.matching import Match
from streams.offers import next_topics
from streams.playbook import CompiledRule
from streams.triggers.deciding import Cause


def offer(
    known: Container[str],
    rule: CompiledRule,
    reached: Match,
    event: Event,
    transitions: Transitions,
) -> Cause | None:
    """The cause for the likeliest topic that is not `known` yet, after the one that was reached;
    None while too few customers came from there."""
    topic, stage = reached.topic, reached.stage
    found = next_topics(
        topic,
        transitions,
        known=known,
        covers=rule.covers,
        popular=False,
        least=rule.least_customers,
    )
    if not found or found[0].lift <= 1:
        return None
    best = found[0]
    return Cause(
        type="offer.next",
        cause=f"{topic}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=(
            f"after {topic} {best.share:.0%} go to {best.topic}, {best.lift:.1f} times the average"
        ),
        why={
            "message_id": event.message_id,
            "from": topic,
            "at_stage": stage,
            "share": round(best.share, 4),
            "lift": round(best.lift, 3),
            "seen": best.seen,
            "of": best.of,
            "others": [
                {"topic": other.topic, "share": round(other.share, 4)} for other in found[1:]
            ],
        },
        topic=best.topic,
        stage=stage,
    )
