"""`segment.left`: a customer is no longer in a segment."""

from schemas.decisions import Waiting
from schemas.event import Event
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.segments.membership import MembershipChange
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind
from streams.triggers.stage_reached import MAX_NAME_LENGTH
from streams.values.durations import in_words


def left(change: MembershipChange, rule: CompiledRule, event: Event) -> Cause | None:
    """The cause, in words: which segment, and for how long the customer was in it."""
    segment = change.segment
    if change.moment != "left" or segment is None or segment.name != rule.segment:
        return None
    stayed = max(0, event.received_at - change.since)
    return Cause(
        type="segment.left",
        cause=f"{segment.name}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"is no longer in {segment.name} after {in_words(stayed)}",
        why={
            "segment": segment.name,
            "since": change.since,
            "message_id": event.message_id[:MAX_NAME_LENGTH],
        },
    )


def _still_outside(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    return waiting.why.get("segment") not in profile.decisions.segments


SEGMENT_LEFT = TriggerKind(
    name="segment.left",
    label="left a segment",
    fields=frozenset({"segment"}),
    required={"segment": "a `segment`"},
    on_membership=left,
    still_holds=_still_outside,
    tells_staff=True,
)
