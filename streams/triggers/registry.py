"""Every trigger type, by name. The order is the order in which candidates of one event are
found."""

from streams.triggers.churn_risk import CHURN_RISK
from streams.triggers.complaint_overdue import COMPLAINT_OVERDUE
from streams.triggers.kind import TriggerKind
from streams.triggers.lifecycle_changed import LIFECYCLE_CHANGED
from streams.triggers.offer_next import OFFER_NEXT
from streams.triggers.screen_pop import SCREEN_POP
from streams.triggers.segment_entered import SEGMENT_ENTERED
from streams.triggers.segment_left import SEGMENT_LEFT
from streams.triggers.silence import SILENCE
from streams.triggers.stage_reached import STAGE_REACHED
from streams.triggers.stage_stalled import STAGE_STALLED

KINDS: dict[str, TriggerKind] = {
    kind.name: kind
    for kind in (
        STAGE_REACHED,
        STAGE_STALLED,
        SILENCE,
        CHURN_RISK,
        OFFER_NEXT,
        SEGMENT_ENTERED,
        SEGMENT_LEFT,
        LIFECYCLE_CHANGED,
        COMPLAINT_OVERDUE,
        SCREEN_POP,
    )
}
