"""Whether what a decision waited for over night is still so in the morning."""

from schemas.decisions import Waiting
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.playbook.topics import family
from streams.profile.dialogues import last_at
from streams.triggers.churn_risk import still_at_risk
from streams.triggers.complaint_overdue import opened_at
from streams.triggers.stage_stalled import stall_of


def still_holds(
    late: Waiting, rule: CompiledRule, profile: Profile, book: CompiledPlaybook
) -> bool:
    """Whether the cause of a waiting decision is still true of the customer.

    A stage that was reached stays reached. A cart must still lie there untouched, a complaint be
    open, a silence last, a customer be in the segment or stage, an offer be new to them.
    """
    life = profile.lifecycle
    topic = late.topic or ""
    dialogue = profile.dialogues.get(topic)
    ranks = book.ranks.get(family(topic), {})
    if late.type == "stage.stalled":
        if dialogue is None or last_at(dialogue) != late.why.get("quiet_since"):
            return False
        return stall_of(topic, dialogue, rule, ranks) is not None
    if late.type == "complaint.overdue":
        since = profile.decisions.cases.get(topic)
        return dialogue is not None and opened_at(dialogue, ranks, since) == late.why.get(
            "opened_at"
        )
    if late.type == "silence":
        return life.last_seen == late.why.get("last_seen")
    if late.type == "churn.risk":
        return still_at_risk(late, rule, life)
    if late.type == "offer.next":
        return dialogue is None
    if late.type == "segment.entered":
        return late.why.get("segment") in profile.decisions.segments
    if late.type == "segment.left":
        return late.why.get("segment") not in profile.decisions.segments
    if late.type == "lifecycle.changed":
        return (profile.decisions.relationship or "prospect") == late.stage
    return True
