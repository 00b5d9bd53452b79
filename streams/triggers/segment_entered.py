"""`segment.entered`: a customer came into a segment."""

from schemas.decisions import Waiting
from schemas.event import Event
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.segments.membership import MembershipChange
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind
from streams.triggers.stage_reached import MAX_NAME_LENGTH


def entered(change: MembershipChange, rule: CompiledRule, event: Event) -> Cause | None:
    """The cause, in words: which segment, and what it asks for."""
    segment = change.segment
    if change.moment != "entered" or segment is None or segment.name != rule.segment:
        return None
    return Cause(
        type="segment.entered",
        cause=f"{segment.name}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"is now in {segment.name}: {segment.expression.source}",
        why={"segment": segment.name, "message_id": event.message_id[:MAX_NAME_LENGTH]},
    )


def _still_inside(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    return waiting.why.get("segment") in profile.decisions.segments


SEGMENT_ENTERED = TriggerKind(
    name="segment.entered",
    label="entered a segment",
    fields=frozenset({"segment"}),
    required={"segment": "a `segment`"},
    on_membership=entered,
    still_holds=_still_inside,
    tells_staff=True,
)
