"""`lifecycle.changed`: the relationship with a customer reached another stage."""

from schemas.decisions import Waiting
from schemas.event import Event
from schemas.playbook import TriggerRule
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.playbook.suggestions import choices
from streams.segments.membership import MembershipChange
from streams.segments.relationship import RELATIONSHIP_STAGES
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind, Wrong
from streams.triggers.stage_reached import MAX_NAME_LENGTH


def changed(change: MembershipChange, rule: CompiledRule, event: Event) -> Cause | None:
    """The cause, in words: from which relationship stage to which."""
    before, stage = change.before, change.stage
    if change.moment != "relationship" or (rule.to and stage not in rule.to):
        return None
    return Cause(
        type="lifecycle.changed",
        cause=f"{before}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"went from {before} to {stage}",
        why={
            "from": before,
            "to": stage,
            "message_id": event.message_id[:MAX_NAME_LENGTH],
        },
        stage=stage,
    )


def _check(rule: TriggerRule, wrong: Wrong) -> None:
    for index, stage in enumerate(rule.to):
        if stage not in RELATIONSHIP_STAGES:
            said = f"{stage!r} is no relationship stage; {choices(stage, RELATIONSHIP_STAGES)}"
            wrong(f"to[{index}]", said)


def _still_there(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    return (profile.decisions.relationship or "prospect") == waiting.stage


LIFECYCLE_CHANGED = TriggerKind(
    follows_relationship=True,
    name="lifecycle.changed",
    label="relationship changed",
    fields=frozenset({"to"}),
    check=_check,
    on_membership=changed,
    still_holds=_still_there,
    tells_staff=True,
)
