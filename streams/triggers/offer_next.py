"""`offer.next`: what this customer will most likely want next."""

from collections.abc import Callable

from schemas.decisions import Decisions, Waiting
from schemas.models import Models
from schemas.profile import Profile
from streams.models.offer_outcomes import KIND, MAX_COMPARED, Chosen, choose
from streams.models.offers import NextTopic, OfferQuery, interests, next_topics
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.segments.facts import facts_of
from streams.triggers.candidate import Cause
from streams.triggers.kind import TriggerKind
from streams.triggers.stage_reached import MAX_NAME_LENGTH


def offer(
    change: Change, index: int, rule: CompiledRule, playbook: CompiledPlaybook, models: Models
) -> Cause | None:
    """The cause for the next topic of the customer; None while the cooldown runs or too few
    customers came from the topic that was reached, and where nothing is likelier than on average.

    What the customer has a dialogue on is no *next* topic; what was begun and left is the business
    of `stage.stalled`.
    """
    profile, event = change.after, change.event
    if rests(profile.decisions, rule, event.received_at):
        return None
    topic, stage = change.matches[index].topic, change.matches[index].stage
    query = OfferQuery(
        topic,
        interests(profile.dialogues, playbook.ranks),
        known=profile.dialogues,
        covers=rule.covers,
        complements=playbook.complements.get(topic, ()),
    )
    found = next_topics(
        query,
        models.transitions,
        eligible=_eligible(change, rule, stage, playbook, models),
        most=MAX_COMPARED,
        popular=False,
        least=rule.least_customers,
    )
    if not found:
        return None
    segment = segment_of(profile)
    chosen = choose(found, models.learned.counts(KIND), segment, event.message_id)
    return Cause(
        type="offer.next",
        cause=f"{topic}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=in_words(chosen.offer),
        why={
            "message_id": event.message_id[:MAX_NAME_LENGTH],
            "at_stage": stage,
            **figures(chosen.offer),
            "segment": segment,
            "sampled": round(chosen.sampled, 4),
            "shown": chosen.shown,
            "taken": chosen.taken,
            "explored": chosen.explored,
            "others": _others(chosen, found),
        },
        topic=chosen.offer.topic,
        stage=stage,
    )


def rests(decisions: Decisions, rule: CompiledRule, now: int) -> bool:
    """Whether the rule has offered something lately and its cooldown runs at `now` (milliseconds).

    Nothing is looked for then, and so nothing is held back either: the search costs more than all
    the rest of the fold, and one click in five asks for it.
    """
    last = decisions.fired.get(rule.name) if rule.cooldown else None
    return last is not None and now - last < rule.cooldown


def in_words(offered: NextTopic) -> str:
    """Why the topic is likely, for a person."""
    topic, after = offered.topic, offered.after
    if offered.lift > 1:
        times = f"{offered.lift:.1f} times the average"
        return f"after {after} {offered.share:.0%} go to {topic}, {times}"
    if offered.complement:
        return f"{topic} goes well with {after}"
    return f"popular: lately many who did not know {topic} began it"


def figures(offered: NextTopic) -> dict[str, object]:
    """The figures behind the reason."""
    return {
        "from": offered.after,
        "share": round(offered.share, 4),
        "lift": round(offered.lift, 3),
        "seen": offered.seen,
        "of": offered.of,
    }


def segment_of(profile: Profile) -> str:
    """Whose outcomes are told apart: relationship stages, else whether somebody has bought."""
    return profile.decisions.relationship or (
        "customer" if profile.lifecycle.purchases else "prospect"
    )


def _eligible(
    change: Change, rule: CompiledRule, stage: str, playbook: CompiledPlaybook, models: Models
) -> Callable[[NextTopic], bool] | None:
    """The rule's condition, asked of each candidate."""
    condition = rule.condition
    if condition is None:
        return None
    now = change.event.received_at

    def holds(offered: NextTopic) -> bool:
        cause = {
            "topic": offered.topic,
            "stage": stage,
            "share": round(offered.share, 4),
            "lift": round(offered.lift, 3),
        }
        return condition.holds(
            facts_of(condition.names, change.after, now, playbook.ranks, models, cause)
        )

    return holds


def _others(chosen: Chosen, found: list[NextTopic]) -> list[dict[str, object]]:
    others = [other for other in found if other is not chosen.offer]
    return [{"topic": other.topic, "share": round(other.share, 4)} for other in others[:2]]


def _still_new(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    return (waiting.topic or "") not in profile.dialogues


OFFER_NEXT = TriggerKind(
    name="offer.next",
    label="next offer",
    colour="green",
    fields=frozenset({"topic", "stages", "least_customers"}),
    at_stage=offer,
    still_holds=_still_new,
)
