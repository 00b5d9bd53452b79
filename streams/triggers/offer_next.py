"""`offer.next`: what this customer will most likely want next."""

from schemas.event import Event
from schemas.models import Transitions
from schemas.profile import Profile
from streams.offers import next_topics
from streams.playbook import CompiledRule
from streams.triggers.deciding import Cause


def offer(
    profile: Profile,
    rule: CompiledRule,
    topic: str,
    stage: str,
    event: Event,
    transitions: Transitions,
) -> Cause | None:
    """The cause for the likeliest next topic; None while too few customers came from `topic`."""
    if sum(transitions.following(topic).values()) < rule.least_customers:
        return None
    found = next_topics(
        topic, transitions, known=profile.dialogues, covers=rule.covers, popular=False
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
